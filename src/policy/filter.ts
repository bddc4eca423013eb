import type { Network } from '../network.ts'

/** Which of a host's packets a rule concerns: all, none, or some, by what else they are. */
export type Reach = 'all' | 'some' | 'none'

export interface FilterRule {
  /** As its program shows it. */
  readonly text: string
  readonly reach: (host: Network) => Reach
  /** A verdict, or the chain where it goes on; null: the rule decides nothing (it counts, logs, marks). */
  readonly target: Outcome | { readonly chain: string; readonly returns: boolean } | 'return' | null
}

/** `other`: a target that answers in its own way, such as TARPIT. */
export type Outcome = 'accept' | 'drop' | 'reject' | 'other'

/** The chains of one family or table. */
export interface Filter {
  /** Where packets to this server come in, in order, and what becomes of those that no rule decides. */
  readonly entries: readonly { readonly chain: string; readonly policy: Outcome; readonly text: string }[]
  readonly chains: ReadonlyMap<string, readonly FilterRule[]>
}

/** What a filter does with a host that opens a connection or sends a datagram, as far as the source decides it. */
export interface FilterVerdict {
  readonly outcome: Outcome
  /** The rule, or the policy, that decides. */
  readonly by: string
  /** Rules before it that decide for some of the packets: by port, interface, rate. */
  readonly unless: readonly string[]
}

type Step = { readonly outcome: Outcome; readonly by: string } | 'return'

/** iptables allows no loops, and no chain of anybody's is nested deeper. */
const MAX_DEPTH = 32

const walk = (
  filter: Filter,
  chain: string,
  host: Network,
  unless: string[],
  isSure: boolean,
  depth: number,
): Step => {
  if (depth > MAX_DEPTH) return 'return'
  for (const { text, reach, target } of filter.chains.get(chain) ?? []) {
    const reached = reach(host)
    if (reached === 'none' || target === null) continue
    const isCertain = isSure && reached === 'all'
    if (target === 'return') {
      if (reached === 'all') return 'return'
      unless.push(text)
      continue
    }
    if (typeof target === 'object') {
      const step = walk(filter, target.chain, host, unless, isCertain, depth + 1)
      if (step !== 'return' && isCertain) return step
      if (isCertain && !target.returns) return 'return'
      continue
    }
    if (isCertain) return { outcome: target, by: text }
    unless.push(text)
    // In a chain that only some packets see, this is where those end.
    if (reached === 'all') return 'return'
  }
  return 'return'
}

/** The verdict of each place where packets come in. A packet gets through where all of them let it. Pure. */
export const judge = (filter: Filter, host: Network): FilterVerdict[] =>
  filter.entries.map(({ chain, policy, text }) => {
    const unless: string[] = []
    const step = walk(filter, chain, host, unless, true, 0)
    return { ...(step === 'return' ? { outcome: policy, by: text } : step), unless }
  })
