import type { Scan } from './banned.ts'

/** A summary of the scans of a week. */
export interface ScanSummary {
  /** Hosts with a scan that counted in the last seven days. */
  readonly hostsThisWeek: number
  /** The latest first. */
  readonly lastScans: readonly Scan[]
  /** Ports by how many hosts scanned them; the most scanned first. */
  readonly ports: readonly {
    readonly port: number
    readonly protocol: 'tcp' | 'udp'
    readonly hosts: number
  }[]
  /** Time of the first scan in the history; null if it has none. */
  readonly sinceMs: number | null
}

const WEEK_MS = 7 * 24 * 3_600_000

/** Counts hosts, not packets: one host that scans a port many times counts once. */
const countPorts = (scans: readonly Scan[]): ScanSummary['ports'] => {
  const hosts = new Map<string, Set<string>>()
  for (const { port, protocol, host } of scans) {
    const key = `${port}/${protocol}`
    hosts.set(key, (hosts.get(key) ?? new Set<string>()).add(host))
  }
  return [...hosts]
    .map(([key, { size }]) => ({
      port: Number.parseInt(key, 10),
      protocol: key.endsWith('tcp') ? ('tcp' as const) : ('udp' as const),
      hosts: size,
    }))
    .sort((a, b) => b.hosts - a.hosts || a.port - b.port || a.protocol.localeCompare(b.protocol))
}

/** `scans` are those that counted, in order of time; `most` limits each list. Pure. */
export const summarizeScans = (scans: readonly Scan[], nowMs: number, most: number): ScanSummary => {
  const recent = scans.filter(({ timeMs }) => timeMs > nowMs - WEEK_MS)
  return {
    hostsThisWeek: new Set(recent.map(({ host }) => host)).size,
    lastScans: scans.slice(-most).reverse(),
    ports: countPorts(scans).slice(0, most),
    sinceMs: scans[0]?.timeMs ?? null,
  }
}
