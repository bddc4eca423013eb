import type { HostsAccess } from '../documents/hosts-access.ts'
import type { Network } from '../network.ts'
import { shortList } from '../phrases.ts'

import type { HostReport, LabReport } from './lab/report.ts'
import type { LabHost, LabSpecification, Role } from './lab/specification.ts'

/** The configuration that decides what the lab should show. */
export interface Expectation {
  /** What each protocol's BLOCK_* says: 1 blocks, 2 runs KILL_RUN_CMD only, 0 only logs. */
  readonly block: { readonly tcp: number; readonly udp: number }
  readonly hasKillRoute: boolean
  readonly hasHostsDeny: boolean
  /** Whether hosts.deny names a file of the hosts that fail2ban bans. */
  readonly writesDenied: boolean
  /** Whether the portsentry jail should ban. */
  readonly jailBans: boolean
  readonly confPath: string
  readonly ignorePath: string
  readonly jailPath: string
  readonly hostsAllow: HostsAccess
  /** Why portsentry cannot write bans to hosts.deny; null: no reason is known. */
  readonly hostsDenyObstacle: string | null
  readonly protectedNetworks: readonly Network[]
  /** Whether this portsentry gets packets after the firewall (1.2, and 2.x in connect mode), and not from the wire. */
  readonly isBehindFirewall: boolean
}

export interface Seen {
  readonly host: LabHost
  readonly report: HostReport
}

/** The part of the specification that is needed to judge a report. */
export type Tried = Pick<LabSpecification, 'hosts' | 'libwrapDaemons'>

/** The hosts of a role with their reports. */
export const hostsOf = ({ hosts }: Tried, report: LabReport, role: Role): Seen[] =>
  hosts.flatMap((host) => {
    const seen = report.hosts[host.name]
    return host.role === role && seen !== undefined ? [{ host, report: seen }] : []
  })

/** The ports that show whether a host gets through: those that answered before the scans. */
export const openTo = ({ report }: Seen): readonly number[] => report.openBefore
export const isTestable = (seen: Seen): boolean => openTo(seen).length > 0

/** Those of them that still answer. One is enough for a failure if the host should be cut off. */
export const stillOpenTo = ({ report: { openBefore, openAfter } }: Seen): number[] =>
  openBefore.filter((port) => openAfter.includes(port))
export const getsThrough = (seen: Seen): boolean => stillOpenTo(seen).length > 0

/** Those of them that no longer answer. One is enough for a failure if the host should not be cut off. */
export const closedTo = ({ report: { openBefore, openAfter } }: Seen): number[] =>
  openBefore.filter((port) => !openAfter.includes(port))

/** `port 22`, `ports 22, 443`: the ports that any of the hosts has, in ascending order. */
export const portsText = (hosts: readonly Seen[], portsOf: (seen: Seen) => readonly number[]): string => {
  const ports = [...new Set(hosts.flatMap(portsOf))].sort((a, b) => a - b)
  return `port${ports.length > 1 ? 's' : ''} ${shortList(ports.map(String))}`
}

export const isNoticed = ({ report }: Seen): boolean => report.noticed
export const hasActed = ({ report }: Seen): boolean => report.events.some(({ verdict }) => verdict === 'act')

const protocolOf = ({ host }: Seen): 'tcp' | 'udp' => (host.probes[0]?.kind === 'udp' ? 'udp' : 'tcp')

/** Whether BLOCK_* of a host's protocol is 1, so that everything that is configured should be done. */
export const isToBeBlocked =
  ({ block }: Expectation) =>
  (seen: Seen): boolean =>
    block[protocolOf(seen)] === 1

/** Which of these scans nobody is to be cut off after, and why, to follow another clause; '' if there are none. */
export const unblockedText = (attackers: readonly Seen[], expected: Expectation): string => {
  const protocols = new Set(
    attackers.filter((seen) => !isToBeBlocked(expected)(seen)).map((seen) => protocolOf(seen)),
  )
  return [...protocols]
    .map((protocol) => {
      const name = protocol.toUpperCase()
      return `; not expected after ${name} scans, as ${expected.confPath} has BLOCK_${name}="${expected.block[protocol]}"`
    })
    .join('')
}

export const isRouted = ({ report }: Seen): boolean =>
  report.events.some(({ outcomes }) => outcomes.some(({ action }) => action.option === 'KILL_ROUTE'))

/** Whether portsentry should only log scans. */
export const onlyLogs = ({ block }: Expectation): boolean => block.tcp === 0 && block.udp === 0
export const ONLY_LOGS = 'BLOCK_TCP and BLOCK_UDP are 0'
