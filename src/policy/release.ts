import type { Mode } from '../detector/decision.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import { isIPv4, type Network } from '../network.ts'
import type { Settings } from '../settings/settings.ts'
import type { PortsentryPackage } from './facts.ts'

export type Modes = Pick<Settings, 'tcpMode' | 'udpMode'>

/** Why a release cannot do what config.env asks for, tied to one of its variables. */
export interface Impossible {
  readonly variable: string
  readonly message: string
  readonly hint: string
}

/**
 * How one generation of Debian's portsentry packages is laid out, as data: what the rest of portward needs to
 * know of it stands here and nowhere else. A fourth generation is a fourth table.
 */
export interface Release {
  readonly name: string
  readonly title: string
  readonly matches: (portsentry: PortsentryPackage) => boolean

  /** How the daemon reads portsentry.conf and its ignore list. */
  readonly dialect: Dialect
  readonly confPath: string
  /** Keys without which the daemon does not start or does less, and the values that they then get. */
  readonly requiredKeys: ReadonlyMap<string, string>
  /** Stock values of other releases, which an upgrade leaves behind: replaced by those of `requiredKeys`. */
  readonly foreignValues: ReadonlyMap<string, string>
  /** Keys that config.env may give, but this daemon does not know: `portKeys` says what they mean. */
  readonly translatedKeys: ReadonlySet<string>
  /**
   * Keys by which the modes' ports are said, where the modes alone do not say it. Null: no such key.
   * `present` gives the value that the daemon reads now.
   */
  readonly portKeys: (
    settings: Settings,
    present: (key: string) => string | undefined,
  ) => ReadonlyMap<string, string | null>
  /** What of these settings this release cannot do. */
  readonly impossible: (settings: Settings) => readonly Impossible[]

  /** Shell file with TCP_MODE and UDP_MODE, where there is one. */
  readonly modesPath: string | null
  /** Where whitelisted networks go, and the file that the daemon reads, which may be built from it. */
  readonly ignorePath: string
  readonly builtIgnorePath: string
  /** Whether the daemon sees IPv6 at all. */
  readonly seesIPv6: boolean
  /** Whether installing the package makes the history file. */
  readonly packageMakesHistory: boolean
  /** fail2ban's filter for the history. */
  readonly filter: string
  /** Whole files that portward owns, by path; null: the file must not be there. */
  readonly ownedFiles: (modes: Modes) => ReadonlyMap<string, string | null>

  readonly daemonPath: string
  /** The arguments of each daemon that should run, one string a daemon. */
  readonly daemonArguments: (modes: Modes) => readonly string[]
  /** systemd units that should be enabled and running. */
  readonly units: (modes: Modes) => readonly string[]
  /** Whether a first installation enables those units by itself. */
  readonly packageEnablesUnits: boolean
  /** Whether there is an init script for where systemd does not run. */
  readonly hasInitScript: boolean
}

/** Whether packets of this network can reach the daemon at all. */
export const sees = ({ seesIPv6 }: Release, network: Network): boolean => seesIPv6 || isIPv4(network)

/** The modes that are on, TCP first. */
export const modesOf = ({ tcpMode, udpMode }: Modes): string[] =>
  [tcpMode, udpMode].filter((mode) => mode !== '')

/** The modes in which the daemons of a release run where config.env asks for these. */
export const daemonModes = (release: Release, modes: Modes): Mode[] => {
  const given = modesOf(modes) as Mode[]
  if (release.dialect === '1.2' || given.length === 0) return given
  return [release.daemonArguments(modes).includes('--connect') ? 'connect' : 'stealth']
}
