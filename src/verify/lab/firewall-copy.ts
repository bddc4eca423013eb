import { tryRun } from '../../system/process.ts'
import type { LabSpecification } from './specification.ts'

export type Firewall = LabSpecification['firewall']

const printed = async (program: string, ...args: string[]): Promise<string> => {
  const { exitCode, stdout } = await tryRun(program, args, { timeoutMs: 20_000 })
  return exitCode === 0 ? stdout : ''
}

/** All rules of the live server, as its own programs print them; '' if one is missing. Changes nothing. */
export const readRules = async (ipset: string): Promise<Firewall> => {
  const [iptables, ip6tables, nft] = await Promise.all([
    printed('iptables-save'),
    printed('ip6tables-save'),
    printed('nft', 'list', 'ruleset'),
  ])
  return { iptables, ip6tables, nft, ipset }
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
  const gaps: string[] = []
  const restore = async (text: string, what: string, program: string, ...args: string[]): Promise<void> => {
    if (text.trim() === '') return
    const { exitCode, stderr } = await tryRun(program, args, { input: text, timeoutMs: 20_000 })
    if (exitCode === 0) return
    const [said = ''] = stderr.trim().split('\n')
    gaps.push(`${what} (${program}: ${said.replace(/^.*?Error: /, '')})`)
  }
  await restore(firewall.ipset, 'the sets of ipset', 'ipset', 'restore', '-exist')
  const { iptables, ip6tables, nft } = divideTables(firewall)
  await restore(iptables, 'the rules of iptables', 'iptables-restore')
  await restore(ip6tables, 'the rules of ip6tables', 'ip6tables-restore')
  // One by one: a table that nft cannot read back must not prevent the others.
  for (const table of nft) await restore(table, headOf(table), 'nft', '-f', '-')
  return gaps
}

/** Everything that decides about packets in this namespace: rules with their counters, sets, and routes. */
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

/** Dumps of iptables with their packet counters. */
export const readCounters = () =>
  Promise.all([printed('iptables-save', '-c'), printed('ip6tables-save', '-c')])

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
