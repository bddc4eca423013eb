import { parseHostsAccess } from '../documents/hosts-access.ts'
import { deniedAddresses } from '../documents/hosts-access-edit.ts'
import { notWithin } from '../documents/other-addresses.ts'
import { canonicalAddress, createMatcher } from '../network.ts'
import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import type { ReleaseStep } from './plan.ts'

/**
 * Protected hosts that are banned now. A rule in INPUT or a route may be the admin's: it is removed only if hosts.deny or
 * fail2ban show that portsentry banned the host. portward's ban set contains nothing but bans.
 */
export const planUnbans = (desired: Desired, facts: Facts, live: LiveFacts): ReleaseStep[] => {
  const isProtected = createMatcher(desired.protectedNetworks)
  const jailed = new Set((live.jailed ?? []).map(({ address }) => address).filter(isProtected))
  const others = notWithin(desired.protectedNetworks)
  const hostsDeny = parseHostsAccess(fileText(facts, '/etc/hosts.deny') ?? '', others)
  const denied = deniedAddresses(hostsDeny).filter(isProtected)
  const evidence = new Set([...jailed, ...denied.map((text) => canonicalAddress(text) ?? text)])
  const bans = live.bans ?? []
  const inBanSet = bans.filter(
    ({ isOwn, address }) => isOwn && !address.includes('/') && isProtected(address),
  )
  const addresses = new Set([...evidence, ...inBanSet.map(({ address }) => address)])
  return [...addresses].flatMap((address): ReleaseStep[] => {
    const commands = bans
      .filter((ban) => ban.address === address && (ban.isOwn || evidence.has(address)))
      .map(({ undo: command }) => [command.join(' '), command] as const)
    const undo = [...new Map(commands).values()]
    const inJail = jailed.has(address)
    return undo.length > 0 || inJail ? [{ kind: 'release', address, undo, jailed: inJail }] : []
  })
}
