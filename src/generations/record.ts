import type { PackageVersion } from '../policy/facts.ts'

/**
 * Where generations and the journal of a server are kept: root's alone, since they hold copies of configuration files.
 * An apply to a tree keeps nothing behind: its record is in a directory that ends with it.
 */
export const STATE = '/var/lib/portward'

/** A regular file as it was: the copy keeps mode, owner, times, ACL and extended attributes as well. */
interface FileCopy {
  readonly path: string
  /** Where links led to. */
  readonly real: string
  readonly copy: string
  readonly sha256: string
}

/** There was no such file, and none of these directories, the uppermost first. */
interface NoFile {
  readonly path: string
  readonly real: string
  readonly copy: null
  readonly directories: readonly string[]
}

export type FileRecord = (FileCopy | NoFile) & {
  /** What the apply was to leave there; null: no file. */
  readonly after: { readonly sha256: string; readonly size: number } | null
  /** Whether a daemon adds to the file by itself: what it added is no change of somebody's. */
  readonly grows: boolean
}

export interface ServiceRecord {
  readonly enabled: readonly string[]
  /** Active units by service. */
  readonly active: readonly (readonly [service: 'portsentry' | 'fail2ban', units: readonly string[]])[]
  /** The processes of both, with the time of their start in ms since 1970. */
  readonly daemons: readonly {
    readonly service: 'portsentry' | 'fail2ban'
    readonly pid: number
    readonly startedMs: number
  }[]
}

/** Who is banned, and by which rules and routes. */
export interface BanRecord {
  /** Those in hosts.deny and in fail2ban's jail, in canonical form. */
  readonly addresses: readonly string[]
  /** Commands that would take the bans in the firewall away, as a line each. */
  readonly commands: readonly string[]
}

/** A ban of a protected host that the apply takes away. */
export interface ReleaseRecord {
  readonly address: string
  readonly undo: readonly (readonly string[])[]
  readonly jailed: boolean
}

/**
 * - `open`: its apply is at work, or died in the middle.
 * - `applied`: it is what the server has, as far as no later one replaced it.
 * - `undone`: its apply failed and was put back.
 * - `rolled-back`: it was given back.
 */
export type GenerationState = 'open' | 'applied' | Undoing

/** How a generation ends that is given back. */
export type Undoing = 'undone' | 'rolled-back'

/** What one apply replaces, written down before it touches anything. */
export interface Generation {
  readonly version: 1
  /** `/`, but for trees, whose generations are not kept. */
  readonly root: string
  readonly number: number
  readonly state: GenerationState
  /** ISO 8601. */
  readonly started: string
  readonly steps: readonly string[]
  readonly files: readonly FileRecord[]
  readonly services: ServiceRecord
  readonly releases: readonly ReleaseRecord[]
  readonly bans: BanRecord
  /** Packages that were missing, dependencies included. */
  readonly packages: readonly PackageVersion[]
  /** Those of them that were there once and had left their configuration; absent in records of before. */
  readonly configured?: readonly string[]
  /** Paths that were there below the directories of the daemons and their packages; null: a tree. */
  readonly paths: readonly string[] | null
  /** Such paths that were new when the apply was over; in /etc only what came with the packages. */
  readonly newPaths: readonly string[]
  /** Until when it has to be confirmed, ISO 8601; null where nobody asked for that, or it has been. */
  readonly confirmBy: string | null
}

/** What is going on, for whoever comes after a crash. */
export interface Journal {
  readonly operation: 'apply' | 'rollback'
  /** The generations concerned, the latest first. */
  readonly generations: readonly number[]
  readonly started: string
}
