import { tryRun } from '../process.ts'
import { ownChains, ownPart } from './nft-tables.ts'
import type { MetRule } from './report.ts'
import type { LabSpecification } from './specification.ts'

export type Firewall = LabSpecification['firewall']

const printed = async (program: string, ...args: string[]): Promise<string> => {
  const { exitCode, stdout } = await tryRun(program, args, { timeoutMs: 20_000 })
  return exitCode === 0 ? stdout : ''
}

/** All rules of the live server, as its own programs print them; '' where one is missing. Changes nothing. */
export const readRules = async (): Promise<Firewall> => {
  const [iptables, ip6tables, nft, ipset] = await Promise.all([
    printed('iptables-save'),
    printed('ip6tables-save'),
    printed('nft', 'list', 'ruleset'),
    printed('ipset', 'save'),
  ])
  return { iptables, ip6tables, nft, ipset }
}

/** fail2ban makes its own chains anew when it starts, and stumbles over old ones. */
export const withoutFail2ban = (saved: string): string =>
  saved
    .split('\n')
    .filter((line) => !/(?:^:|-[AI] |-j )f2b-/.test(line))
    .join('\n')

/** What `iptables-save` prints where it shares its tables with nft. */
const isOfNft = (saved: string): boolean => saved.includes('(nf_tables)')

/** Tables that iptables dumps: restored once more by nft, every rule would be there twice. */
const tablesOfIptables = ({ iptables, ip6tables }: Pick<Firewall, 'iptables' | 'ip6tables'>): Set<string> => {
  const names = (family: string, saved: string) =>
    isOfNft(saved) ? [...saved.matchAll(/^\*(\w+)/gm)].map(([, table]) => `table ${family} ${table}`) : []
  return new Set([...names('ip', iptables), ...names('ip6', ip6tables)])
}

const headOf = (table: string): string => /^table \S+ \S+/.exec(table)?.[0] ?? ''

/** Tables that nft itself can read back. Those of iptables-nft are in its own dump; fail2ban's come with fail2ban. */
export const nftTables = ({ nft: ruleset, ...dumps }: Omit<Firewall, 'ipset'>): string => {
  const dumped = tablesOfIptables(dumps)
  // Tables whose rules it does not understand it does not dump at all.
  const isUndumped = (text: string) =>
    [dumps.iptables, dumps.ip6tables].some((saved) =>
      saved.includes(`# Table \`${headOf(text).split(' ')[2]}' is incompatible`),
    )
  const texts = ruleset.split(/^(?=table |# Warning: table )/m)
  return texts
    .flatMap((text, index) => {
      if (!text.startsWith('table ') || /^table \S+ f2b-/.test(text)) return []
      const isWarned = texts[index - 1]?.startsWith('# Warning: ')
      return [dumped.has(headOf(text)) || (isWarned && !isUndumped(text)) ? ownPart(text) : text]
    })
    .join('')
}

/** A dump of iptables without the rules of chains that `nftTables` has: the chains themselves may be led to from here. */
const withoutOwnRules = (family: 'ip' | 'ip6', saved: string, ruleset: string): string => {
  if (!isOfNft(saved)) return saved
  const tables = new Map(ruleset.split(/^(?=table )/m).map((text) => [headOf(text), text]))
  let own: ReadonlySet<string> = new Set()
  return saved
    .split('\n')
    .filter((line) => {
      if (line.startsWith('*')) own = ownChains(tables.get(`table ${family} ${line.slice(1)}`) ?? '')
      return !own.has(/^-A (\S+)/.exec(line)?.[1] ?? '')
    })
    .join('\n')
}

/** Dumps that `iptables-restore` and `ip6tables-restore` rebuild everything from that the other programs do not. */
export const iptablesDumps = ({ iptables, ip6tables, nft }: Omit<Firewall, 'ipset'>) => ({
  iptables: withoutFail2ban(withoutOwnRules('ip', iptables, nft)),
  ip6tables: withoutFail2ban(withoutOwnRules('ip6', ip6tables, nft)),
})

/** Rebuilds the server's firewall in this network namespace. Returns what could not be rebuilt. */
export const restoreRules = async (firewall: Firewall): Promise<string[]> => {
  const gaps: string[] = []
  const restore = async (text: string, program: string, ...args: string[]): Promise<void> => {
    if (text.trim() === '') return
    const { exitCode, stderr } = await tryRun(program, args, { input: text, timeoutMs: 20_000 })
    if (exitCode !== 0) gaps.push(`${program}: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  }
  await restore(firewall.ipset, 'ipset', 'restore', '-exist')
  const dumps = iptablesDumps(firewall)
  await restore(dumps.iptables, 'iptables-restore')
  await restore(dumps.ip6tables, 'ip6tables-restore')
  await restore(nftTables(firewall), 'nft', '-f', '-')
  return gaps
}

/** Everything by which this namespace decides about packets: rules with their counters, sets, and routes that lead nowhere. */
export const readDecisions = async (): Promise<string[]> => {
  const texts = await Promise.all([
    printed('iptables-save'),
    printed('ip6tables-save'),
    printed('nft', 'list', 'ruleset'),
    printed('ipset', 'save'),
    ...['-4', '-6'].map((family) => printed('ip', family, 'route', 'show', 'table', 'all')),
    printed('ip', 'rule'),
  ])
  return texts.flatMap((text) => text.split('\n')).map((line) => line.trim())
}

/** Packet counts by rule. A policy counts as the rule `-P CHAIN TARGET`. */
export type Counters = ReadonlyMap<string, number>

export const parseCounters = (program: string, saved: string): [string, number][] => {
  let table = ''
  return saved.split('\n').flatMap((line): [string, number][] => {
    if (line.startsWith('*')) table = line.slice(1)
    const policy = /^:(\S+) (ACCEPT|DROP) \[(\d+):/.exec(line)
    if (policy) return [[`${program} -t ${table} -P ${policy[1]} ${policy[2]}`, Number(policy[3])]]
    const rule = /^\[(\d+):\d+\] (.*)$/.exec(line)
    return rule ? [[`${program} -t ${table} ${rule[2]}`, Number(rule[1])]] : []
  })
}

/** What each rule and policy of iptables has counted so far. */
export const readCounters = async (): Promise<Counters> => {
  const programs = ['iptables', 'ip6tables'] as const
  const saved = await Promise.all(programs.map((program) => printed(`${program}-save`, '-c')))
  return new Map(programs.flatMap((program, index) => parseCounters(program, saved[index] ?? '')))
}

/** Rules that met packets between two readings, and whose target is one of these. */
export const metBetween = (before: Counters, after: Counters, targets: readonly string[]): MetRule[] =>
  [...after]
    .filter(([rule, count]) => count > (before.get(rule) ?? 0))
    .map(([rule]) => /^(iptables|ip6tables) -t (\S+) (.*)$/.exec(rule))
    .filter((match) => match !== null)
    .map(([, program, table, rule]) => ({
      program: program === 'ip6tables' ? ('ip6tables' as const) : ('iptables' as const),
      rule: table === 'filter' ? (rule ?? '') : `-t ${table} ${rule}`,
    }))
    .filter(({ rule }) => targets.some((target) => new RegExp(`(?:-j|-P \\S+) ${target}(?: |$)`).test(rule)))
