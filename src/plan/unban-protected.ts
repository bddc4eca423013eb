import { parseHostsAccess } from '../documents/hosts-access.ts'
import { deniedAddresses } from '../documents/hosts-access-edit.ts'
import { formatAddress, isWithin, type Network, parseNetwork } from '../network.ts'
import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import type { ReleaseStep } from './plan.ts'

/** The protected ones of these addresses, in canonical form. */
const protectedOf = (addresses: readonly string[], { protectedNetworks }: Desired): Set<string> => {
  const hosts: Network[] = addresses.flatMap((text) => parseNetwork(text) ?? [])
  return new Set(
    hosts.filter((host) => isWithin(protectedNetworks, host)).map(({ bytes }) => formatAddress(bytes)),
  )
}

/**
 * Protected hosts that are banned now. A rule in INPUT or a route may be the admin's: it is removed only if hosts.deny or
 * fail2ban show that portsentry banned the host. portward's ban set contains nothing but bans.
 */
export const planUnbans = (desired: Desired, facts: Facts, live: LiveFacts): ReleaseStep[] => {
  const jailed = protectedOf(
    (live.jailed ?? []).map(({ address }) => address),
    desired,
  )
  const hostsDeny = parseHostsAccess(fileText(facts, '/etc/hosts.deny') ?? '')
  const evidence = new Set([...jailed, ...protectedOf(deniedAddresses(hostsDeny), desired)])
  const bans = live.bans ?? []
  const inBanSet = bans.filter(({ isOwn }) => isOwn).map(({ address }) => address)
  const addresses = new Set([...evidence, ...protectedOf(inBanSet, desired)])
  return [...addresses].flatMap((address): ReleaseStep[] => {
    const commands = bans
      .filter((ban) => ban.address === address && (ban.isOwn || evidence.has(address)))
      .map(({ undo: command }) => [command.join(' '), command] as const)
    const undo = [...new Map(commands).values()]
    const inJail = jailed.has(address)
    return undo.length > 0 || inJail ? [{ kind: 'release', address, undo, jailed: inJail }] : []
  })
}
