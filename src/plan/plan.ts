import type { PackageVersion } from '../facts/packages.ts'
import type { BanSet } from '../policy/backends/definition.ts'
import type { Desired } from '../policy/desired.ts'

/** Answers for debconf, so that no question is asked and no notice mailed. */
interface PreseedStep {
  readonly kind: 'preseed'
  readonly selections: readonly string[]
}

interface InstallStep {
  readonly kind: 'install'
  readonly requested: readonly string[]
  /** All that apt brings in, dependencies included. */
  readonly packages: readonly PackageVersion[]
}

/** A file gets new bytes. `before` is what must be there when the step runs; null: no file. */
export interface WriteStep {
  readonly kind: 'write'
  readonly path: string
  readonly before: string | null
  readonly after: string
  /** Permission bits for a new file; an existing one keeps its own. */
  readonly mode: number
  /** Whether `before` is what a package of this plan will put there. */
  readonly fromPackage: boolean
  readonly reasons: readonly string[]
}

/** An empty file is made where there is none when the step runs. A daemon may have made it meanwhile: as well. */
export interface TouchStep {
  readonly kind: 'touch'
  readonly path: string
  readonly mode: number
  readonly reasons: readonly string[]
}

/** A file of portward's own that this release and these modes have no use for. */
export interface RemoveStep {
  readonly kind: 'remove'
  readonly path: string
  readonly before: string
  readonly reasons: readonly string[]
}

/** The ban set is loaded as its files say, with every ban that fail2ban remembers. */
export interface LoadStep {
  readonly kind: 'load-bans'
  readonly reasons: readonly string[]
}

/** A ban set that is not used any more is taken away with all its bans. `isLast`: none takes its place. */
export interface UnloadStep extends BanSet {
  readonly kind: 'remove-bans'
  readonly isLast: boolean
  readonly reasons: readonly string[]
}

/** The ban program of the first version of portward tells fail2ban who is banned, or is taken away. */
export interface LegacyStep {
  readonly kind: 'hand-over-bans' | 'remove-ban-program'
  /** Hosts of its record that fail2ban is to have banned. */
  readonly hosts: readonly string[]
  readonly reasons: readonly string[]
}

/** The unit starts at boot, or no longer does and is stopped. */
export interface EnableStep {
  readonly kind: 'enable' | 'disable'
  readonly unit: string
}

/** All daemons of a service end, then its units start. */
export interface RestartStep {
  readonly kind: 'restart'
  readonly service: 'portsentry' | 'fail2ban'
  readonly units: readonly string[]
  readonly reasons: readonly string[]
}

/** fail2ban reads the portsentry jail's options, filter and action again; whoever is banned stays so. */
export interface ReloadStep {
  readonly kind: 'reload'
  readonly service: 'fail2ban'
  /** The files that it reads again for it. */
  readonly paths: readonly string[]
  readonly reasons: readonly string[]
}

/** A protected host that is banned gets free: firewall and routes let it through, fail2ban forgets it. */
export interface ReleaseStep {
  readonly kind: 'release'
  readonly address: string
  /** Commands, one word an element. */
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
  | LoadStep
  | UnloadStep
  | LegacyStep
  | RestartStep
  | ReloadStep
  | ReleaseStep

/** Everything that apply will do, in order, and what must hold afterwards. apply runs this very object. */
export interface Plan {
  readonly root: string
  readonly desired: Desired
  readonly steps: readonly Step[]
  /** Daemons on this server that are linked with libwrap, and so ask hosts.allow and hosts.deny; null: not known. */
  readonly wrapped: readonly string[] | null
  /** Why the diff is not complete, if it is not: apply then refuses. */
  readonly inexact: readonly string[]
}

export const isInSync = (plan: Plan): boolean => plan.steps.length === 0 && plan.inexact.length === 0
