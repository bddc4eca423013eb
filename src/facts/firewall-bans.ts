import { existsSync } from 'node:fs'
import { tryRun } from '../host/process.ts'
import { listRoutes, parseRouteBans } from './ip-route.ts'
import { LIST_IPSETS, parseIpsets } from './ipset.ts'
import { listInput, parseInputBans, parseInputPolicy } from './iptables-input.ts'
import { LIST_NFT_SETS, parseNftSets } from './nft.ts'

/** One host, or IPv6 network, that the kernel bans. */
export interface Ban {
  readonly address: string
  /** What bans it, in words. A blackhole route sends answers nowhere: the host's packets still come in. */
  readonly where:
    | 'ipset portward'
    | 'nft inet portward'
    | 'blackhole route'
    | 'iptables INPUT'
    | 'ip6tables INPUT'
  /** Whether it is in a ban set of portward's, which holds nothing but bans. */
  readonly isOwn: boolean
  /** When the kernel ends it, in ms since 1970; null: never. */
  readonly untilMs: number | null
  /** The command that takes it away, one word an element. */
  readonly undo: readonly string[]
}

/** A member of one of portward's sets. */
export interface SetMember extends Pick<Ban, 'address' | 'undo'> {
  /** In seconds from now; null: until somebody releases it. */
  readonly secondsLeft: number | null
}

export interface FirewallBans {
  /** Those of portward's sets, of rules in INPUT, and of routes that lead nowhere. */
  readonly bans: readonly Ban[]
  /** What INPUT does with IPv4 packets that no rule has decided; null without root or iptables. */
  readonly inputPolicy: string | null
  /** Why there may be more bans; null: all of it was read. */
  readonly bansUnread: string | null
}

/** How iptables, nft and ip say that there is no such chain, table or set: then it bans nobody. */
const NOT_THERE =
  /No chain\/target\/match by that name|No such file or directory|does not exist|Protocol not supported/

const NOT_INSTALLED = 127

/** Why a program did not list its bans; null where it did, and where it or what it was asked for is not there. */
export const failureOf = (program: string, exitCode: number, stderr: string): string | null =>
  exitCode === 0 || exitCode === NOT_INSTALLED || NOT_THERE.test(stderr)
    ? null
    : `${program} failed: ${stderr.trim().split('\n')[0] || `exit code ${exitCode}`}`

/** The members of a ban set as bans, listed at this time. */
export const bansOfSet = (where: Ban['where'], members: readonly SetMember[], nowMs: number): Ban[] =>
  members.map(({ address, secondsLeft, undo }) => ({
    address,
    where,
    isOwn: true,
    untilMs: secondsLeft === null ? null : nowMs + secondsLeft * 1000,
    undo,
  }))

/** What the kernel bans now, as far as it is portsentry's kind of ban. */
export const readFirewallBans = async (): Promise<FirewallBans> => {
  const failures = new Set<string>()
  // Where IPv6 is switched off, nothing of it can be banned, and its programs fail.
  const hasIPv6 = existsSync('/proc/net/if_inet6')
  const list = async ([program = '', ...args]: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await tryRun(program, args)
    const failure = failureOf(program, exitCode, stderr)
    if (failure !== null && (hasIPv6 || !(program === 'ip6tables' || args.includes('-6'))))
      failures.add(failure)
    return exitCode === 0 ? stdout : ''
  }
  const [iptables, ip6tables, ipset, nft, routes4, routes6] = await Promise.all([
    list(listInput('iptables')),
    list(listInput('ip6tables')),
    list(LIST_IPSETS),
    list(LIST_NFT_SETS),
    list(listRoutes('-4')),
    list(listRoutes('-6')),
  ])
  const now = Date.now()
  const bans = [
    ...parseInputBans('iptables', iptables),
    ...parseInputBans('ip6tables', ip6tables),
    ...bansOfSet('ipset portward', parseIpsets(ipset), now),
    ...bansOfSet('nft inet portward', parseNftSets(nft), now),
    ...parseRouteBans(routes4),
    ...parseRouteBans(routes6),
  ]
  return {
    // Some targets take two rules for one ban.
    bans: [...new Map(bans.map((ban) => [ban.undo.join(' '), ban])).values()],
    inputPolicy: parseInputPolicy(iptables),
    bansUnread: failures.size === 0 ? null : [...failures].join('; '),
  }
}
