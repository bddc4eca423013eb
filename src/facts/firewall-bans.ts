import { tryRun } from '../system/process.ts'
import { type Ban, bansOfSet, failureOf } from './ban.ts'
import { hasIPv6, parseRouteBans, type RouteTables, readRouteTables } from './ip.ts'
import { LIST_IPSETS, parseIpsets } from './ipset.ts'
import { listInput, parseInputBans, parseInputPolicy } from './iptables-input.ts'
import { LIST_NFT_SETS, parseNftSets } from './nft.ts'

export interface FirewallBans {
  /** Those of portward's sets, of rules in INPUT, and of routes that lead nowhere. */
  readonly bans: readonly Ban[]
  /** What INPUT does with IPv4 packets that no rule has decided; null without root or iptables. */
  readonly inputPolicy: string | null
  /** All sets, as `ipset save` prints them; '' without ipset. */
  readonly ipsets: string
  /** Why there may be more bans; null: all of it was read. */
  readonly bansUnread: string | null
}

/** The bans in the kernel of the kinds that portsentry makes. `routes`: the main routing tables, if they are being read already. */
export const readFirewallBans = async (
  routes: Promise<RouteTables> = readRouteTables(),
): Promise<FirewallBans> => {
  const failures = new Set<string>()
  const list = async ([program = '', ...args]: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await tryRun(program, args)
    const failure = failureOf(program, exitCode, stderr)
    if (failure !== null && (program !== 'ip6tables' || hasIPv6())) failures.add(failure)
    return exitCode === 0 ? stdout : ''
  }
  const [iptables, ip6tables, ipset, nft, tables] = await Promise.all([
    list(listInput('iptables')),
    list(listInput('ip6tables')),
    list(LIST_IPSETS),
    list(LIST_NFT_SETS),
    routes,
  ])
  for (const failure of tables.failures) failures.add(failure)
  const now = Date.now()
  const bans = [
    ...parseInputBans('iptables', iptables),
    ...parseInputBans('ip6tables', ip6tables),
    ...bansOfSet('ipset portward', parseIpsets(ipset), now),
    ...bansOfSet('nft inet portward', parseNftSets(nft), now),
    ...parseRouteBans([...(tables.ipv4 ?? []), ...(tables.ipv6 ?? [])]),
  ]
  return {
    // Some targets need two rules for one ban.
    bans: [...new Map(bans.map((ban) => [ban.undo.join(' '), ban])).values()],
    inputPolicy: parseInputPolicy(iptables),
    ipsets: ipset,
    bansUnread: failures.size === 0 ? null : [...failures].join('; '),
  }
}
