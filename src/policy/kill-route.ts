import type { BanTarget, Settings } from '../settings/settings.ts'
import { banCommand } from './backends/backends.ts'
import type { Backend } from './backends/definition.ts'
import { secondsOf } from './duration.ts'
import type { LiveFacts } from './facts.ts'
import type { Release } from './release.ts'

export interface TargetChoice {
  readonly target: Exclude<BanTarget, 'auto'>
  /** Why it is not the target that config.env names. */
  readonly warning?: string
  /** Why `auto` chose it. */
  readonly note?: string
}

/**
 * The iptables target that bans use: the wanted one if this kernel accepts it, else DROP. If that cannot be tried, as in a
 * tree or without root, the present ban set's target is kept: it was tried when that was made.
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
  const isRefused = verdict === 'refused'
  if (wanted === 'auto') {
    const why = isRefused ? 'is not supported here' : 'could not be tried here'
    return { target: 'DROP', note: `target DROP: ${preferred} ${why} (BAN_TARGET is auto)` }
  }
  const why = isRefused ? 'is not accepted by this kernel and iptables' : 'could not be tried here'
  const remedy =
    preferred === 'REJECT' ? '' : ' (the packages xtables-addons-dkms and xtables-addons-common provide it)'
  return { target: 'DROP', warning: `the target ${preferred} ${why}${remedy}: bans use DROP` }
}

/** Rules in INPUT, unreachable routes and ban sets: portward's, and those of portsentry's stock files and of tutorials. */
const SEEN = /\bip6?tables\b.*\bINPUT\b|\broute\s+(?:add|replace)\b|\binet portward hosts|\bportward-hosts/

/** Whether bans by this KILL_ROUTE can be found by portward: an admin's command may ban anywhere. */
export const isVisibleBan = (command: string): boolean => SEEN.test(command)

/** The value of KILL_ROUTE; null if portsentry should not change the firewall. */
export const killRoute = (
  { killRoute: given, banBackend, observeOnly, bantime }: Settings,
  backend: Backend,
  { seesIPv6 }: Release,
): string | null => {
  if (given !== undefined) return given
  return banBackend === 'none' || observeOnly ? null : banCommand(backend, secondsOf(bantime), seesIPv6)
}
