import { askAll, NOT_RUN, type Query } from '../system/query.ts'
import { type Ban, failureOf } from './ban.ts'
import { hasIPv6, type IpFacts, ipQuery, parseRouteBans } from './ip.ts'
import { LIST_IPSETS, parseIpsets } from './ipset.ts'
import { findInputBans, inputPolicy, parseTables, type Tables } from './iptables-input.ts'
import { LIST_NFT_SETS, parseNftSets } from './nft.ts'

/** The rules of the kernel; none of a program that is not installed. */
export interface FirewallRules {
  readonly iptables: Tables
  /** Null if the kernel has no IPv6. */
  readonly ip6tables: Tables | null
  /** The table of portward in nftables, as JSON; '' if there is none. */
  readonly nft: string
}

/** What these programs print of the kernel's rules and sets. */
export interface SavedFirewall {
  /** iptables-save, ip6tables-save. */
  readonly iptables: string
  readonly ip6tables: string
  /** ipset save. */
  readonly ipset: string
}

export interface FirewallBans {
  readonly rules: FirewallRules
  /** Those of portward's sets, of rules in INPUT, and of routes that lead nowhere. */
  readonly bans: readonly Ban[]
  /** What INPUT does with IPv4 packets that no rule has decided; null without root or iptables. */
  readonly inputPolicy: string | null
  /** What was read; '' of a program that is not installed. */
  readonly saved: SavedFirewall
  /** Why there may be more bans; null: all of it was read. */
  readonly bansUnread: string | null
}

interface FirewallTexts {
  /** What each program prints, by its name; none of one that failed, is not installed or has nothing. */
  readonly texts: ReadonlyMap<string, string>
  readonly failures: readonly string[]
}

/** Rules of another kind are in the way of reading the table. */
const INCOMPATIBLE = /^# (Table `filter' is incompatible.*)$/m

/** All rules and sets of the kernel, which shows them to these programs only: one for each family, and one for each kind of set. */
export const firewallQuery = (): Query<FirewallTexts> => {
  const lists = [['iptables-save'], ...(hasIPv6() ? [['ip6tables-save']] : []), LIST_IPSETS, LIST_NFT_SETS]
  const commands = lists.map(([program = '', ...args]) => ({ program, args }))
  return {
    commands,
    parse: (results) => {
      const texts = new Map<string, string>()
      const failures = commands.flatMap(({ program }, index) => {
        const { exitCode, stdout, stderr } = results[index] ?? NOT_RUN
        if (exitCode === 0) texts.set(program, stdout)
        const [, obstacle] = INCOMPATIBLE.exec(stdout) ?? []
        return (obstacle ? `${program} failed: ${obstacle}` : failureOf(program, exitCode, stderr)) ?? []
      })
      return { texts, failures }
    },
  }
}

/** The bans in the kernel of the kinds that portsentry makes. */
export const findFirewallBans = (
  { texts, failures }: FirewallTexts,
  { ipv4, ipv6, failure }: IpFacts,
): FirewallBans => {
  const textOf = (program: string): string => texts.get(program) ?? ''
  const [iptables, ip6tables] = [textOf('iptables-save'), textOf('ip6tables-save')]
  const [ipset, nft] = [textOf('ipset'), textOf('nft')]
  const tables = parseTables(iptables)
  const tables6 = parseTables(ip6tables)
  const now = Date.now()
  const inInput = [...findInputBans('iptables', tables), ...findInputBans('ip6tables', tables6)]
  const bans = [
    // The same rule may be there twice.
    ...new Map(inInput.map((ban) => [ban.undo.join(' '), ban])).values(),
    ...parseIpsets(ipset, now),
    ...parseNftSets(nft, now),
    ...parseRouteBans([...(ipv4 ?? []), ...(ipv6 ?? [])]),
  ]
  const reasons = new Set(failure === null ? failures : [...failures, failure])
  return {
    rules: { iptables: tables, ip6tables: hasIPv6() ? tables6 : null, nft },
    bans,
    inputPolicy: texts.has('iptables-save') ? inputPolicy(tables) : null,
    saved: { iptables, ip6tables, ipset },
    bansUnread: reasons.size === 0 ? null : [...reasons].join('; '),
  }
}

export const readFirewallBans = async (): Promise<FirewallBans> => {
  const [texts, ip] = await askAll(firewallQuery(), ipQuery)
  return findFirewallBans(texts, ip)
}
