import type { NewPackage } from '../facts/packages.ts'
import type { BanSet } from '../policy/backends/definition.ts'
import type { Desired } from '../policy/desired.ts'

/** Answers for debconf, so that it neither asks questions nor mails notices. */
interface PreseedStep {
  readonly kind: 'preseed'
  readonly selections: readonly string[]
}

export interface InstallStep {
  readonly kind: 'install'
  readonly requested: readonly string[]
  /** All that apt installs, dependencies included. */
  readonly packages: readonly NewPackage[]
}

/** Writes a file. `before` is the content that it must have when the step runs; null: no file. */
export interface WriteStep {
  readonly kind: 'write'
  readonly path: string
  readonly before: string | null
  readonly after: string
  /** Permission bits for a new file; an existing file keeps its mode. */
  readonly mode: number
  /** Whether `before` is the file of a package that this plan installs. */
  readonly fromPackage: boolean
  readonly reasons: readonly string[]
}

/** Creates an empty file unless it exists when the step runs: a daemon may have created it by then. */
export interface TouchStep {
  readonly kind: 'touch'
  readonly path: string
  readonly mode: number
  readonly reasons: readonly string[]
}

/** Removes a file that portward wrote and that this release or these modes do not need. */
export interface RemoveStep {
  readonly kind: 'remove'
  readonly path: string
  readonly before: string
  readonly reasons: readonly string[]
}

/** Loads the ban set from its files, with every ban in fail2ban's database. */
export interface LoadStep {
  readonly kind: 'load-bans'
  readonly reasons: readonly string[]
}

/** Removes a ban set that is no longer used, with all its bans. `isLast`: no other one replaces it. */
export interface UnloadStep extends BanSet {
  readonly kind: 'remove-bans'
  readonly isLast: boolean
  readonly reasons: readonly string[]
}

/** Passes the bans of the ban program of portward's first version to fail2ban, or removes that program. */
export interface LegacyStep {
  readonly kind: 'hand-over-bans' | 'remove-ban-program'
  /** Hosts of its record that fail2ban has to ban. */
  readonly hosts: readonly string[]
  readonly reasons: readonly string[]
}

/** Enables the unit at boot, or disables and stops it. */
export interface EnableStep {
  readonly kind: 'enable' | 'disable'
  readonly unit: string
}

/** Enables and starts one of portward's timers, with its unit files as they are then. */
export interface TimerStep {
  readonly kind: 'start-timer'
  /** With its suffix. */
  readonly unit: string
  readonly reasons: readonly string[]
}

/** Ends all daemons of a service, then starts its units. */
export interface RestartStep {
  readonly kind: 'restart'
  readonly service: 'portsentry' | 'fail2ban'
  readonly units: readonly string[]
  readonly reasons: readonly string[]
}

/** Has fail2ban read the portsentry jail's options, filter and action again; bans are kept. */
export interface ReloadStep {
  readonly kind: 'reload'
  readonly service: 'fail2ban'
  /** The changed files because of which it does so. */
  readonly paths: readonly string[]
  readonly reasons: readonly string[]
}

/** Releases a protected host that is banned: from the firewall, the routes and fail2ban. */
export interface ReleaseStep {
  readonly kind: 'release'
  readonly address: string
  /** Commands as arrays of words. */
  readonly undo: readonly (readonly string[])[]
  readonly jailed: boolean
}

export type Step =
  | PreseedStep
  | InstallStep
  | WriteStep
  | RemoveStep
  | TouchStep
  | EnableStep
  | TimerStep
  | LoadStep
  | UnloadStep
  | LegacyStep
  | RestartStep
  | ReloadStep
  | ReleaseStep

/** Everything that apply will do, in order, and the desired state afterwards. apply carries out this object. */
export interface Plan {
  readonly root: string
  readonly desired: Desired
  readonly steps: readonly Step[]
  /** Daemons on this server that are linked with libwrap, and so use hosts.allow and hosts.deny; null: unknown. */
  readonly wrapped: readonly string[] | null
  /** Why the diff is incomplete; apply then refuses. Empty if it is complete. */
  readonly inexact: readonly string[]
}

export const isInSync = (plan: Plan): boolean => plan.steps.length === 0 && plan.inexact.length === 0
