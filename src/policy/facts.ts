import type { IgnoreFile } from '../documents/ignoreip.ts'
import type { Ban } from '../facts/ban.ts'
import type { DaemonProcess } from '../facts/daemons.ts'
import type { JailBan } from '../facts/fail2ban.ts'
import type { SavedFirewall } from '../facts/firewall-bans.ts'
import type { FirewallManagers } from '../facts/firewall-managers.ts'
import type { Verdict } from '../facts/firewall-support.ts'
import type { Answers } from '../facts/host-names.ts'
import type { OwnNetworks } from '../facts/ip.ts'
import type { Obstacle } from '../facts/obstacles.ts'
import type { NewPackage } from '../facts/packages.ts'
import type { Inquiry } from '../facts/portsentry-inquiry.ts'
import type { Socket } from '../facts/procfs.ts'
import type { SecretFile } from '../facts/secret-files.ts'
import type { Init, OwnTimers, UnitProperties } from '../facts/systemd.ts'
import type { FileState, Unreadable } from '../system/files.ts'
import type { ServerAddresses } from './server-addresses.ts'

/** The portsentry that is installed, or that apt would install: it decides the release. */
export interface PortsentryPackage {
  readonly version: string
  /** Absolute paths of the package's files; null if the package is unavailable, so that only its version is known. */
  readonly files: readonly string[] | null
}

/** Facts about a running system; null for a tree (`--root`). */
export interface LiveFacts extends ServerAddresses {
  readonly asRoot: boolean
  readonly init: Init
  readonly topology: OwnNetworks['topology']
  readonly interfaces: OwnNetworks['interfaces']
  readonly outside: OwnNetworks['outside']
  /** Sockets of this network namespace: tcp, udp, raw and packet. */
  readonly sockets: readonly Socket[]
  /** What the names of protected hosts resolve to now; null: to go by the record of an earlier apply. */
  readonly names: Answers | null
  /** The source address of the SSH session that this process runs in; null outside of SSH. It may have ended: tmux goes on. */
  readonly sshSession: string | null
  /** Source addresses of SSH sessions, that of this process first. */
  readonly sshClients: readonly string[]
  /** Other tools that manage the firewall. */
  readonly firewallManagers: FirewallManagers
  readonly daemons: readonly DaemonProcess[]
  /** Units and init scripts of portsentry, fail2ban and portward that start at boot, including those of other releases. */
  readonly enabled: ReadonlySet<string>
  /** Those of portward's timers that wait for their next run, and those whose last run failed. */
  readonly timers: OwnTimers
  /** Whether systemd would find a program named portward. */
  readonly launcher: boolean
  /** Where METRICS points; null: it is not set. `modifiedMs` is null where there is no file, or it cannot be looked at. */
  readonly metricsFile: { readonly hasDirectory: boolean; readonly modifiedMs: number | null } | null
  /** Properties of the daemons' units, by unit; empty without systemd. */
  readonly units: ReadonlyMap<string, UnitProperties>
  /** Whether the ban set is loaded and its rules are in force; null without root. */
  readonly hasBanSet: boolean | null
  /** Hosts that the firewall and the routes ban; null without root. */
  readonly bans: readonly Ban[] | null
  /** The firewall as its programs print it; null without root. */
  readonly savedFirewall: SavedFirewall | null
  /** Why `bans` may be incomplete; null: all could be read. */
  readonly bansUnread: string | null
  /** Which iptables targets work, as tried in a separate network namespace. */
  readonly targets: ReadonlyMap<string, Verdict>
  /** Jails that fail2ban has loaded; null if its server does not answer. */
  readonly jails: readonly string[] | null
  /** Why the backend of config.env cannot load bans into the kernel; null: no reason is known. */
  readonly firewallObstacle: string | null
  /** Policy of the chain INPUT; null if it could not be read. */
  readonly inputPolicy: string | null
  /** When portward last had fail2ban read its files again, in ms since 1970; 0: never since the boot. */
  readonly reloadedMs: number
  /** Whether there is a program that sends mail, /usr/sbin/sendmail. */
  readonly sendsMail: boolean
  /** The files with secrets that config.env names: see SecretFile. Null: the file does not exist. */
  readonly secretFiles: ReadonlyMap<string, SecretFile | null>
  /** Bans of the portsentry jail; null if it is not loaded, or was not asked. */
  readonly jailed: readonly JailBan[] | null
}

/** The state of a server, or of a tree under `--root`, before anything is changed. */
export interface Facts {
  readonly root: string
  readonly live: LiveFacts | null
  readonly portsentry: PortsentryPackage | null
  /**
   * In a tree without dpkg's status, such as a checked-in copy of /etc: the name of the release that its files show, null
   * if they do not. Absent otherwise.
   */
  readonly inferredRelease?: string | null
  /**
   * If apt has no package lists, so that it is unknown what it would install: the name of the release that this version of
   * Debian ships. Absent otherwise.
   */
  readonly assumedRelease?: string
  /**
   * What an installed portsentry of an untried version accepts, as it answered; null if it could not be asked. Absent if the
   * version is known.
   */
  readonly inquiry?: Inquiry | null
  readonly packages: ReadonlyMap<string, string>
  /** What `apt-get install` would install, dependencies included; null if apt could not determine it. */
  readonly installs: readonly NewPackage[] | null
  /** Managed and consulted files by absolute path (below the root). */
  readonly files: ReadonlyMap<string, FileState>
  /** Paths in `files` that are not on disk yet: their content comes from a package to be installed. */
  readonly predicted: ReadonlySet<string>
  /** Files and directories that could not be read, by path, and what to do about it. They prevent a plan. */
  readonly unreadable: ReadonlyMap<string, Unreadable>
  /** Files that cannot be written, by path, found by root on the live server; else empty. */
  readonly obstacles: ReadonlyMap<string, Obstacle>
  /** Candidates for BLOCKED_FILE where users other than root can create files, and why; empty in a tree. */
  readonly insecure: ReadonlyMap<string, string>
  /** Names of fail2ban's actions. */
  readonly actions: ReadonlySet<string>
  /** Daemons whose program is linked with libwrap; null: a copy of /etc does not have programs. */
  readonly wrapped: readonly string[] | null
  /** Names of fail2ban's filters; empty if its package's files are missing, as in a copy of /etc without them. */
  readonly filters: ReadonlySet<string>
  /** The files that fail2ban's ignoreip names, by path. */
  readonly ignoreFiles: ReadonlyMap<string, IgnoreFile>
  /** Patterns for logs of fail2ban's enabled jails that do not match any file. */
  readonly missingLogs: ReadonlySet<string>
  /** What could not be determined, so that the plan is not exact. */
  readonly unknown: readonly string[]
  /** What else could not be checked, and why. */
  readonly notes: readonly string[]
}

export const fileText = (facts: Pick<Facts, 'files'>, path: string): string | undefined =>
  facts.files.get(path)?.text
