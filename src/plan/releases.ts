import { parseHostsAccess } from '../documents/hosts-access.ts'
import { contains, formatAddress, isHost, type Network, parseNetwork } from '../network.ts'
import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import type { ReleaseStep } from './plan.ts'

const BAN_TARGETS: ReadonlySet<string> = new Set(['DROP', 'REJECT', 'CHAOS', 'TARPIT', 'DELUDE'])

/** Addresses that portsentry has put into hosts.deny: one daemon ALL, one client. */
const deniedAddresses = (text: string): Network[] =>
  parseHostsAccess(text).rules.flatMap(({ daemons, clients }) => {
    const host = daemons.join() === 'ALL' && clients.length === 1 ? parseNetwork(clients[0] ?? '') : null
    return host !== null && isHost(host) ? [host] : []
  })

/** The specification of a rule of INPUT that bans one host and does nothing else, with the host; else null. */
const banRule = (rule: string): { host: Network; words: string[] } | null => {
  const words = rule.split(' ').slice(2)
  const source = words[0] === '-s' ? parseNetwork(words[1] ?? '') : null
  const jump = words.indexOf('-j')
  const plain = jump === 2 || (jump === 4 && words[2] === '-p')
  if (source === null || !isHost(source) || !plain || !BAN_TARGETS.has(words[jump + 1] ?? '')) return null
  return { host: source, words }
}

/**
 * Protected hosts that are banned now. A rule in INPUT alone may be the admin's own: it goes only where
 * hosts.deny or fail2ban show that portsentry banned the host.
 */
export const planReleases = (desired: Desired, facts: Facts, live: LiveFacts): ReleaseStep[] => {
  const isProtected = (host: Network) => desired.protectedNetworks.some((network) => contains(network, host))
  const jailed = live.banned.flatMap((text) => parseNetwork(text) ?? []).filter(isProtected)
  const denied = deniedAddresses(fileText(facts, '/etc/hosts.deny') ?? '').filter(isProtected)
  const addresses = new Set([...jailed, ...denied].map(({ bytes }) => formatAddress(bytes)))
  const rules = (live.inputRules ?? []).flatMap((rule) => banRule(rule) ?? [])
  return [...addresses].flatMap((address): ReleaseStep[] => {
    const own = rules.filter(({ host }) => formatAddress(host.bytes) === address).map(({ words }) => words)
    const inJail = jailed.some(({ bytes }) => formatAddress(bytes) === address)
    return own.length > 0 || inJail ? [{ kind: 'release', address, rules: own, jailed: inJail }] : []
  })
}
