import type { PackageVersion } from '../facts/packages.ts'
import type { ReleaseStep } from '../plan/plan.ts'

/** A file that an apply was to write or remove. */
export type FileRecord = (FileCopy | MissingFile) & {
  readonly path: string
  /** The path with all links resolved. */
  readonly real: string
  /** What the apply was to write; null: to remove the file. */
  readonly after: { readonly sha256: string; readonly size: number } | null
  /** Whether a daemon appends to the file by itself: what it appended does not count as a change by others. */
  readonly grows: boolean
}

/** A regular file as it was: the copy keeps mode, owner, times, ACL and extended attributes as well. */
interface FileCopy {
  readonly copy: string
  readonly sha256: string
}

/** Neither the file nor these directories existed; the topmost first. */
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
  /** Commands that would remove the bans in the firewall, one line each. */
  readonly commands: readonly string[]
}

/**
 * - `open`: its apply is running, or was interrupted.
 * - `applied`: it is in force, except where a later one has replaced it.
 * - `undone`: its apply failed, and its changes were rolled back.
 * - `rolled-back`: a rollback restored what it had replaced.
 */
export type GenerationState = 'open' | 'applied' | Undone

/** The state of a generation whose changes have been rolled back. */
export type Undone = 'undone' | 'rolled-back'

/** How an apply ended that was undone. */
export interface Ending {
  /** Whether somebody interrupted it, or it was killed; else something failed. */
  readonly interrupted?: boolean
  /** How many of its steps had begun; absent: not known, since it was killed. */
  readonly begun?: number
}

/** What one apply replaces, recorded before it changes anything. */
export interface Generation extends Ending {
  readonly version: 1
  /** `/`, except for trees, whose generations are not kept. */
  readonly root: string
  /** True for what `refresh` did: it becomes part of the applies before it (fold.ts). */
  readonly isRefresh?: boolean
  readonly number: number
  readonly state: GenerationState
  /** ISO 8601. */
  readonly started: string
  readonly steps: readonly string[]
  readonly files: readonly FileRecord[]
  readonly services: ServiceRecord
  /** Bans of protected hosts that the apply releases. */
  readonly releases: readonly Omit<ReleaseStep, 'kind'>[]
  readonly bans: BanRecord
  /** Packages that were missing, dependencies included. */
  readonly packages: readonly PackageVersion[]
  /** Those of them that had been removed but not purged; absent in records of earlier versions. */
  readonly configured?: readonly string[]
  /** Paths that a daemon or a package creates, and that did not exist. */
  readonly newPaths: readonly string[]
  /** Until when it has to be confirmed, ISO 8601; null if that was not requested, or if it has been confirmed. */
  readonly confirmBy: string | null
}

/** Whether these are what `refresh` did. */
export const isOfRefresh = (generations: readonly Generation[]): boolean =>
  generations.length > 0 && generations.every(({ isRefresh }) => isRefresh === true)
