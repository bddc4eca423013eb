import type { BanTarget, Settings } from '../settings/settings.ts'
import type { LiveFacts } from './facts.ts'
import { BAN_COMMAND } from './firewall.ts'

export interface TargetChoice {
  readonly target: Exclude<BanTarget, 'auto'>
  /** Why it is not what was asked for by name. */
  readonly warning?: string
  /** Why `auto` has come to it. */
  readonly note?: string
}

/**
 * The iptables target that bans use: what was asked for where this kernel takes it, else DROP. Where that cannot be
 * tried, as in a tree or without root, the target that the place of the bans has now stays: it was tried then.
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

/** Rules of INPUT and routes that lead nowhere, as portsentry's stock files and the tutorials have them. */
const SEEN = /\bip6?tables\b.*\bINPUT\b|\broute\s+(?:add|replace)\b/

/** Whether bans by this KILL_ROUTE are found where bans are looked for: a command of one's own may ban anywhere. */
export const bansInSight = (command: string): boolean => command === BAN_COMMAND || SEEN.test(command)

/** The value of KILL_ROUTE, or null where portsentry is to leave the firewall alone. */
export const killRoute = (settings: Settings): string | null =>
  settings.killRoute ?? (settings.banBackend === 'none' ? null : BAN_COMMAND)
