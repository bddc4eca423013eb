import type { BanBackend } from '../../settings/settings.ts'

/** What keeps banned hosts out. `BAN_BACKEND=none` leaves the firewall alone. */
export type Backend = Exclude<BanBackend, 'auto' | 'none'>

/** What happens to a banned host's packets. All but DROP need the backend `ipset`, in iptables' filter table. */
export type Target = 'DROP' | 'REJECT' | 'CHAOS' | 'TARPIT' | 'DELUDE'

/** What bans are made with. */
export interface BanSet {
  readonly backend: Backend
  readonly target: Target
}

export const DIRECTORY = '/etc/portward'

/** The protected networks by family, in CIDR notation. */
export interface Networks {
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
}

/** All that differs between the backends. */
export interface BackendDefinition {
  readonly packages: readonly string[]
  /** Static files in the syntax of the backend's own tools, by path. */
  readonly files: (networks: Networks, target: Target) => ReadonlyMap<string, string>
  /** The file that the loader puts ahead of the bans. */
  readonly rules: string
  /** Reads `rules` and the lines below from standard input, in one transaction where the kernel has those. */
  readonly script: string
  /** A line each, in Python's format: {set} is hosts4, hosts6 or networks6. */
  readonly add: string
  readonly delete: string
  /** What {timeout} stands for in `add`: {} are seconds. */
  readonly timeout: string
  /** The lines that empty all sets. */
  readonly flush: readonly string[]
  /** A shell script that the loader runs after that. */
  readonly hook: (target: Target) => readonly string[]
  /** What portsentry runs to ban $TARGET$ of this family, for so many seconds; -1: permanently. */
  readonly ban: (family: 4 | 6, seconds: number) => string
  /** A cheap shell command that succeeds where the rules are in force. */
  readonly check: (target: Target) => string
  /** A shell script that takes rules and sets away, and succeeds where there are none. */
  readonly remove: (target: Target) => readonly string[]
}

export const SETS = ['hosts4', 'hosts6', 'networks6'] as const
export type SetName = (typeof SETS)[number]

export const KEPT = '# Kept by portward from config.env.'

/** The longest timeout of a set's element: 24.8 days. */
const LONGEST_S = 2_147_483

export const timeout = (seconds: number, unit = ''): string =>
  seconds > 0 && seconds <= LONGEST_S ? ` timeout ${seconds}${unit}` : ''
