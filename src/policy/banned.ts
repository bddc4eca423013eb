import { type Network, parseNetwork } from '../network.ts'

/** Where a ban can be stored. The stores are independent of each other. */
export type BanStore = 'fail2ban' | 'blocked-file' | 'hosts.deny' | 'firewall'

/** One store's record of a ban; null: unknown to the store. */
export interface StoredBan {
  /** In canonical text. */
  readonly address: string
  /** Where in the store: a chain, a set, a file. */
  readonly detail: string
  readonly sinceMs: number | null
  /** When the store itself ends the ban; null: never. */
  readonly untilMs: number | null
  readonly port: number | null
  readonly protocol: 'tcp' | 'udp' | null
  /** The mode of the daemon that detected the host. */
  readonly mode: string | null
}

export interface StoreReading {
  readonly store: BanStore
  /** `incomplete`: there may be more bans that could not be read; `absent`: this store does not exist here. */
  readonly state: 'read' | 'incomplete' | 'absent'
  readonly bans: readonly StoredBan[]
  /** Whether this server is configured so that every ban should be in this store. */
  readonly isExpected: boolean
  /** Why it could not be read, or another remark; '' for none. */
  readonly note: string
}

/** A scan that counted against a host, as the history has it. */
export interface Scan {
  readonly timeMs: number
  readonly host: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** The scan's type in the daemon's words; null if the history does not have it. */
  readonly scan: string | null
}

/** One banned address: since when, until when, why, where, and where it is missing. */
export interface BanRow {
  readonly address: string
  readonly sinceMs: number | null
  /** When fail2ban ends it; null: fail2ban could not be asked. */
  readonly untilMs: number | 'permanent' | null
  /** What caused it. `by hand`: no sign that portsentry detected the host; `unknown`: not everything could be read. */
  readonly source: 'portsentry' | 'by hand' | 'unknown'
  readonly mode: string | null
  readonly port: number | null
  readonly protocol: 'tcp' | 'udp' | null
  readonly reason: string | null
  readonly where: readonly (Omit<StoredBan, 'address'> & { readonly store: BanStore })[]
  /** Stores that should have it, but do not. */
  readonly missing: readonly BanStore[]
  /** The entry that protects the address from being banned; null: none. */
  readonly protectedBy: string | null
}

/** What separates two scans of one host: fail2ban's own findtime by default. */
const BURST_MS = 600_000
/** fail2ban and portsentry 1.2 record whole seconds. */
const ROUNDING_MS = 1000

export const storesIn = (
  readings: readonly StoreReading[],
  state: StoreReading['state'],
): readonly BanStore[] => readings.filter((reading) => reading.state === state).map(({ store }) => store)

/**
 * The scan that caused a ban: the first one in the ten minutes before the ban began, since the daemon reacted to that one;
 * else the latest before it. If no store knows when the ban began, the first scan of the last burst.
 */
const findCause = (scans: readonly Scan[], sinceMs: number | null): Scan | undefined => {
  if (sinceMs === null) {
    const gap = scans.findLastIndex((scan, index) => scan.timeMs - (scans[index - 1]?.timeMs ?? 0) > BURST_MS)
    return scans[Math.max(gap, 0)]
  }
  const before = scans.filter(({ timeMs }) => timeMs <= sinceMs + ROUNDING_MS)
  return before.find(({ timeMs }) => timeMs >= sinceMs - BURST_MS) ?? before.at(-1)
}

type Where = BanRow['where']

/** When the present ban began: fail2ban's time, else the latest. A blocked file may still have an earlier ban. */
const beginOf = (where: Where, jailed: Where[number] | undefined): number | null => {
  if (typeof jailed?.sinceMs === 'number') return jailed.sinceMs
  const times = where.flatMap(({ sinceMs }) => sinceMs ?? [])
  return times.length === 0 ? null : Math.max(...times)
}

const judgeBan = (
  address: string,
  where: Where,
  readings: readonly StoreReading[],
  scans: readonly Scan[] | null,
  protectedBy: string | null,
): BanRow => {
  const jailed = where.find(({ store }) => store === 'fail2ban')
  const began = beginOf(where, jailed)
  const cause = findCause(scans ?? [], began)
  const incomplete = storesIn(readings, 'incomplete')
  // Bans made with fail2ban-client get into hosts.deny as well.
  const showsScan = (store: BanStore) =>
    store === 'blocked-file' ||
    (store === 'hosts.deny' && jailed === undefined && !incomplete.includes('fail2ban'))
  const isDetected = cause !== undefined || where.some(({ store }) => showsScan(store))
  const isAllRead = scans !== null && incomplete.length === 0
  const source = isDetected ? 'portsentry' : isAllRead ? 'by hand' : 'unknown'
  // Older records belong to an earlier ban of the same host.
  const isOfThisBan = (timeMs: number | null | undefined): timeMs is number =>
    typeof timeMs === 'number' && (began === null || timeMs >= began - BURST_MS)
  const times = [...where.map(({ sinceMs }) => sinceMs), cause?.timeMs].filter(isOfThisBan)
  const recorded = where.find(
    ({ port, sinceMs }) => port !== null && (sinceMs === null || isOfThisBan(sinceMs)),
  )
  // fail2ban decides; if it has not banned the host (yet), the firewall may have a timeout.
  const ending = jailed ?? where.find(({ untilMs }) => untilMs !== null)
  // An admin's firewall rule is not a ban by portward: other stores should not have it.
  const isRule = source !== 'portsentry' && where.every(({ store }) => store === 'firewall')
  const lacking = readings.filter(
    ({ store, isExpected }) => isExpected && !where.some((one) => one.store === store),
  )
  return {
    address,
    sinceMs: times.length === 0 ? null : Math.min(...times),
    untilMs: storesIn(readings, 'read').includes('fail2ban') ? (ending?.untilMs ?? 'permanent') : null,
    source,
    mode: where.find(({ mode }) => mode !== null)?.mode ?? null,
    port: cause?.port ?? recorded?.port ?? null,
    protocol: cause?.protocol ?? recorded?.protocol ?? null,
    reason: cause?.scan ?? null,
    where,
    missing: isRule ? [] : lacking.map(({ store }) => store),
    protectedBy,
  }
}

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

/** Rows without a time come last. */
const bySince = (a: BanRow, b: BanRow): number =>
  (a.sinceMs ?? Number.MAX_SAFE_INTEGER) - (b.sinceMs ?? Number.MAX_SAFE_INTEGER)

/**
 * Every banned address, once, the longest banned first. `scans` are those that counted, in order of time, null if the
 * history could not be read; `protectedBy` returns the entry that protects a host, or null. Pure.
 */
export const judgeBans = (
  readings: readonly StoreReading[],
  scans: readonly Scan[] | null,
  protectedBy: (host: Network) => string | null,
): BanRow[] => {
  const stored = readings.flatMap(({ store, bans }) => bans.map((ban) => ({ store, ...ban })))
  const byAddress = groupBy(stored, ({ address }) => address)
  const byHost = groupBy(scans ?? [], ({ host }) => host)
  return (
    [...byAddress]
      // A host only in portsentry's list of blocked hosts is not kept out by it.
      .filter(([, bans]) => bans.some(({ store }) => store !== 'blocked-file'))
      .map(([address, bans]) => {
        const host = parseNetwork(address)
        const where = bans.map(({ address: _, ...ban }) => ban)
        const protector = host === null ? null : protectedBy(host)
        return judgeBan(address, where, readings, scans && (byHost.get(address) ?? []), protector)
      })
      .sort(bySince)
  )
}
