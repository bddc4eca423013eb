import { stat } from 'node:fs/promises'

/**
 * Its time is that of the last reload by portward: fail2ban leaves no other trace of one that could be asked for. What was
 * reloaded before the running process was started does not matter. Gone at the next boot, as that process is.
 */
export const RELOADED = '/run/portward-fail2ban-reload'

/** When portward last had fail2ban read its files again, in ms since 1970; 0: never since the boot. */
export const readReloaded = async (): Promise<number> =>
  (await stat(RELOADED).catch(() => null))?.mtimeMs ?? 0
