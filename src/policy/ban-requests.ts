import type { JailBan } from '../facts/fail2ban.ts'
import { isWithin, parseNetwork } from '../network.ts'
import type { Settings } from '../settings/settings.ts'
import type { WantedBan } from './ban-list.ts'
import { BAN_ACTION, BANS_CONF, ownsBans, protectedBy } from './ban-set.ts'
import { secondsOf } from './duration.ts'
import { type Facts, fileText, type LiveFacts } from './facts.ts'
import { describeProtector, type Protection } from './protection.ts'

/**
 * What becomes of a ban that somebody asks for. `held`: the host is banned for at least as long already; `left-out`: the list
 * has it, but it is not shared.
 */
export type BanOutcome = 'banned' | 'prolonged' | 'held' | 'refused' | 'expired' | 'left-out' | 'failed'

export interface BanDecision {
  readonly wanted: WantedBan
  readonly outcome: BanOutcome
  /** Why, in words that follow the outcome; '' where that says all. */
  readonly why: string
  /** When the ban in force ends; null: never; undefined: there is none, or only the jail knows. */
  readonly untilMs: number | null | undefined
}

/** fail2ban counts whole seconds, and servers' clocks differ: a ban is not prolonged for less than this. */
const SAME_END_MS = 60_000

const isLonger = (wanted: WantedBan['untilMs'], { untilMs: end }: JailBan): boolean => {
  if (wanted === undefined || end === null) return false
  return wanted === null || wanted > end + SAME_END_MS
}

/** Why nobody can be banned by hand here, and what to do; null: it is possible. */
export const whyNoBans = (
  settings: Settings,
  { asRoot, jails, hasBanSet }: Pick<LiveFacts, 'asRoot' | 'jails' | 'hasBanSet'>,
): { readonly message: string; readonly hint: string } | null => {
  if (settings.observeOnly)
    return {
      message: 'OBSERVE_ONLY=1: this server bans nobody',
      hint: 'set OBSERVE_ONLY=0, then portward apply',
    }
  if (settings.banaction !== undefined && settings.banaction !== BAN_ACTION)
    return {
      message: `fail2ban bans with BANACTION=${settings.banaction} here, which takes neither a time nor a reason`,
      hint: 'fail2ban-client set portsentry banip ADDRESS, or remove BANACTION, then portward apply',
    }
  if (!ownsBans(settings))
    return {
      message: 'BAN_BACKEND=none: portward does not ban on this server',
      hint: 'set BAN_BACKEND=auto, then portward apply',
    }
  if (!asRoot) return { message: 'only root can ask fail2ban', hint: 'use sudo' }
  if (jails === null)
    return {
      message: 'fail2ban is not running, or does not answer',
      hint: 'systemctl start fail2ban; if it does not start: journalctl -u fail2ban',
    }
  if (!jails.includes('portsentry'))
    return { message: 'fail2ban has no portsentry jail loaded', hint: 'portward apply' }
  return hasBanSet === false
    ? {
        message: 'the rules of the ban set are not in force: a ban would have no effect',
        hint: 'portward apply',
      }
    : null
}

/** What keeps a host from being banned, as a function of its address; null: nothing. */
export const refusalBy = (
  { of }: Protection,
  facts: Pick<Facts, 'files' | 'live'>,
): ((address: string) => string | null) => {
  // What the last apply protects is let in before the ban set is asked.
  const loaded = protectedBy(fileText(facts, BANS_CONF) ?? '')
  const clients = new Set([...(facts.live?.sshClients ?? []), facts.live?.sshSession ?? ''])
  return (address) => {
    const [first] = of(address)
    if (first !== undefined) return `protected by ${describeProtector(first)}`
    if (clients.has(address)) return 'an SSH session here comes from it'
    const host = parseNetwork(address)
    return host !== null && isWithin(loaded, host)
      ? `protected by ${BANS_CONF}, which portward apply has not renewed since config.env was changed`
      : null
  }
}

/** Decides about each ban by those in force and by the time of day. Pure. */
export const decideBans = (
  bans: readonly WantedBan[],
  jailed: readonly JailBan[],
  refusal: (address: string) => string | null,
  nowMs: number,
): BanDecision[] => {
  const inForce = new Map(jailed.map((ban) => [ban.address, ban]))
  return bans.map((wanted) => {
    const { address, untilMs, leftOut } = wanted
    const held = inForce.get(address)
    const decide = (outcome: BanOutcome, why = ''): BanDecision => ({
      ...{ wanted, outcome, why },
      untilMs: held?.untilMs,
    })
    if (leftOut !== null) return decide('left-out', leftOut)
    if (typeof untilMs === 'number' && untilMs <= nowMs) return decide('expired')
    const why = refusal(address)
    if (why !== null) return decide('refused', why)
    if (held === undefined) return { ...decide('banned'), untilMs }
    return isLonger(untilMs, held) ? { ...decide('prolonged'), untilMs } : decide('held')
  })
}

/**
 * The longest ban that fail2ban keeps when it restarts, in seconds, with the variable that decides; null: it keeps any. It cuts
 * longer ones down to that (fail2ban's Jail.restoreCurrentBans).
 */
export const longestKept = (
  settings: Pick<Settings, 'bantime' | 'bantimeIncrement' | 'bantimeMaxtime'>,
): { readonly seconds: number; readonly variable: string } | null => {
  const bantime = secondsOf(settings.bantime)
  if (bantime < 0) return null
  const maxtime = settings.bantimeIncrement ? secondsOf(settings.bantimeMaxtime) : 0
  return maxtime > bantime
    ? { seconds: maxtime, variable: 'BANTIME_MAXTIME' }
    : { seconds: bantime, variable: 'BANTIME' }
}
