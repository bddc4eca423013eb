import type { Unit } from './buckets.ts'

/** A number that is at least `count`, and at most `count + missed`: see top-table. */
export interface AtLeast {
  readonly count: number
  readonly missed: number
}

/** One local hour, day or week. */
export interface Interval {
  readonly startMs: number
  /** Exclusive. */
  readonly endMs: number
  readonly scans: number
  /** Hosts seen in no interval before. */
  readonly newHosts: number
  readonly bans: number
}

export interface PortCount {
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
  /** The name in /etc/services; null if it has none. */
  readonly service: string | null
  readonly hosts: number
  readonly records: number
}

interface NetworkCount {
  /** An IPv4 /24 or an IPv6 /48. */
  readonly network: string
  readonly hosts: AtLeast
  readonly scans: number
}

interface TypeCount {
  /** The daemon's words. */
  readonly type: string
  readonly hosts: number
  readonly records: number
}

export interface BanLength {
  /** `up to 1 hour`, `permanent`. */
  readonly label: string
  /** The longest ban that counts here; null: any longer one, or, of the last entry, a permanent one. */
  readonly mostMs: number | null
  readonly bans: number
}

/** A host that came back. */
export interface Offender {
  readonly address: string
  readonly scans: AtLeast
  readonly bans: AtLeast
  /** Of a scan or a ban in the period. */
  readonly firstMs: number
  readonly lastMs: number
}

/** A host that portsentry noticed and ignored, as its ignore file says. */
interface IgnoredHost {
  readonly address: string
  readonly records: AtLeast
  readonly lastMs: number
}

/**
 * What happened from `sinceMs` to `untilMs`. A record is a line of the history that counts as a scan: portsentry 2 writes one for each
 * packet, 1.2 one for a host until it is released. A scan is all records of a host without a pause of ten minutes.
 */
export interface Report {
  readonly sinceMs: number
  readonly untilMs: number
  readonly unit: Unit
  readonly timeline: readonly Interval[]
  readonly totals: {
    readonly records: number
    readonly scans: number
    readonly hosts: number
    /** Distinct pairs of a port and a protocol. */
    readonly ports: number
    /** Records of ignored hosts, and of hosts that have not reached SCAN_TRIGGER. */
    readonly ignored: number
    readonly belowTrigger: number
    readonly bans: number
    /** Hosts with a ban that is in force at the end of the period. */
    readonly bannedHosts: number
    /** Times of the first and last scan; null if there is none. */
    readonly firstMs: number | null
    readonly lastMs: number | null
  }
  /** Sorted, the most first, as the following lists are. */
  readonly ports: readonly PortCount[]
  readonly networks: readonly NetworkCount[]
  readonly types: readonly TypeCount[]
  /** From short to long. */
  readonly banLengths: readonly BanLength[]
  readonly offenders: readonly Offender[]
  readonly ignoredHosts: readonly IgnoredHost[]
  /** Whether no bound was reached: then hosts, and with them scans, may have been counted again. */
  readonly isExact: boolean
}

/** Which records a report rests on. */
export interface Sources {
  readonly history: {
    /** Null: it is not known. */
    readonly path: string | null
    /** The files that were read, the oldest first; `note` says what could not be read of it, '' for nothing. */
    readonly files: readonly {
      readonly path: string
      readonly records: number
      readonly otherLines: number
      readonly note: string
    }[]
    /** `incomplete`: something could not be read, as the notes say; `absent`: portsentry has written none yet. */
    readonly state: 'read' | 'incomplete' | 'absent' | 'unknown'
    /** Why it is unknown or absent; '' otherwise. */
    readonly note: string
    /** Whether the daemon empties the history when it starts, as 2.x does: what was before is in rotated files at most. */
    readonly isEmptiedAtStart: boolean
    /** Time of the oldest record of all files, inside of the period or not; null if there is none. */
    readonly beginMs: number | null
  }
  readonly database: {
    /** '': fail2ban keeps none. */
    readonly path: string
    readonly state: 'read' | 'incomplete' | 'absent'
    readonly note: string
    /** For how long fail2ban keeps the record of a ban, in its own words (`dbpurgeage`). */
    readonly keeps: string
    /** The same in ms. */
    readonly keepsMs: number
  }
}
