import type { Outcome } from '../../detector/decision.ts'

/** The results for one host of the lab. Arrays are in the order of the events. */
export interface HostReport {
  readonly address: string
  /**
   * Ports whose greeting it has read before any scan, and at the end. A handshake is not enough: TARPIT and DELUDE complete
   * one, too.
   */
  readonly openBefore: readonly number[]
  readonly openAfter: readonly number[]
  /** Whether portsentry saw any of its packets; if not, `events` says what it would have done. */
  readonly noticed: boolean
  readonly events: readonly EventReport[]
  /** Lines of the firewall, the sets and the routes that contain the host at the end. */
  readonly rules: readonly string[]
  /** The verdict of libwrap's tcpdmatch for each daemon that uses it; empty if it was not asked. */
  readonly wrappers: Readonly<Record<string, 'granted' | 'denied'>>
  /** Whether the portsentry jail of the lab's fail2ban has banned it. */
  readonly jailed: boolean
}

export type EventReport = Pick<Outcome['decision'], 'verdict' | 'ignoredByLine'> &
  Pick<Outcome, 'outcomes' | 'blocked'>

/** The results of the lab, for `judgeLab`. */
export interface LabReport {
  /** What could not be rebuilt like on the server. */
  readonly gaps: readonly string[]
  /** Hosts by their name in the specification. */
  readonly hosts: Readonly<Record<string, HostReport>>
  /** Rules that dropped or rejected packets of scans before a portsentry behind the firewall could see them, in words. */
  readonly dropping: readonly string[]
  /** Why libwrap could not be asked; null if it was, or no daemon here uses it. */
  readonly wrapperGap: string | null
  readonly fail2ban: {
    /** Why it did not start; null: it started. */
    readonly startFailure: string | null
    /** What it had no time for, so that missing bans prove nothing; null: it had time for everything. */
    readonly unproven: string | null
    readonly jails: readonly string[]
    /** The errors in its log. */
    readonly complaints: readonly string[]
  }
}
