import type { BanTarget, Settings } from '../settings/settings.ts'
import type { LiveFacts } from './facts.ts'

/** Targets that reach only TCP, so that a DROP has to stand behind them. */
const TCP_ONLY: ReadonlySet<string> = new Set(['TARPIT', 'DELUDE'])

export interface TargetChoice {
  readonly target: Exclude<BanTarget, 'auto'>
  /** Why it is not what was asked for. */
  readonly warning?: string
}

/** How the commands of `iptablesCommand` begin. */
const IPTABLES = '{ /usr/sbin/iptables -w -C INPUT -s $TARGET$ '

/** Whether KILL_ROUTE is a command of portward's own with that target. */
const usesTarget = (present: string | undefined, target: string): boolean =>
  present?.startsWith(IPTABLES) === true && present.includes(` -j ${target} `)

/**
 * The iptables target that bans use: what was asked for where this kernel takes it, else DROP. Where that cannot be
 * tried, as in a tree or without root, the target of the present KILL_ROUTE stays: it was tried then.
 */
export const chooseTarget = (
  wanted: BanTarget,
  live: LiveFacts | null,
  present: string | undefined,
): TargetChoice => {
  const preferred = wanted === 'auto' ? 'CHAOS' : wanted
  if (preferred === 'DROP') return { target: 'DROP' }
  const verdict = live?.targets.get(preferred) ?? 'unknown'
  const isTaken = verdict === 'unknown' && (wanted === 'REJECT' || usesTarget(present, preferred))
  if (verdict === 'accepted' || isTaken) return { target: preferred }
  const why =
    verdict === 'refused' ? 'is not accepted by this kernel and iptables' : 'could not be tried here'
  const cure =
    preferred === 'REJECT' ? '' : ' (the packages xtables-addons-dkms and xtables-addons-common bring it)'
  return { target: 'DROP', warning: `the target ${preferred} ${why}${cure}: bans use DROP` }
}

/**
 * Entered once however often the daemons call it, with the program of the address's family; the daemon's file
 * descriptors are not iptables' business. CHAOS, TARPIT and DELUDE know IPv4 only, so IPv6 gets a DROP.
 */
const iptablesCommand = (target: string, seesIPv6: boolean): string => {
  const insert = (program: string, rule: string) =>
    `/usr/sbin/${program} -w -C INPUT -s $TARGET$ ${rule} || /usr/sbin/${program} -w -I INPUT -s $TARGET$ ${rule}`
  const drop6 = seesIPv6 ? ` || ${insert('ip6tables', target === 'REJECT' ? '-j REJECT' : '-j DROP')}` : ''
  const rules = TCP_ONLY.has(target)
    ? `${insert('iptables', '-j DROP')}${drop6}; ${insert('iptables', `-p tcp -j ${target}`)}`
    : `${insert('iptables', `-j ${target}`)}${drop6}`
  return `{ ${rules}; } </dev/null >/dev/null 2>&1`
}

/** The set is made with the first ban: nothing has to exist before. */
const nftCommand = (seesIPv6: boolean): string => {
  const families = [
    { set: 'banned', type: 'ipv4_addr', match: 'ip' },
    ...(seesIPv6 ? [{ set: 'banned6', type: 'ipv6_addr', match: 'ip6' }] : []),
  ]
  const sets = families.map(({ set, type }) => `add set inet portward ${set} { type ${type}; };`)
  const rules = families.map(({ set, match }) => `add rule inet portward input ${match} saddr @${set} drop;`)
  const bans = families.map(({ set }) => `/usr/sbin/nft 'add element inet portward ${set} { $TARGET$ }'`)
  const chain = 'add chain inet portward input { type filter hook input priority filter - 1; };'
  // A table that was made for IPv4 alone is made anew; two daemons of 1.2 must not undo each other's.
  const anew = seesIPv6 ? 'add table inet portward; delete table inet portward; ' : ''
  const make = `/usr/sbin/nft '${anew}add table inet portward; ${[...sets, chain, ...rules].join(' ')}'`
  const probe = `/usr/sbin/nft list ${seesIPv6 ? 'set inet portward banned6' : 'chain inet portward input'}`
  return `{ ${probe} || ${make}; ${bans.join(' || ')}; } </dev/null >/dev/null 2>&1`
}

/** A metric of its own keeps it apart from the route that fail2ban may add for the same host. */
const ROUTE_COMMAND = '/usr/sbin/ip route replace blackhole $TARGET$ metric 1 </dev/null >/dev/null 2>&1'

/** The value of KILL_ROUTE, or null where portsentry is to leave the firewall alone. */
export const killRoute = (settings: Settings, target: string, seesIPv6: boolean): string | null => {
  if (settings.killRoute !== undefined) return settings.killRoute
  switch (settings.banBackend) {
    case 'iptables':
      return iptablesCommand(target, seesIPv6)
    case 'nft':
      return nftCommand(seesIPv6)
    case 'route':
      return ROUTE_COMMAND
    case 'none':
      return null
  }
}
