import type { Network } from '../network.ts'

/**
 * Which of a host's packets a rule concerns: all, those to ports that it lists, none; `unknown`: it asks for something
 * that cannot be judged here, and may concern all of them or none.
 */
export type Reach = 'all' | 'unknown' | 'some' | 'none'

const REACHES: readonly Reach[] = ['none', 'some', 'unknown', 'all']

/** What is left where a packet has to meet all of these conditions. */
export const leastReach = (...reaches: readonly Reach[]): Reach =>
  REACHES.find((reach) => reaches.includes(reach)) ?? 'all'

export interface FilterRule {
  /** As its program shows it. */
  readonly text: string
  readonly reach: (host: Network) => Reach
  /** A verdict, or the chain where it goes on; null: the rule decides nothing (it counts, logs, marks). */
  readonly target: Outcome | { readonly chain: string; readonly returns: boolean } | 'return' | null
}

/** `other`: a target that answers in its own way, such as TARPIT. `unknown`: a verdict map, a program that decides, … */
export type Outcome = 'accept' | 'drop' | 'reject' | 'other' | 'unknown'

/** The chains of one family or table. */
export interface Filter {
  /** Where packets to this server come in, in order, and what becomes of those that no rule decides. */
  readonly entries: readonly { readonly chain: string; readonly policy: Outcome; readonly text: string }[]
  readonly chains: ReadonlyMap<string, readonly FilterRule[]>
}

/** What a filter does with a host that opens a connection or sends a datagram, as far as the source decides it. */
export interface FilterVerdict {
  readonly outcome: Outcome
  /** The rule, or the policy, that decides; where the outcome is not known the first rule that cannot be judged. */
  readonly by: string
  /** Rules before it that decide for some of the packets, by port, or that may decide with the same outcome. */
  readonly unless: readonly string[]
}

type Step = { readonly outcome: Outcome; readonly by: string } | 'return'

/** iptables allows no loops, and no chain of anybody's is nested deeper. */
const MAX_DEPTH = 32

/** A rule that may decide before the one that surely does. */
interface Candidate {
  readonly text: string
  readonly outcome: Outcome
  readonly reach: Reach
}

const walk = (
  filter: Filter,
  chain: string,
  host: Network,
  candidates: Candidate[],
  entered: Reach,
  depth: number,
): Step => {
  if (depth > MAX_DEPTH) return 'return'
  let coming = entered
  for (const rule of filter.chains.get(chain) ?? []) {
    const { text, target } = rule
    const own = rule.reach(host)
    const reach = leastReach(coming, own)
    if (reach === 'none' || target === null) continue
    if (typeof target === 'object') {
      const step = walk(filter, target.chain, host, candidates, reach, depth + 1)
      if (step !== 'return') return step
      if (target.returns) continue
    } else if (target !== 'return') {
      if (reach === 'all') return { outcome: target, by: text }
      candidates.push({ text, outcome: target, reach })
      if (own === 'all') return 'return'
      continue
    }
    // This chain goes on with whatever does not meet the rule.
    if (own === 'all') return 'return'
    if (own === 'unknown') coming = reach
    else if (target === 'return') candidates.push({ text, outcome: 'accept', reach: 'some' })
  }
  return 'return'
}

const isClosed = (outcome: Outcome): boolean => outcome !== 'accept'

/** The verdict of each place where packets come in. A packet gets through where all of them let it. Pure. */
export const judge = (filter: Filter, host: Network): FilterVerdict[] =>
  filter.entries.map(({ chain, policy, text }) => {
    const candidates: Candidate[] = []
    const step = walk(filter, chain, host, candidates, 'all', 0)
    const end = step === 'return' ? { outcome: policy, by: text } : step
    const doubt = candidates.find(
      ({ outcome, reach }) =>
        reach === 'unknown' && (outcome === 'unknown' || isClosed(outcome) !== isClosed(end.outcome)),
    )
    const others = candidates.filter((candidate) => candidate !== doubt).map((candidate) => candidate.text)
    return doubt === undefined
      ? { ...end, unless: others }
      : { outcome: 'unknown', by: doubt.text, unless: [...others, end.by] }
  })
