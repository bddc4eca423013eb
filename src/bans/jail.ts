import { readDaemons } from '../facts/daemons.ts'
import { readJails } from '../facts/fail2ban.ts'
import { effect } from '../system/effect.ts'
import { HostError } from '../system/host-error.ts'
import { run } from '../system/process.ts'

/** Sends a jail a command about addresses. A jail that is not loaded does not ban. */
const tellJail = async (
  jail: string,
  command: 'banip' | 'unbanip',
  addresses: readonly string[],
): Promise<void> => {
  const jails = await readJails()
  if (jails === null && (await readDaemons('fail2ban')).length > 0)
    throw new HostError('fail2ban does not answer', 'see whether it hangs: journalctl -u fail2ban')
  if (!jails?.includes(jail)) return
  await effect(`run fail2ban-client set ${jail} ${command} ${addresses.join(' ')}`, () =>
    run('fail2ban-client', ['set', jail, command, ...addresses], `see fail2ban-client status ${jail}`),
  )
}

/** Makes a jail release addresses. Throws HostError. */
export const unban = (jail: string, ...addresses: readonly string[]): Promise<void> =>
  tellJail(jail, 'unbanip', addresses)

/** Makes a jail ban addresses. Throws HostError. */
export const ban = (jail: string, ...addresses: readonly string[]): Promise<void> =>
  tellJail(jail, 'banip', addresses)
