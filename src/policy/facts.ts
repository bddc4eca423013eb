import type { Ban } from '../facts/ban.ts'
import type { DaemonProcess } from '../facts/daemons.ts'
import type { JailBan } from '../facts/fail2ban.ts'
import type { FirewallManagers } from '../facts/firewall-managers.ts'
import type { Verdict } from '../facts/firewall-support.ts'
import type { OwnNetworks } from '../facts/ip.ts'
import type { Obstacle } from '../facts/obstacles.ts'
import type { PackageVersion } from '../facts/packages.ts'
import type { Socket } from '../facts/procfs.ts'
import type { Init, UnitProperties } from '../facts/systemd.ts'
import type { FileState, Unreadable } from '../system/files.ts'
import type { ServerAddresses } from './server-addresses.ts'

/** The portsentry that is installed, or that apt would install: what tells the releases apart. */
export interface PortsentryPackage {
  readonly version: string
  /** Absolute paths of the package's files; null where the package is out of reach, so that only its version is known. */
  readonly files: readonly string[] | null
}

/** What only a running system can tell; null where `--root` names a tree that is not running. */
export interface LiveFacts extends ServerAddresses {
  readonly asRoot: boolean
  readonly init: Init
  readonly topology: OwnNetworks['topology']
  readonly interfaces: OwnNetworks['interfaces']
  readonly outside: OwnNetworks['outside']
  /** Sockets of this network namespace: tcp, udp, raw and packet. */
  readonly sockets: readonly Socket[]
  /** Where SSH sessions come from, the one that this process runs in first. */
  readonly sshClients: readonly string[]
  /** Other tools that rule the firewall. */
  readonly firewallManagers: FirewallManagers
  readonly daemons: readonly DaemonProcess[]
  /** Units and init scripts of portsentry, fail2ban and portward that start at boot, left-overs of other releases included. */
  readonly enabled: ReadonlySet<string>
  /** How systemd confines the daemons' units, by unit; none where it does not run. */
  readonly units: ReadonlyMap<string, UnitProperties>
  /** Whether the ban set is loaded and its rules are in force; null where only root could tell. */
  readonly hasBanSet: boolean | null
  /** Hosts that the firewall and the routes ban; null without root. */
  readonly bans: readonly Ban[] | null
  /** All sets, as `ipset save` prints them; '' without root or ipset. */
  readonly ipsets: string
  /** Why there may be more of these; null: all could be read. */
  readonly bansUnread: string | null
  /** iptables targets tried in a network namespace of their own. */
  readonly targets: ReadonlyMap<string, Verdict>
  /** Jails that fail2ban has loaded; null where its server does not answer. */
  readonly jails: readonly string[] | null
  /** Why bans cannot get into the kernel by the backend of config.env; null: nothing is known against it. */
  readonly firewallObstacle: string | null
  /** Policy of the chain INPUT; null where it could not be looked at. */
  readonly inputPolicy: string | null
  /** When portward last had fail2ban read its files again, in ms since 1970; 0: never since the boot. */
  readonly reloadedMs: number
  /** Bans of the portsentry jail; null where it is not loaded, or was not asked. */
  readonly jailed: readonly JailBan[] | null
}

/** The state of a server, or of a tree under `--root`, before anything is changed. */
export interface Facts {
  readonly root: string
  readonly live: LiveFacts | null
  readonly portsentry: PortsentryPackage | null
  /**
   * In a tree without dpkg's status, such as a checked-in copy of /etc: the name of the release that its files tell, null
   * where they do not. Absent everywhere else.
   */
  readonly inferredRelease?: string | null
  /**
   * Where apt has no package lists, and so nothing tells what it would install: the name of the release that this version of
   * Debian ships. Absent everywhere else.
   */
  readonly assumedRelease?: string
  readonly packages: ReadonlyMap<string, string>
  /** What `apt-get install` would bring in, dependencies included; null where apt could not say. */
  readonly installs: readonly PackageVersion[] | null
  /** Managed and consulted files by absolute path (below the root). */
  readonly files: ReadonlyMap<string, FileState>
  /** Paths in `files` that are not on disk yet: their content comes from a package to be installed. */
  readonly predicted: ReadonlySet<string>
  /** Files and directories that could not be read, by path, and what to do about it. No plan is made over these. */
  readonly unreadable: ReadonlyMap<string, Unreadable>
  /** Files that cannot be written, by path, as far as root looked on the live server; else empty. */
  readonly obstacles: ReadonlyMap<string, Obstacle>
  /** Paths that a BLOCKED_FILE may have, where others than root can make a file, and by what; empty in a tree. */
  readonly insecure: ReadonlyMap<string, string>
  /** Names of fail2ban's actions. */
  readonly actions: ReadonlySet<string>
  /** Daemons whose program is linked with libwrap; null: a copy of /etc does not show its programs. */
  readonly wrapped: readonly string[] | null
  /** Names of fail2ban's filters; none where its package's files are not there, as in a copy of /etc without them. */
  readonly filters: ReadonlySet<string>
  /** Of the logs that fail2ban's enabled jails name, those patterns that no file matches. */
  readonly missingLogs: ReadonlySet<string>
  /** What could not be found out, so that no exact plan can be made. */
  readonly unknown: readonly string[]
  /** What else could not be looked at, and why. */
  readonly notes: readonly string[]
}

export const fileText = (facts: Facts, path: string): string | undefined => facts.files.get(path)?.text
