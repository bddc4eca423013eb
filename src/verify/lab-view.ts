import type { HostReport, LabReport } from '../host/lab/report.ts'
import type { LabHost, LabSpecification, Role } from '../host/lab/specification.ts'

/** What is configured, as far as it decides what the lab should show. */
export interface Expectation {
  /** What each protocol's BLOCK_* says: 1 blocks, 2 runs KILL_RUN_CMD only, 0 tells and does nothing. */
  readonly block: { readonly tcp: number; readonly udp: number }
  readonly hasKillRoute: boolean
  readonly hasHostsDeny: boolean
  /** Whether the portsentry jail should ban. */
  readonly jailBans: boolean
  readonly confPath: string
  readonly ignorePath: string
  readonly jailPath: string
  /** Whether this portsentry reads packets behind the firewall (1.2), and not on the wire. */
  readonly isBehindFirewall: boolean
}

export interface Seen {
  readonly host: LabHost
  readonly report: HostReport
}

/** What the hosts of a role did and met. */
export const hostsOf = ({ hosts }: LabSpecification, report: LabReport, role: Role): Seen[] =>
  hosts.flatMap((host) => {
    const seen = report.hosts[host.name]
    return host.role === role && seen !== undefined ? [{ host, report: seen }] : []
  })

const answeredBefore = ({ before }: HostReport): string[] =>
  Object.keys(before).filter((port) => before[port] === 'answered')

/** The port by which it shows whether a host gets through: one that answered it at first. */
export const testPort = ({ report }: Seen): string | undefined => answeredBefore(report)[0]

export const getsThrough = (seen: Seen): boolean => {
  const port = testPort(seen)
  return port !== undefined && seen.report.after[port] === 'answered'
}

export const isNoticed = ({ report }: Seen): boolean => report.noticed
export const hasActed = ({ report }: Seen): boolean => report.events.some(({ verdict }) => verdict === 'act')

export const isRouted = ({ report }: Seen): boolean =>
  report.events.some(({ outcomes }) => outcomes.some(({ action }) => action.option === 'KILL_ROUTE'))

/** Whether portsentry is to tell only, and do nothing. */
export const onlyTells = ({ block }: Expectation): boolean => block.tcp === 0 && block.udp === 0
export const ONLY_TELLS = 'BLOCK_TCP and BLOCK_UDP are 0'
