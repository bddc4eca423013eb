import { stopService } from '../apply/services.ts'
import { undoBan } from '../bans/firewall.ts'
import { unban } from '../bans/jail.ts'
import { JAIL, readBanned } from '../facts/fail2ban.ts'
import { readFirewallBans } from '../facts/firewall-bans.ts'
import { canonical, readDenied } from '../facts/hosts-deny.ts'
import { isWithin, type Network, parseNetwork } from '../network.ts'
import { DENIED } from '../policy/ban-set.ts'
import type { BanRecord, Undone } from './record.ts'

/** The hosts that portsentry and its jail ban now. */
const readBannedHosts = async (): Promise<string[]> => {
  const [{ entered }, jailed] = await Promise.all([readDenied('/', DENIED), readBanned(JAIL)])
  return [...new Set([...entered, ...jailed.map(canonical)])]
}

/** The hosts that portsentry and its jail ban now, and all rules and routes that look like such a ban. */
export const readBans = async (): Promise<BanRecord> => {
  const [addresses, { bans }] = await Promise.all([readBannedHosts(), readFirewallBans()])
  return { addresses, commands: bans.map(({ undo }) => undo.join(' ')) }
}

/** How many hosts a rollback releases: those that have been banned since the snapshot. */
export const countReleased = async (before: BanRecord): Promise<number> =>
  (await readBannedHosts()).filter(releasedBy('rolled-back', before, null)).length

type IsReleased = (address: string) => boolean

/**
 * Whether a host, in canonical form, was banned since the snapshot and is to be released. A failed apply is undone while
 * the daemons run: if portward banned before, the earlier configuration would have banned the same hosts, except those that it
 * protects, so only these are released. A later rollback releases all of them, since the configuration may have banned wrongly;
 * so does the removal of a ban set that did not exist before (`allowed` is null). Pure.
 */
export const releasedBy = (
  as: Undone,
  before: Pick<BanRecord, 'addresses'>,
  allowed: readonly Network[] | null,
): IsReleased => {
  const known = new Set(before.addresses)
  return (address) => {
    if (known.has(address)) return false
    const host = parseNetwork(address)
    return as === 'rolled-back' || allowed === null || host === null || isWithin(allowed, host)
  }
}

/**
 * Undoes the bans of these hosts in the firewall. A rule in INPUT or a route may be the admin's: it is removed only if
 * hosts.deny or fail2ban show that portsentry made it. These are cleared afterwards, so that this can be repeated after a
 * crash. Throws HostError.
 */
export const undoFirewallBans = async (
  before: BanRecord,
  removesBanSet: boolean,
  isReleased: IsReleased,
): Promise<void> => {
  const added = new Set((await readBannedHosts()).filter(isReleased))
  if (added.size === 0) return
  // A running portsentry would make new bans.
  await stopService('portsentry')
  for (const { address, undo, isOwn } of (await readFirewallBans()).bans) {
    // These are removed together with their set.
    if (isOwn && removesBanSet) continue
    if (added.has(address) && !before.commands.includes(undo.join(' '))) await undoBan(undo)
  }
}

/** Addresses in one command: fail2ban's client takes a while to start. */
const AT_ONCE = 100

/** Makes the jail release these hosts. Throws HostError. */
export const releaseJailed = async (isReleased: IsReleased): Promise<void> => {
  const jailed = (await readBanned(JAIL)).filter((address) => isReleased(canonical(address)))
  for (let at = 0; at < jailed.length; at += AT_ONCE) await unban(JAIL, ...jailed.slice(at, at + AT_ONCE))
}
