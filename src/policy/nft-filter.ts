import type { Filter, FilterRule, Outcome, Reach } from './filter.ts'
import { describeMatch, dig, type Json, reachOfMatch, type Sets } from './nft-match.ts'
import { readJson } from './read-json.ts'

interface InTable {
  readonly family: string
  readonly table: string
}

interface Chain extends InTable {
  readonly name: string
  readonly hook?: string
  readonly type?: string
  readonly prio?: number
  readonly policy?: string
}

interface Rule extends InTable {
  readonly chain: string
  readonly handle: number
  readonly expr?: readonly Readonly<Record<string, Json>>[]
}

interface NftObject {
  readonly chain?: Chain
  readonly rule?: Rule
  readonly set?: InTable & { readonly name: string; readonly elem?: readonly Json[] }
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  accept: 'accept',
  drop: 'drop',
  reject: 'reject',
  queue: 'other',
}
const VERBS: readonly string[] = [...Object.keys(OUTCOMES), 'jump', 'goto', 'return']
/** Statements that ask nothing of a packet. */
const NEUTRAL: ReadonlySet<string> = new Set([...VERBS, 'counter', 'log', 'mangle', 'notrack'])

const keyOf = ({ family, table }: InTable, chain: string): string => `${family} ${table} ${chain}`

const least = (a: Reach, b: Reach): Reach =>
  a === 'none' || b === 'none' ? 'none' : a === 'some' || b === 'some' ? 'some' : 'all'

const readTarget = (rule: Rule, verb: string | undefined, chain: string): FilterRule['target'] => {
  if (verb === undefined) return null
  if (verb === 'return') return 'return'
  return OUTCOMES[verb] ?? { chain: keyOf(rule, chain), returns: verb === 'jump' }
}

const readRule = (rule: Rule, sets: Sets): FilterRule => {
  const statements = (rule.expr ?? []).flatMap((statement) => Object.entries(statement))
  const matches = statements.flatMap(([name, value]) => (name === 'match' ? [value] : []))
  const isMore = statements.some(([name]) => name !== 'match' && !NEUTRAL.has(name))
  const [verb, value] = statements.find(([name]) => VERBS.includes(name)) ?? []
  const chain = String(dig(value, 'target') ?? '')
  const words = [...matches.map(describeMatch), verb ?? '', chain].filter((word) => word !== '')
  return {
    text: `nft ${keyOf(rule, rule.chain)}: ${words.join(' ')} # handle ${rule.handle}`,
    reach: (host) =>
      matches.map((match) => reachOfMatch(match, sets, host)).reduce(least, isMore ? 'some' : 'all'),
    target: readTarget(rule, verb, chain),
  }
}

const readSets = (objects: readonly NftObject[]): ReadonlyMap<string, Sets> => {
  const sets = new Map<string, Map<string, readonly Json[]>>()
  for (const { set } of objects) {
    if (set === undefined) continue
    const table = keyOf(set, '')
    sets.set(table, (sets.get(table) ?? new Map<string, readonly Json[]>()).set(set.name, set.elem ?? []))
  }
  return sets
}

/**
 * Where packets of a family come in, by what `nft -j list ruleset` prints. `isShown`: iptables shows the chain of its
 * own there, and does so better.
 */
export const parseNft = (text: string, family: 'ipv4' | 'ipv6', isShown: boolean): Filter => {
  const objects = readJson<{ readonly nftables?: readonly NftObject[] }>(text)?.nftables ?? []
  const sets = readSets(objects)
  const chains = new Map<string, FilterRule[]>()
  for (const { rule } of objects) {
    if (rule === undefined) continue
    const key = keyOf(rule, rule.chain)
    const rules = chains.get(key) ?? []
    rules.push(readRule(rule, sets.get(keyOf(rule, '')) ?? new Map()))
    chains.set(key, rules)
  }
  const families = ['inet', family === 'ipv4' ? 'ip' : 'ip6']
  const isShownBetter = (chain: Chain): boolean =>
    isShown && chain.family !== 'inet' && chain.table === 'filter' && chain.name === 'INPUT'
  const entries = objects
    .flatMap(({ chain }) => chain ?? [])
    .filter((chain) => chain.type === 'filter' && chain.hook === 'input' && families.includes(chain.family))
    .filter((chain) => !isShownBetter(chain))
    .sort((a, b) => (a.prio ?? 0) - (b.prio ?? 0))
    .map((chain) => ({
      chain: keyOf(chain, chain.name),
      policy: OUTCOMES[chain.policy ?? ''] ?? ('accept' as const),
      text: `nft ${keyOf(chain, chain.name)}: policy ${chain.policy ?? 'accept'}`,
    }))
  return { entries, chains }
}
