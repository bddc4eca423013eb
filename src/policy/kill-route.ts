import type { BanTarget, Settings } from '../settings/settings.ts'
import type { LiveFacts } from './facts.ts'

/** Targets that reach only TCP, so that a DROP has to stand behind them. */
const TCP_ONLY: ReadonlySet<string> = new Set(['TARPIT', 'DELUDE'])

export interface TargetChoice {
  readonly target: Exclude<BanTarget, 'auto'>
  /** Why it is not what was asked for. */
  readonly warning?: string
}

/** The iptables target that bans use: what was asked for where this kernel takes it, else DROP. */
export const chooseTarget = (wanted: BanTarget, live: LiveFacts | null): TargetChoice => {
  const preferred = wanted === 'auto' ? 'CHAOS' : wanted
  if (preferred === 'DROP') return { target: 'DROP' }
  const verdict = live?.targets.get(preferred) ?? 'unknown'
  if (verdict === 'accepted' || (verdict === 'unknown' && wanted === 'REJECT')) return { target: preferred }
  const why =
    verdict === 'refused' ? 'is not accepted by this kernel and iptables' : 'could not be tried here'
  const cure =
    preferred === 'REJECT' ? '' : ' (the packages xtables-addons-dkms and xtables-addons-common bring it)'
  return { target: 'DROP', warning: `the target ${preferred} ${why}${cure}: bans use DROP` }
}

/** Entered once however often the daemons call it; the daemon's file descriptors are not iptables' business. */
const iptablesCommand = (target: string): string => {
  const insert = (rule: string) =>
    `/usr/sbin/iptables -w -C INPUT -s $TARGET$ ${rule} || /usr/sbin/iptables -w -I INPUT -s $TARGET$ ${rule}`
  const rules = TCP_ONLY.has(target)
    ? `${insert('-j DROP')}; ${insert(`-p tcp -j ${target}`)}`
    : insert(`-j ${target}`)
  return `{ ${rules}; } </dev/null >/dev/null 2>&1`
}

/** The set is made with the first ban: nothing has to exist before. */
const NFT_COMMAND = [
  '{ /usr/sbin/nft list chain inet portward input || /usr/sbin/nft',
  "'add table inet portward; add set inet portward banned { type ipv4_addr; };",
  'add chain inet portward input { type filter hook input priority filter - 1; };',
  "add rule inet portward input ip saddr @banned drop';",
  "/usr/sbin/nft 'add element inet portward banned { $TARGET$ }'; } </dev/null >/dev/null 2>&1",
].join(' ')

/** A metric of its own keeps it apart from the route that fail2ban may add for the same host. */
const ROUTE_COMMAND = '/usr/sbin/ip route replace blackhole $TARGET$ metric 1 </dev/null >/dev/null 2>&1'

/** The value of KILL_ROUTE, or null where portsentry is to leave the firewall alone. */
export const killRoute = (settings: Settings, target: string): string | null => {
  if (settings.killRoute !== undefined) return settings.killRoute
  switch (settings.banBackend) {
    case 'iptables':
      return iptablesCommand(target)
    case 'nft':
      return NFT_COMMAND
    case 'route':
      return ROUTE_COMMAND
    case 'none':
      return null
  }
}
