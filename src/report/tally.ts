import { createBoundedTable } from '../detector/bounded-table.ts'
import type { HistoryEvent } from '../detector/history-reader.ts'
import type { BanRecord } from '../facts/ban-records.ts'
import { formatCidr, networkOf, parseAddress } from '../network.ts'
import { clip, readableBytes } from '../readable.ts'
import { createBanTally } from './ban-tally.ts'
import { createBuckets, type LocalClock } from './buckets.ts'
import { mergeOffenders } from './offenders.ts'
import type { Interval, Report } from './report.ts'
import { createTopTable } from './top-table.ts'

/** How many hosts, and pairs of a host and what it did, are told apart: about 20 MB each, which are taken as they are needed. */
const MOST_HOSTS = 2 ** 19
/** How many entries of each list are counted, and how many are reported. */
const ROOM = 10_000
const MOST = 50
/** The daemon has a dozen; a damaged file may have anything. */
const MOST_TYPES = 64
const LONGEST_TYPE = 80
/** What separates two scans of one host: see policy/banned. */
const PAUSE_S = 600

export interface Options {
  readonly sinceMs: number
  readonly untilMs: number
  /** Makes the hash unpredictable to those who send packets. */
  readonly seed: number
  readonly local: LocalClock
  /** The name of a port; null if it has none. */
  readonly serviceOf: (port: number, protocol: 'tcp' | 'udp') => string | null
  readonly bound?: number
}

export interface Tally {
  /** Records in the order of the history. Those outside the period are passed over. */
  readonly addRecord: (event: HistoryEvent) => void
  readonly addBan: (ban: BanRecord) => void
  readonly finish: () => Report
}

interface Times {
  firstMs: number
  lastMs: number
}

const notYet = (): Times => ({ firstMs: Number.POSITIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY })

const extend = (times: Times, timeMs: number): void => {
  times.firstMs = Math.min(times.firstMs, timeMs)
  times.lastMs = Math.max(times.lastMs, timeMs)
}

/** How many keys there were, of a table that may have forgotten the oldest of them and count these again. */
const createDistinct = (bound: number, longest: number, seed: number) => {
  const table = createBoundedTable({ bound, longest, seed })
  let count = 0
  return {
    /** The value of a key, which becomes `value`; 0 if it is new. */
    exchange: (key: readonly number[], value: number): number => {
      const before = table.get(key)
      table.set(key, value)
      if (before === 0) count += 1
      return before
    },
    count: () => count,
    isExact: () => count <= bound,
  }
}

const networkAround = (bytes: readonly number[]): string =>
  formatCidr(networkOf({ bytes, prefix: bytes.length === 4 ? 24 : 48 }))

/** 1.2 does not record what kind of packet it was. */
const typeOf = ({ scan, protocol }: HistoryEvent): string =>
  scan === null
    ? `${protocol.toUpperCase()} scan, kind not recorded`
    : clip(readableBytes(scan), LONGEST_TYPE)

/** Counts what happened in a period, in one pass. */
export const createTally = (options: Options): Tally => {
  const { sinceMs, untilMs, seed, local, serviceOf, bound = MOST_HOSTS } = options
  const { unit, starts, indexOf } = createBuckets(sinceMs, untilMs, local)
  const zeros = () => new Float64Array(starts.length)
  const [scansAt, newHostsAt, bansAt] = [zeros(), zeros(), zeros()]
  const hosts = createDistinct(bound, 16, seed)
  const pairs = createDistinct(bound, 19, seed)
  /** By port, TCP's first. */
  const [portRecords, portHosts] = [new Float64Array(2 * 65_536), new Float64Array(2 * 65_536)]
  const byHost = createTopTable(ROOM, notYet)
  const byNetwork = createTopTable(ROOM, () => ({ scans: 0 }))
  const byType = createTopTable(MOST_TYPES, () => ({ records: 0, code: 0 }))
  const byIgnored = createTopTable(ROOM, notYet)
  const bans = createBanTally({ room: ROOM, untilMs })
  const span = notYet()
  const totals = { records: 0, scans: 0, ignored: 0, belowTrigger: 0 }
  let types = 0

  const isInside = (timeMs: number): boolean => timeMs >= sinceMs && timeMs < untilMs

  const addScan = (event: HistoryEvent, bytes: readonly number[], isNewHost: boolean): void => {
    const { timeMs } = event
    const at = indexOf(timeMs)
    totals.scans += 1
    scansAt[at] = (scansAt[at] as number) + 1
    byHost.entry(event.host).count += 1
    const network = byNetwork.entry(networkAround(bytes))
    network.detail.scans += 1
    if (!isNewHost) return
    network.count += 1
    newHostsAt[at] = (newHostsAt[at] as number) + 1
  }

  const addCounted = (event: HistoryEvent): void => {
    const { timeMs, host, port, protocol } = event
    const bytes = parseAddress(host) ?? []
    totals.records += 1
    extend(span, timeMs)
    const second = 1 + Math.floor((timeMs - sinceMs) / 1000)
    const before = hosts.exchange(bytes, second)
    if (before === 0 || Math.abs(second - before) > PAUSE_S) addScan(event, bytes, before === 0)
    extend(byHost.entry(host).detail, timeMs)
    const protocolIndex = protocol === 'tcp' ? 0 : 1
    const portIndex = protocolIndex * 65_536 + port
    portRecords[portIndex] = (portRecords[portIndex] as number) + 1
    if (pairs.exchange([...bytes, protocolIndex, port >> 8, port & 255], 1) === 0)
      portHosts[portIndex] = (portHosts[portIndex] as number) + 1
    const type = byType.entry(typeOf(event))
    type.detail.records += 1
    if (type.detail.code === 0) type.detail.code = types = (types + 1) & 0xffff
    if (pairs.exchange([...bytes, 2, type.detail.code >> 8, type.detail.code & 255], 1) === 0) type.count += 1
  }

  const addRecord = (event: HistoryEvent): void => {
    if (!isInside(event.timeMs)) return
    if (event.isCounted) addCounted(event)
    else if (event.isIgnored) {
      totals.ignored += 1
      const entry = byIgnored.entry(event.host)
      entry.count += 1
      extend(entry.detail, event.timeMs)
    } else totals.belowTrigger += 1
  }

  const addBan = (ban: BanRecord): void => {
    bans.addCurrent(ban)
    if (!isInside(ban.sinceMs)) return
    bans.add(ban)
    const at = indexOf(ban.sinceMs)
    bansAt[at] = (bansAt[at] as number) + 1
  }

  const portsReported = (): Pick<Report, 'ports'> & { portCount: number } => {
    const used = [...portRecords.keys()].filter((index) => portRecords[index] !== 0)
    const [hostsOf, recordsOf] = [
      (index: number) => portHosts[index] as number,
      (index: number) => portRecords[index] as number,
    ]
    used.sort((a, b) => hostsOf(b) - hostsOf(a) || recordsOf(b) - recordsOf(a) || a - b)
    const ports = used.slice(0, MOST).map((index) => {
      const [port, protocol] = [index & 0xffff, index < 65_536 ? ('tcp' as const) : ('udp' as const)]
      const [portHostCount, records] = [hostsOf(index), recordsOf(index)]
      return { port, protocol, service: serviceOf(port, protocol), hosts: portHostCount, records }
    })
    return { ports, portCount: used.length }
  }

  const finish = (): Report => {
    const { ports, portCount } = portsReported()
    const timeline = starts.map(
      (startMs, index): Interval => ({
        startMs: Math.max(startMs, sinceMs),
        endMs: starts[index + 1] ?? untilMs,
        scans: scansAt[index] as number,
        newHosts: newHostsAt[index] as number,
        bans: bansAt[index] as number,
      }),
    )
    const isEmpty = totals.records === 0
    return {
      ...{ sinceMs, untilMs, unit, timeline, ports },
      totals: {
        ...totals,
        hosts: hosts.count(),
        ports: portCount,
        bans: bans.count(),
        bannedHosts: bans.current(),
        firstMs: isEmpty ? null : span.firstMs,
        lastMs: isEmpty ? null : span.lastMs,
      },
      networks: byNetwork
        .top(ROOM)
        .sort((a, b) => b.count - a.count || b.detail.scans - a.detail.scans)
        .slice(0, MOST)
        .map(({ key, count, missed, detail }) => ({
          network: key,
          hosts: { count, missed },
          scans: detail.scans,
        })),
      types: byType
        .top(MOST_TYPES)
        .sort((a, b) => b.count - a.count || b.detail.records - a.detail.records)
        .map(({ key, count, detail }) => ({ type: key, hosts: count, records: detail.records })),
      banLengths: bans.lengths(),
      offenders: mergeOffenders(byHost.top(ROOM), bans.hosts(), MOST),
      ignoredHosts: byIgnored.top(MOST).map(({ key, count, missed, detail }) => {
        return { address: key, records: { count, missed }, lastMs: detail.lastMs }
      }),
      isExact: hosts.isExact() && pairs.isExact(),
    }
  }

  return { addRecord, addBan, finish }
}
