import type { PackageVersion } from '../facts/packages.ts'
import type { ReleaseStep } from '../plan/plan.ts'

/** A file that an apply was to write or remove. */
export type FileRecord = (FileCopy | MissingFile) & {
  readonly path: string
  /** Where links led to. */
  readonly real: string
  /** What the apply was to leave there; null: no file. */
  readonly after: { readonly sha256: string; readonly size: number } | null
  /** Whether a daemon appends to the file by itself: what it appended does not count as a change by others. */
  readonly grows: boolean
}

/** A regular file as it was: the copy keeps mode, owner, times, ACL and extended attributes as well. */
interface FileCopy {
  readonly copy: string
  readonly sha256: string
}

/** The file did not exist, nor did these directories, the uppermost first. */
interface MissingFile {
  readonly copy: null
  readonly directories: readonly string[]
}

export interface ServiceRecord {
  /** Units that start at boot. */
  readonly enabled: readonly string[]
  /** Active units by service; init scripts where systemd does not run. */
  readonly active: readonly (readonly [service: 'portsentry' | 'fail2ban', units: readonly string[]])[]
  /** The processes of both, with the time of their start in ms since 1970. */
  readonly daemons: readonly {
    readonly service: 'portsentry' | 'fail2ban'
    readonly pid: number
    readonly startedMs: number
  }[]
}

/** The banned hosts, and the rules and routes that ban them. */
export interface BanRecord {
  /** Those in hosts.deny and in fail2ban's jail, in canonical form. */
  readonly addresses: readonly string[]
  /** Commands that would take the bans in the firewall away, as a line each. */
  readonly commands: readonly string[]
}

/**
 * - `open`: its apply is running, or was interrupted.
 * - `applied`: it is what the server has, as far as no later one replaced it.
 * - `undone`: its apply failed, and its changes were rolled back.
 * - `rolled-back`: a rollback restored what it had replaced.
 */
export type GenerationState = 'open' | 'applied' | Undone

/** How a generation ends whose changes are rolled back. */
export type Undone = 'undone' | 'rolled-back'

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
  /** Bans of protected hosts that the apply lifts. */
  readonly releases: readonly Omit<ReleaseStep, 'kind'>[]
  readonly bans: BanRecord
  /** Packages that were missing, dependencies included. */
  readonly packages: readonly PackageVersion[]
  /** Those of them that had been removed and had left their configuration; absent in records of before. */
  readonly configured?: readonly string[]
  /** Paths that a daemon or a package makes by itself, and that were not there. */
  readonly newPaths: readonly string[]
  /** Until when it has to be confirmed, ISO 8601; null where that was not asked for, or it has been. */
  readonly confirmBy: string | null
}
