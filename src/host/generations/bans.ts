import { undoBan } from '../../bans/firewall.ts'
import { releaseDenied } from '../../bans/hosts-deny.ts'
import { unban } from '../../bans/jail.ts'
import { readBanned } from '../../facts/fail2ban.ts'
import { readFirewallBans } from '../../facts/firewall-bans.ts'
import { canonical, readDenied } from '../../facts/hosts-deny.ts'
import { isWithin, type Network, parseNetwork } from '../../network.ts'
import { DENIED } from '../../policy/ban-set.ts'
import { stopService } from '../services.ts'
import type { BanRecord, Undoing } from './record.ts'

const JAIL = 'portsentry'

/** Whom portsentry and its jail ban now, and every rule and route that looks like such a ban. */
export const readBans = async (): Promise<BanRecord> => {
  const [{ entered }, jailed, { bans }] = await Promise.all([
    readDenied('/', DENIED),
    readBanned(JAIL),
    readFirewallBans(),
  ])
  return {
    addresses: [...new Set([...entered, ...jailed.map(canonical)])],
    commands: bans.map(({ undo }) => undo.join(' ')),
  }
}

type IsLifted = (address: string) => boolean

/**
 * Whether the ban of an address that was made since is lifted. An apply that failed is put back while the daemons work:
 * where portward banned before, the same hosts would have been banned then, but for those that the configuration of
 * before protects. What is rolled back later may have banned wrongly, and takes all of its bans with it; so does a ban set
 * that was not there before (`allowed` is null). Pure.
 */
export const liftedBy = (as: Undoing, allowed: readonly Network[] | null): IsLifted => {
  if (as !== 'undone' || allowed === null) return () => true
  return (address) => {
    const host = parseNetwork(address)
    return host === null || isWithin(allowed, host)
  }
}

/**
 * Lets go of whom portsentry has banned since. A rule in INPUT or a route may be the admin's own, it goes only where
 * hosts.deny or fail2ban show whose it is; so they go after it, and this can be done again after a crash. Throws HostError.
 */
export const liftBans = async (before: BanRecord, setGoes: boolean, isLifted: IsLifted): Promise<void> => {
  const known = new Set(before.addresses)
  const added = (await readBans()).addresses.filter((address) => !known.has(address) && isLifted(address))
  if (added.length === 0) return
  const since = new Set(added)
  // It would go on banning.
  await stopService('portsentry')
  const { bans } = await readFirewallBans()
  for (const { address, undo, isOwn } of bans) {
    // Those go all at once, with their set.
    if (isOwn && setGoes) continue
    if (since.has(address) && !before.commands.includes(undo.join(' '))) await undoBan(undo)
  }
}

/** The client of fail2ban takes a while to start. */
const AT_ONCE = 100

/** Has the jail let go of whom it holds since. Throws HostError. */
export const emptyJail = async (before: BanRecord, isLifted: IsLifted): Promise<void> => {
  const known = new Set(before.addresses)
  const jailed = (await readBanned(JAIL)).filter(
    (address) => !known.has(canonical(address)) && isLifted(canonical(address)),
  )
  for (let at = 0; at < jailed.length; at += AT_ONCE) await unban(JAIL, ...jailed.slice(at, at + AT_ONCE))
}

/** Takes portsentry's lines for those whom it has banned since out of hosts.deny. Throws HostError. */
export const trimHostsDeny = async (before: BanRecord, isLifted: IsLifted): Promise<void> => {
  const known = new Set(before.addresses)
  await releaseDenied('/', (host) => !known.has(host) && isLifted(host))
}
