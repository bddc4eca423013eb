import { contains, type Network, parseNetwork } from '../network.ts'
import { splitRule } from './bans.ts'
import type { Filter, FilterRule, Outcome, Reach } from './filter.ts'

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'reject',
  TARPIT: 'other',
  DELUDE: 'other',
  CHAOS: 'other',
  QUEUE: 'other',
  NFQUEUE: 'other',
}

/** What a rule asks of a packet, beside its source. */
interface Conditions {
  readonly source: { readonly network: Network | null; readonly isNegated: boolean } | null
  /** Whether a host's first packet from outside can meet it at all. */
  readonly isPossible: boolean
  /** Whether it asks for anything else. */
  readonly isMore: boolean
}

const NOTHING: Conditions = { source: null, isPossible: true, isMore: false }

/** Reads `-s`, comments, and what never fits a scan: loopback, and connections that are there already. */
const readConditions = (words: readonly string[]): Conditions => {
  const [word, next = '', ...rest] = words
  if (word === undefined) return NOTHING
  if (word === '!') {
    const after = readConditions(words.slice(3))
    if (next === '-s') return { ...after, source: { network: parseNetwork(rest[0] ?? ''), isNegated: true } }
    return { ...after, isMore: true }
  }
  const after = () => readConditions(rest)
  if (word === '-s') return { ...after(), source: { network: parseNetwork(next), isNegated: false } }
  if (word === '-i') {
    const others = after()
    return next === 'lo' ? { ...others, isPossible: false } : { ...others, isMore: true }
  }
  if (word === '--ctstate' || word === '--state') {
    const others = after()
    return next.split(',').includes('NEW') || next.includes('INVALID') || next.includes('UNTRACKED')
      ? { ...others, isMore: true }
      : { ...others, isPossible: false }
  }
  if (word === '--comment' || word === '-m') {
    return word === '-m' && !['comment', 'conntrack', 'state'].includes(next)
      ? { ...after(), isMore: true }
      : after()
  }
  return { ...readConditions(words.slice(1)), isMore: true }
}

const reachOf =
  ({ source, isPossible, isMore }: Conditions) =>
  (host: Network): Reach => {
    if (!isPossible) return 'none'
    if (source?.network === null) return 'some'
    if (source !== null && contains(source.network, host) === source.isNegated) return 'none'
    return isMore ? 'some' : 'all'
  }

const readTarget = (words: readonly string[], chains: ReadonlySet<string>): FilterRule['target'] => {
  const [flag, target = ''] = words
  if (flag === undefined) return null
  if (target === 'RETURN') return 'return'
  return OUTCOMES[target] ?? (chains.has(target) ? { chain: target, returns: flag === '-j' } : null)
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
