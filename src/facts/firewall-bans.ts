import { tryRun } from '../system/process.ts'
import { type Ban, bansOfSet, failureOf } from './ban.ts'
import { hasIPv6, type IpFacts, parseRouteBans, readIp } from './ip.ts'
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

export interface FirewallBans {
  readonly rules: FirewallRules
  /** Those of portward's sets, of rules in INPUT, and of routes that lead nowhere. */
  readonly bans: readonly Ban[]
  /** What INPUT does with IPv4 packets that no rule has decided; null without root or iptables. */
  readonly inputPolicy: string | null
  /** All sets, as `ipset save` prints them; '' without ipset. */
  readonly ipsets: string
  /** Why there may be more bans; null: all of it was read. */
  readonly bansUnread: string | null
}

/** Legacy rules of other programs are in the way of reading the table. */
const INCOMPATIBLE = /^# (Table `filter' is incompatible.*)$/m

/** The bans in the kernel of the kinds that portsentry makes. `ip`: the routes, if they are being read already. */
export const readFirewallBans = async (ip: Promise<IpFacts> = readIp()): Promise<FirewallBans> => {
  const failures = new Set<string>()
  const list = async ([program = '', ...args]: readonly string[]): Promise<string | null> => {
    const { exitCode, stdout, stderr } = await tryRun(program, args)
    const failure = failureOf(program, exitCode, stderr)
    if (failure !== null) failures.add(failure)
    const [, obstacle] = INCOMPATIBLE.exec(stdout) ?? []
    if (obstacle !== undefined) failures.add(`${program} failed: ${obstacle}`)
    return exitCode === 0 ? stdout : null
  }
  const [iptables, ip6tables, ipset, nft, { ipv4, ipv6, failure }] = await Promise.all([
    list(['iptables-save']),
    hasIPv6() ? list(['ip6tables-save']) : null,
    list(LIST_IPSETS),
    list(LIST_NFT_SETS),
    ip,
  ])
  if (failure !== null) failures.add(failure)
  const tables = parseTables(iptables ?? '')
  const tables6 = parseTables(ip6tables ?? '')
  const now = Date.now()
  const bans = [
    ...findInputBans('iptables', tables),
    ...findInputBans('ip6tables', tables6),
    ...bansOfSet('ipset portward', parseIpsets(ipset ?? ''), now),
    ...bansOfSet('nft inet portward', parseNftSets(nft ?? ''), now),
    ...parseRouteBans([...(ipv4 ?? []), ...(ipv6 ?? [])]),
  ]
  return {
    rules: { iptables: tables, ip6tables: hasIPv6() ? tables6 : null, nft: nft ?? '' },
    // Some targets need two rules for one ban.
    bans: [...new Map(bans.map((ban) => [ban.undo.join(' '), ban])).values()],
    inputPolicy: iptables === null ? null : inputPolicy(tables),
    ipsets: ipset ?? '',
    bansUnread: failures.size === 0 ? null : [...failures].join('; '),
  }
}
