import type { BanTarget, Settings } from '../settings/settings.ts'
import { banCommand } from './backends/backends.ts'
import type { Backend } from './backends/definition.ts'
import { secondsOf } from './duration.ts'
import type { LiveFacts } from './facts.ts'
import type { Release } from './release.ts'

export interface TargetChoice {
  readonly target: Exclude<BanTarget, 'auto'>
  /** Why it is not what was asked for by name. */
  readonly warning?: string
  /** Why `auto` has come to it. */
  readonly note?: string
}

/**
 * The iptables target that bans use: what was asked for where this kernel takes it, else DROP. Where that cannot be
 * tried, as in a tree or without root, the target that the ban set has now stays: it was tried then.
 */
export const chooseTarget = (
  wanted: BanTarget,
  live: LiveFacts | null,
  present: string | undefined,
): TargetChoice => {
  const preferred = wanted === 'auto' ? 'CHAOS' : wanted
  if (preferred === 'DROP') return { target: 'DROP' }
  const verdict = live?.targets.get(preferred) ?? 'unknown'
  const isTaken = verdict === 'unknown' && (wanted === 'REJECT' || present === preferred)
  if (verdict === 'accepted' || isTaken) return { target: preferred }
  const why =
    verdict === 'refused' ? 'is not accepted by this kernel and iptables' : 'could not be tried here'
  const cure =
    preferred === 'REJECT' ? '' : ' (the packages xtables-addons-dkms and xtables-addons-common bring it)'
  const reason = `the target ${preferred} ${why}${cure}: bans use DROP`
  return { target: 'DROP', ...(wanted === 'auto' ? { note: reason } : { warning: reason }) }
}

/** Rules of INPUT, routes that lead nowhere and ban sets: portward's, and those of portsentry's stock files and the tutorials. */
const SEEN = /\bip6?tables\b.*\bINPUT\b|\broute\s+(?:add|replace)\b|\binet portward hosts|\bportward-hosts/

/** Whether bans by this KILL_ROUTE are found where bans are looked for: a command of one's own may ban anywhere. */
export const isVisibleBan = (command: string): boolean => SEEN.test(command)

/** The value of KILL_ROUTE; null where portsentry is to leave the firewall alone. */
export const killRoute = (
  { killRoute: given, banBackend, observeOnly, bantime }: Settings,
  backend: Backend,
  { seesIPv6 }: Release,
): string | null => {
  if (given !== undefined) return given
  return banBackend === 'none' || observeOnly ? null : banCommand(backend, secondsOf(bantime), seesIPv6)
}
