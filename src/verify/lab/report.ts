import type { Outcome } from '../../detector/decision.ts'

/** What became of one host of the lab. Arrays are in the order of the events. */
export interface HostReport {
  readonly address: string
  /**
   * Ports whose greeting it has read before any scan, and at the end. A handshake alone does not count: TARPIT and DELUDE
   * complete one, too.
   */
  readonly openBefore: readonly number[]
  readonly openAfter: readonly number[]
  /** Whether portsentry saw any of its packets; if not, `events` says what would have come of them. */
  readonly noticed: boolean
  readonly events: readonly EventReport[]
  /** Lines of the firewall, the sets and the routes that name the host at the end. */
  readonly rules: readonly string[]
  /** What libwrap's own tcpdmatch says for each daemon that asks; empty where it was not asked. */
  readonly wrappers: Readonly<Record<string, 'granted' | 'denied'>>
  /** Whether the portsentry jail of the lab's fail2ban holds it. */
  readonly jailed: boolean
}

export type EventReport = Pick<Outcome['decision'], 'verdict' | 'ignoredByLine'> &
  Pick<Outcome, 'outcomes' | 'blocked'>

/** All that was seen in the lab, for `judgeLab` to make checks of. */
export interface LabReport {
  /** What could not be rebuilt as it is on the server. */
  readonly gaps: readonly string[]
  /** Hosts by the name that the specification gives them. */
  readonly hosts: Readonly<Record<string, HostReport>>
  /** Rules that dropped or rejected packets of scans before a portsentry behind the firewall could see them, in words. */
  readonly dropping: readonly string[]
  /** Why libwrap could not be asked; null where it was, or no daemon here asks it. */
  readonly wrapperGap: string | null
  readonly fail2ban: {
    /** Null: it started; else why not. */
    readonly startFailure: string | null
    /** What it had no time for, so that nothing can be said about its bans; null: it had. */
    readonly unproven: string | null
    readonly jails: readonly string[]
    /** What it logged as errors. */
    readonly complaints: readonly string[]
  }
}
