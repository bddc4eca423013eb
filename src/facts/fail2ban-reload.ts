import { stat } from 'node:fs/promises'

/**
 * The modification time of this file is the time of portward's last reload, which fail2ban itself does not record. A reload
 * before the start of the running process does not matter. The file is lost at the next boot, as that process is.
 */
export const RELOADED = '/run/portward-fail2ban-reload'

/** When portward last made fail2ban read its files again, in ms since 1970; 0: never since the boot. */
export const readReloaded = async (): Promise<number> =>
  (await stat(RELOADED).catch(() => null))?.mtimeMs ?? 0
