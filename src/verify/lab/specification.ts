import type { Mode } from '../../detector/decision.ts'

/** What a host in the lab sends. */
export type ProbeKind = 'connect' | 'syn' | 'fin' | 'null' | 'xmas' | 'udp'

/** A network interface of the server in the lab, with the real one's name and addresses (CIDR). */
export interface LabDevice {
  readonly name: string
  readonly addresses: readonly string[]
}

/**
 * - `attacker`: scans, and should be cut off.
 * - `logged`: never scans, but is in the history; fail2ban should cut it off.
 * - `allowlisted`: scans and is in the history, too, but should still get through.
 */
export type Role = 'attacker' | 'logged' | 'allowlisted'

/** A host around the server in the lab. */
export interface LabHost {
  /** `SYN scan`, `the LAN 192.168.1.0/24`: for messages. */
  readonly name: string
  readonly role: Role
  readonly address: string
  /** The server's interface that it is behind, and the server's address that it uses. */
  readonly device: string
  readonly destination: string
  readonly probes: readonly Probe[]
}

export interface Probe {
  readonly kind: ProbeKind
  readonly port: number
}

/** How to build the lab and what to do in it, as data: JSON on the standard input of its process. */
export interface LabSpecification {
  readonly release: string
  readonly modes: readonly Mode[]
  readonly confPath: string
  readonly devices: readonly LabDevice[]
  /** Names of the server's other interfaces: rules may name them, but they are not used. */
  readonly otherDevices: readonly string[]
  readonly hosts: readonly LabHost[]
  /** The interface for all hosts that are not on one of the server's networks. */
  readonly outside: string
  /** Where portsentry logs the hosts that it has detected. */
  readonly historyPath: string
  /** Ports with a listener that greets, which the hosts try to reach. */
  readonly openPorts: readonly number[]
  /** Ports that services of the live server have: `tcp 22`. */
  readonly inUse: readonly string[]
  readonly firewall: {
    readonly iptables: string
    readonly ip6tables: string
    readonly nft: string
    readonly ipset: string
  }
  /** Daemons here that use hosts.allow and hosts.deny. */
  readonly libwrapDaemons: readonly string[]
  /** Jails other than portsentry's: the lab has no logs for them. */
  readonly otherJails: readonly string[]
  /** The `action` of the portsentry jail without those that tell others about bans; null: it has no such action. */
  readonly quietAction: string | null
}
