import type { FirewallRules } from '../../facts/firewall-bans.ts'
import type { BanBackend } from '../../settings/settings.ts'

/** What keeps banned hosts out. With `BAN_BACKEND=none` the firewall is not changed. */
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
  /** The file that the loader sends before the bans. */
  readonly rules: string
  /** The command that reads `rules` and the lines below from standard input, in one transaction if possible. */
  readonly script: string
  /** Lines in Python's format syntax: {set} is hosts4, hosts6 or networks6. */
  readonly add: string
  readonly delete: string
  /** The value of {timeout} in `add`: {} is a number of seconds. */
  readonly timeout: string
  /** The lines that empty all sets. */
  readonly flush: readonly string[]
  /** A shell script that the loader runs after that. */
  readonly hook: (target: Target) => readonly string[]
  /** The command with which portsentry bans $TARGET$ of this family for this many seconds; -1: permanently. */
  readonly ban: (family: 4 | 6, seconds: number) => string
  /** Whether these rules of the kernel contain those of the ban set. */
  readonly isInForce: (target: Target, rules: FirewallRules) => boolean
  /** A cheap shell command that succeeds if the rules are in force. */
  readonly check: (target: Target) => string
  /** A shell script that removes rules and sets, and succeeds if there are none. */
  readonly remove: (target: Target) => readonly string[]
}

export const SETS = ['hosts4', 'hosts6', 'networks6'] as const
export type SetName = (typeof SETS)[number]

export const KEPT = '# Kept by portward from config.env.'

/** The longest timeout of a set's element: 24.8 days. */
const LONGEST_S = 2_147_483

export const timeout = (seconds: number, unit = ''): string =>
  seconds > 0 && seconds <= LONGEST_S ? ` timeout ${seconds}${unit}` : ''
