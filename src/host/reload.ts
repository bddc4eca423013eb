import { stat, writeFile } from 'node:fs/promises'
import { effect } from './effect.ts'
import { run } from './process.ts'

/**
 * Its time is that of the last reload: fail2ban leaves no other trace of one that could be asked for. What was reloaded
 * before the running process was started does not matter. Gone at the next boot, as that process is.
 */
const STAMP = '/run/portward-fail2ban-reload'

/** When portward last had fail2ban read its files again, in ms since 1970; 0: never since the boot. */
export const readReloaded = async (): Promise<number> => (await stat(STAMP).catch(() => null))?.mtimeMs ?? 0

/**
 * Has fail2ban read the portsentry jail's options, filter and action again. Bans stay, and nothing is run for them. Throws
 * HostError; the jail may be gone then.
 */
export const reloadJail = async (): Promise<void> => {
  // Before: what changes during the reload may not have been read.
  await writeFile(STAMP, '', { mode: 0o644 })
  await effect('run fail2ban-client reload portsentry', () =>
    run('fail2ban-client', ['reload', 'portsentry'], 'see /var/log/fail2ban.log'),
  )
}
