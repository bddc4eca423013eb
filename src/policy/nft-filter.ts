import { type Filter, type FilterRule, leastReach, type Outcome } from './filter.ts'
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
  readonly set?: InTable & {
    readonly name: string
    readonly flags?: Json
    readonly elem?: readonly Json[]
  }
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  accept: 'accept',
  drop: 'drop',
  reject: 'reject',
  // A program decides.
  queue: 'unknown',
}
const VERBS: readonly string[] = [...Object.keys(OUTCOMES), 'jump', 'goto', 'return']
/** Statements that neither ask anything of a packet nor decide over it. */
const NEUTRAL: ReadonlySet<string> = new Set([...VERBS, 'counter', 'log', 'mangle', 'notrack', 'ct helper'])
/** Statements that ask something that cannot be judged here, and decide nothing by themselves. */
const CONDITIONS: ReadonlySet<string> = new Set(['match', 'limit', 'quota', 'ct count'])

/** Adding to a set decides nothing, unless that depends on a rate. */
const isNeutral = (name: string, value: Json): boolean =>
  NEUTRAL.has(name) || (name === 'set' && dig(value, 'stmt') === undefined)

const keyOf = ({ family, table }: InTable, chain: string): string => `${family} ${table} ${chain}`

const readTarget = (rule: Rule, verb: string | undefined, chain: string): FilterRule['target'] => {
  if (verb === undefined) return null
  if (verb === 'return') return 'return'
  return OUTCOMES[verb] ?? { chain: keyOf(rule, chain), returns: verb === 'jump' }
}

const readRule = (rule: Rule, sets: Sets): FilterRule => {
  const statements = (rule.expr ?? []).flatMap((statement) => Object.entries(statement))
  const matches = statements.flatMap(([name, value]) => (name === 'match' ? [value] : []))
  const others = statements.filter(([name, value]) => name !== 'match' && !isNeutral(name, value))
  // Verdict maps, extensions of iptables, and what else nft may have that is not read here: it may decide.
  const strange = others.map(([name]) => name).filter((name) => !CONDITIONS.has(name))
  const [verb, value] = statements.find(([name]) => VERBS.includes(name)) ?? []
  const chain = String(dig(value, 'target') ?? '')
  const words = [...matches.map(describeMatch), ...strange, verb ?? '', chain].filter((word) => word !== '')
  return {
    text: `nft ${keyOf(rule, rule.chain)}: ${words.join(' ')} # handle ${rule.handle}`,
    reach: (host) =>
      leastReach(
        ...matches.map((match) => reachOfMatch(match, sets, host)),
        others.length > 0 ? 'unknown' : 'all',
      ),
    target: strange.length > 0 ? 'unknown' : readTarget(rule, verb, chain),
  }
}

const readSets = (objects: readonly NftObject[]): ReadonlyMap<string, Sets> => {
  const sets = new Map<string, Map<string, readonly Json[] | null>>()
  for (const { set } of objects) {
    if (set === undefined) continue
    const table = keyOf(set, '')
    const isDynamic = Array.isArray(set.flags) && set.flags.includes('dynamic')
    const known = sets.get(table) ?? new Map<string, readonly Json[] | null>()
    sets.set(table, known.set(set.name, isDynamic ? null : (set.elem ?? [])))
  }
  return sets
}

/** What a packet to this server passes, in this order. */
const HOOKS: readonly string[] = ['ingress', 'prerouting', 'input']

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
  const families = ['inet', 'netdev', family === 'ipv4' ? 'ip' : 'ip6']
  const isShownBetter = (chain: Chain): boolean =>
    isShown && chain.family !== 'inet' && chain.table === 'filter' && chain.name === 'INPUT'
  const entries = objects
    .flatMap(({ chain }) => chain ?? [])
    .filter(({ type, hook }) => type === 'filter' && HOOKS.includes(hook ?? ''))
    .filter((chain) => families.includes(chain.family))
    .filter((chain) => !isShownBetter(chain))
    .sort(
      (a, b) => HOOKS.indexOf(a.hook ?? '') - HOOKS.indexOf(b.hook ?? '') || (a.prio ?? 0) - (b.prio ?? 0),
    )
    .map((chain) => ({
      chain: keyOf(chain, chain.name),
      policy: OUTCOMES[chain.policy ?? ''] ?? ('accept' as const),
      text: `nft ${keyOf(chain, chain.name)}: policy ${chain.policy ?? 'accept'}`,
    }))
  return { entries, chains }
}
