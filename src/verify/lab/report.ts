import type { ActionOutcome, Verdict } from '../../detector/decision.ts'

/** What a host in the lab sends. `ack` is what no mode of portsentry notices. */
export type ProbeKind = 'connect' | 'syn' | 'fin' | 'null' | 'xmas' | 'udp'

/** What a connection to a port of the server met. Only a greeting that was read counts as an answer: TARPIT and DELUDE shake hands, too. */
export type Reach = 'answered' | 'refused' | 'silent'

/** What became of one host of the lab. Arrays are in the order of the events. */
export interface HostReport {
  readonly address: string
  /** Per open port, before any scan, and at the end. */
  readonly before: Readonly<Record<string, Reach>>
  readonly after: Readonly<Record<string, Reach>>
  /** Whether any of its packets came to the eyes of portsentry; if not, `events` tells what would have come of them. */
  readonly noticed: boolean
  readonly events: readonly EventReport[]
  /** Lines of the firewall, the sets and the routes that name the host at the end. */
  readonly rules: readonly string[]
  /** What libwrap's own tcpdmatch says for each daemon that asks; empty where it was not asked. */
  readonly wrappers: Readonly<Record<string, 'granted' | 'denied'>>
  /** Whether the portsentry jail of the lab's fail2ban holds it. */
  readonly jailed: boolean
}

export interface EventReport {
  readonly protocol: 'tcp' | 'udp'
  readonly scan: string
  readonly port: number
  readonly verdict: Verdict
  readonly ignoredByLine: number | null
  readonly outcomes: readonly ActionOutcome[]
  readonly blocked: boolean | null
}

/** All that was seen in the lab, for `judge` to make checks of. */
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
    /** What it logged as warnings and errors. */
    readonly complaints: readonly string[]
  }
}
