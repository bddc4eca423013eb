import type { Mode } from '../detector/decision.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import { isIPv4, type Network } from '../network.ts'
import type { Settings } from '../settings/settings.ts'
import type { PortsentryPackage } from './facts.ts'

export type Modes = Pick<Settings, 'tcpMode' | 'udpMode'>

/** The layouts of Debian's portsentry packages that portward knows. */
export const RELEASE_NAMES = ['sysv-1.2', 'template-1.2', 'native-2'] as const

type ReleaseName = (typeof RELEASE_NAMES)[number]

/** Why a release cannot do what config.env asks for, at one of its variables. */
export interface Impossible {
  readonly variable: string
  readonly message: string
  readonly hint: string
}

/**
 * How one release of Debian's portsentry packages is laid out, as data: paths, units, keys, and what it cannot do. How its daemon
 * reads files and writes its history goes by `dialect`. A fourth release is a fourth table; CONTRIBUTING.md has the rest.
 */
export interface Release {
  readonly name: ReleaseName
  readonly title: string
  readonly matches: (portsentry: PortsentryPackage) => boolean

  /** How the daemon reads portsentry.conf and its ignore list. */
  readonly dialect: Dialect
  readonly confPath: string
  /** Keys that this daemon knows beside those of its dialect. */
  readonly moreKeys?: readonly string[]
  /** Keys without which the daemon does not start or does less, and their default values. */
  readonly requiredKeys: ReadonlyMap<string, string>
  /** Stock values of other releases that an upgrade leaves: replaced by those of `requiredKeys`. */
  readonly foreignValues: ReadonlyMap<string, string>
  /** Keys that config.env may set, but this daemon does not know: `portKeys` translates them. */
  readonly translatedKeys: ReadonlySet<string>
  /**
   * Keys that set the ports of the modes, if the modes alone do not. Null: no such key.
   * `present` returns the value that the daemon reads now.
   */
  readonly portKeys: (
    settings: Settings,
    present: (key: string) => string | undefined,
  ) => ReadonlyMap<string, string | null>
  /** Which of these settings this release cannot do. */
  readonly impossible: (settings: Settings) => readonly Impossible[]

  /** Shell file with TCP_MODE and UDP_MODE; null if the release has none. */
  readonly modesPath: string | null
  /** The file for whitelisted networks, and the file that the daemon reads, which may be built from it. */
  readonly ignorePath: string
  readonly builtIgnorePath: string
  /** Whether the daemon sees IPv6 at all. */
  readonly seesIPv6: boolean
  /** Whether installing the package creates the history file. */
  readonly packageMakesHistory: boolean
  /** fail2ban's filter for the history. */
  readonly filter: string
  /** Files that portward writes as a whole, by path; null: the file must not exist. */
  readonly ownedFiles: (modes: Modes) => ReadonlyMap<string, string | null>

  readonly daemonPath: string
  /** The arguments of each daemon that should run, one string for each daemon. */
  readonly daemonArguments: (modes: Modes) => readonly string[]
  /** systemd units that should be enabled and running. */
  readonly units: (modes: Modes) => readonly string[]
  /** Whether a first installation enables those units. */
  readonly packageEnablesUnits: boolean
  /** Whether there is an init script for systems without systemd. */
  readonly hasInitScript: boolean
}

/** Whether packets of this network can reach the daemon at all. */
export const sees = ({ seesIPv6 }: Release, network: Network): boolean => seesIPv6 || isIPv4(network)

/** The modes that are on, TCP first. */
export const modesOf = ({ tcpMode, udpMode }: Modes): string[] =>
  [tcpMode, udpMode].filter((mode) => mode !== '')

/** The modes in which the daemons of a release run if config.env asks for `modes`. */
export const daemonModes = (release: Release, modes: Modes): Mode[] => {
  const given = modesOf(modes) as Mode[]
  if (release.dialect === '1.2' || given.length === 0) return given
  return [release.daemonArguments(modes).includes('--connect') ? 'connect' : 'stealth']
}
