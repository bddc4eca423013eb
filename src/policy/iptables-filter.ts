import { contains, type Network, parseNetwork } from '../network.ts'
import { splitRule } from './bans.ts'
import { type Filter, type FilterRule, leastReach, type Outcome, type Reach } from './filter.ts'

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'reject',
  TARPIT: 'other',
  DELUDE: 'other',
  CHAOS: 'other',
}
/** Targets that decide nothing. */
const NEUTRAL = new Set(['LOG', 'NFLOG', 'MARK', 'CONNMARK', 'AUDIT', 'TRACE', 'SET', 'CT', 'NOTRACK'])

type Condition = (host: Network) => Reach

const always =
  (reach: Reach): Condition =>
  () =>
    reach

const sourceIs =
  (text: string, isNegated: boolean): Condition =>
  (host) => {
    const network = parseNetwork(text)
    if (network === null) return 'unknown'
    return contains(network, host) === isNegated ? 'none' : 'all'
  }

const isSubset = (list: string, of: readonly string[]): boolean =>
  list.split(',').every((word) => of.includes(word))

/** What never fits a first packet is `none`; what fits none of a connection's is `some`. */
const reachOfState = (states: string): Reach => {
  if (isSubset(states, ['ESTABLISHED', 'RELATED', 'SNAT', 'DNAT'])) return 'none'
  return isSubset(states, ['ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED']) ? 'some' : 'unknown'
}

/** Modules whose options are read here. */
const MODULES = ['comment', 'conntrack', 'state', 'tcp', 'udp', 'multiport']

/** A condition of one word and its value; null: it is none of these. */
const readCondition = (word: string, value: string): Condition | null => {
  switch (word) {
    case '-s':
      return sourceIs(value, false)
    case '-i':
      return always(value === 'lo' ? 'none' : 'unknown')
    case '-p':
      return always(/^(?:icmp|ipv6-icmp|icmpv6)$/.test(value) ? 'none' : 'unknown')
    case '-m':
      return always(MODULES.includes(value) ? 'all' : 'unknown')
    case '--ctstate':
    case '--state':
      return always(reachOfState(value))
    case '--dport':
    case '--dports':
      return always(/^\d+(?:,\d+)*$/.test(value) ? 'some' : 'unknown')
    case '--comment':
      return always('all')
    default:
      return null
  }
}

const readNegated = (word: string, value: string): Condition => {
  if (word === '-s') return sourceIs(value, true)
  return always(word === '-i' && value === 'lo' ? 'all' : 'unknown')
}

const readConditions = (words: readonly string[]): Condition[] => {
  const [word, value = '', third = ''] = words
  if (word === undefined) return []
  if (word === '!') return [readNegated(value, third), ...readConditions(words.slice(3))]
  const condition = readCondition(word, value)
  return condition === null
    ? [always('unknown'), ...readConditions(words.slice(1))]
    : [condition, ...readConditions(words.slice(2))]
}

const reachOf =
  (conditions: readonly Condition[]) =>
  (host: Network): Reach =>
    leastReach(...conditions.map((condition) => condition(host)))

const readTarget = (words: readonly string[], chains: ReadonlySet<string>): FilterRule['target'] => {
  const [flag, target = ''] = words
  if (flag === undefined) return null
  if (target === 'RETURN') return 'return'
  if (chains.has(target)) return { chain: target, returns: flag === '-j' }
  // QUEUE, NFQUEUE and what else there may be: somebody else decides.
  return OUTCOMES[target] ?? (NEUTRAL.has(target) ? null : 'unknown')
}

/** The filter table in what `iptables -S` or `ip6tables -S` prints; rules are shown with their program before them. */
export const parseIptables = (program: 'iptables' | 'ip6tables', text: string): Filter => {
  const lines = text.split('\n').filter((line) => line !== '')
  const named = new Set(lines.flatMap((line) => /^-N (\S+)$/.exec(line)?.[1] ?? []))
  const chains = new Map<string, FilterRule[]>()
  for (const line of lines) {
    const [append, chain = '', ...words] = splitRule(line)
    if (append !== '-A') continue
    const jump = words.findIndex((word) => word === '-j' || word === '-g')
    const end = jump === -1 ? words.length : jump
    const rule: FilterRule = {
      text: `${program} ${line}`,
      reach: reachOf(readConditions(words.slice(0, end))),
      target: readTarget(words.slice(end), named),
    }
    const rules = chains.get(chain)
    if (rules === undefined) chains.set(chain, [rule])
    else rules.push(rule)
  }
  const policy = /^-P INPUT (\S+)$/m.exec(text)?.[1]
  const input = {
    chain: 'INPUT',
    policy: OUTCOMES[policy ?? ''] ?? 'accept',
    text: `${program} -P INPUT ${policy}`,
  }
  return { entries: policy === undefined ? [] : [input], chains }
}
