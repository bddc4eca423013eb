import type { SavedFirewall } from '../../facts/firewall-bans.ts'
import { runAll } from '../../system/query.ts'
import type { LabSpecification } from './specification.ts'

export type Firewall = LabSpecification['firewall']

/** Outputs of these commands; '' where one fails. */
const outputsOf = async (commands: readonly (readonly [string, ...string[]])[]): Promise<string[]> => {
  const results = await runAll(commands.map(([program, ...args]) => ({ program, args })))
  return results.map(({ exitCode, stdout }) => (exitCode === 0 ? stdout : ''))
}

/** All rules of the live server, as its own programs print them; '' if one is missing. Changes nothing. */
export const readRules = async (saved: SavedFirewall | null): Promise<Firewall> => {
  const [nft = ''] = await outputsOf([['nft', 'list', 'ruleset']])
  return { ...(saved ?? { iptables: '', ip6tables: '', ipset: '' }), nft }
}

/** fail2ban creates its chains when it starts, and fails if they exist already. */
export const withoutFail2ban = (saved: string): string =>
  saved
    .split('\n')
    .filter((line) => !/(?:^:|-[AI] |-j )f2b-/.test(line))
    .join('\n')

const headOf = (table: string): string => /^table \S+ \S+/.exec(table)?.[0] ?? ''

/** A set, a map or the like: iptables prints a rule with one as if it matched all packets. */
const USES_SETS = /^\t(?!chain )\S+ \S+ \{$|\bvmap\b/m

/**
 * The tables that each program has to rebuild. Tables of iptables-nft appear in nft's dump, too: they are rebuilt by iptables
 * unless it reports incompatible rules, or prints them wrongly. fail2ban's tables are left out. Pure.
 */
export const divideTables = ({ iptables, ip6tables, nft }: Omit<Firewall, 'ipset'>) => {
  const dumps = { ip: iptables, ip6: ip6tables }
  const tables = nft
    .replace(/^#.*\n/gm, '')
    .split(/^(?=table )/m)
    .filter((table) => table !== '' && !/^table \S+ f2b-/.test(table))
  const isIptables = (table: string): boolean => {
    const [, family, name] = headOf(table).split(' ')
    const saved = family === 'ip' || family === 'ip6' ? dumps[family] : ''
    return (
      saved.includes('(nf_tables)') &&
      saved.split('\n').includes(`*${name}`) &&
      !saved.includes(`# Table \`${name}' contains incompatible`) &&
      !USES_SETS.test(table)
    )
  }
  const ofNft = tables.filter((table) => !isIptables(table))
  const heads = new Set(ofNft.map(headOf))
  const dump = (family: 'ip' | 'ip6'): string => {
    const saved = withoutFail2ban(dumps[family])
    if (!saved.includes('(nf_tables)')) return saved
    return saved
      .split(/^(?=\*)/m)
      .filter((part) => !heads.has(`table ${family} ${/^\*(\S+)/.exec(part)?.[1]}`))
      .join('')
  }
  return { iptables: dump('ip'), ip6tables: dump('ip6'), nft: ofNft }
}

/** Rebuilds the server's firewall in this network namespace. Returns what could not be rebuilt, as the programs say it. */
export const restoreRules = async (firewall: Firewall): Promise<string[]> => {
  const { iptables, ip6tables, nft } = divideTables(firewall)
  const parts = [
    { what: 'the sets of ipset', program: 'ipset', args: ['restore', '-exist'], input: firewall.ipset },
    { what: 'the rules of iptables', program: 'iptables-restore', args: [], input: iptables },
    { what: 'the rules of ip6tables', program: 'ip6tables-restore', args: [], input: ip6tables },
    // One by one: a table that nft cannot read back must not prevent the others.
    ...nft.map((table) => ({ what: headOf(table), program: 'nft', args: ['-f', '-'], input: table })),
  ].filter(({ input }) => input.trim() !== '')
  const results = await runAll(parts)
  return parts.flatMap(({ what, program }, index) => {
    const { exitCode = 1, stderr = '' } = results[index] ?? {}
    const [said = ''] = stderr.trim().split('\n')
    return exitCode === 0 ? [] : [`${what} (${program}: ${said.replace(/^.*?Error: /, '')})`]
  })
}

/** The state of the firewall and the routes at one time. */
export interface Decisions {
  /** Everything that decides about packets in this namespace, one rule, member of a set or route a line, without iptables' counters. */
  readonly lines: readonly string[]
  /** Dumps of iptables with their packet counters. */
  readonly iptables: string
  readonly ip6tables: string
}

export const readDecisions = async (): Promise<Decisions> => {
  const outputs = await outputsOf([
    ['iptables-save', '-c'],
    ['ip6tables-save', '-c'],
    ['nft', 'list', 'ruleset'],
    ['ipset', 'save'],
    ...['-4', '-6'].map((family) => ['ip', family, 'route', 'show', 'table', 'all'] as const),
    ['ip', 'rule'],
  ])
  const [iptables = '', ip6tables = ''] = outputs
  const lines = outputs.flatMap((text) => text.split('\n'))
  return { lines: lines.map((line) => line.replace(/^\[\d+:\d+\] /, '').trim()), iptables, ip6tables }
}

/** Rules and policies that have dropped packets between two dumps of a program, without the bans. Pure. */
export const countedDrops = (program: string, before: string, after: string): string[] => {
  const known = new Set(before.split('\n'))
  return after.split('\n').flatMap((line) => {
    if (known.has(line)) return []
    const policy = /^:(\S+) DROP \[[1-9]/.exec(line)
    if (policy) return [`${program} -P ${policy[1]} DROP`]
    const rule = /^\[[1-9]\d*:\d+\] (-A (?!PORTWARD ).* -j (?:DROP|REJECT)(?: .*)?)$/.exec(line)
    return rule ? [`${program} ${rule[1]}`] : []
  })
}
