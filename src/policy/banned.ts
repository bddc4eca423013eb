import type { BanNote } from '../facts/fail2ban.ts'

/** Where a ban can be stored. The stores are independent of each other. */
export type BanStore = 'fail2ban' | 'blocked-file' | 'hosts.deny' | 'firewall'

/** One store's record of a ban; null: unknown to the store. */
export interface StoredBan {
  readonly store: BanStore
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
  /** What `portward ban` said when it made the ban; absent, or null, for all others. */
  readonly note?: BanNote | null
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
  readonly source: 'portsentry' | 'by hand' | 'another server' | 'unknown'
  /** The other server's name; null for all other sources. */
  readonly from: string | null
  readonly mode: string | null
  readonly port: number | null
  readonly protocol: 'tcp' | 'udp' | null
  readonly reason: string | null
  readonly where: readonly StoredBan[]
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

/** What holds for all bans of one look at the stores. */
interface Look {
  /** Stores that should have every ban. */
  readonly expected: readonly BanStore[]
  /** Stores that may have more bans than were read. */
  readonly incomplete: readonly BanStore[]
  readonly isJailRead: boolean
  readonly isAllRead: boolean
}

const judgeBan = (
  address: string,
  where: Where,
  scans: readonly Scan[],
  protectedBy: string | null,
  { expected, incomplete, isJailRead, isAllRead }: Look,
): BanRow => {
  const jailed = where.find(({ store }) => store === 'fail2ban')
  const began = beginOf(where, jailed)
  const note = jailed?.note ?? null
  // A scan before it may be part of an earlier ban.
  const cause = scans.length === 0 || note !== null ? undefined : findCause(scans, began)
  // Bans made with fail2ban-client get into hosts.deny as well.
  const showsScan = (store: BanStore) =>
    store === 'blocked-file' ||
    (store === 'hosts.deny' && jailed === undefined && !incomplete.includes('fail2ban'))
  const isDetected = cause !== undefined || where.some(({ store }) => showsScan(store))
  const judged = isDetected ? 'portsentry' : isAllRead ? 'by hand' : 'unknown'
  const source = note === null ? judged : note.from === null ? 'by hand' : 'another server'
  // Older records belong to an earlier ban of the same host.
  const isOfThisBan = (timeMs: number): boolean => began === null || timeMs >= began - BURST_MS
  let first = cause !== undefined && isOfThisBan(cause.timeMs) ? cause.timeMs : Number.POSITIVE_INFINITY
  for (const { sinceMs } of where)
    if (sinceMs !== null && isOfThisBan(sinceMs)) first = Math.min(first, sinceMs)
  const recorded = where.find(
    ({ port, sinceMs }) => port !== null && (sinceMs === null || isOfThisBan(sinceMs)),
  )
  // fail2ban decides; if it has not banned the host (yet), the firewall may have a timeout.
  const ending = jailed ?? where.find(({ untilMs }) => untilMs !== null)
  // An admin's firewall rule is not a ban by portward: other stores should not have it.
  const isRule = source !== 'portsentry' && where.every(({ store }) => store === 'firewall')
  return {
    address,
    sinceMs: Number.isFinite(first) ? first : null,
    untilMs: isJailRead ? (ending?.untilMs ?? 'permanent') : null,
    source,
    from: note?.from ?? null,
    mode: where.find(({ mode }) => mode !== null)?.mode ?? null,
    port: cause?.port ?? recorded?.port ?? null,
    protocol: cause?.protocol ?? recorded?.protocol ?? null,
    reason: note === null ? (cause?.scan ?? null) : note.reason,
    where,
    missing: isRule ? [] : expected.filter((store) => !where.some((one) => one.store === store)),
    protectedBy,
  }
}

const addTo = <T>(groups: Map<string, T[]>, key: string, item: T): void => {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [item])
  else group.push(item)
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
  protectedBy: (address: string) => string | null,
): BanRow[] => {
  const incomplete = storesIn(readings, 'incomplete')
  const look: Look = {
    expected: readings.filter(({ isExpected }) => isExpected).map(({ store }) => store),
    incomplete,
    isJailRead: storesIn(readings, 'read').includes('fail2ban'),
    isAllRead: scans !== null && incomplete.length === 0,
  }
  const byAddress = new Map<string, StoredBan[]>()
  for (const { bans } of readings) for (const ban of bans) addTo(byAddress, ban.address, ban)
  const byHost = new Map<string, Scan[]>()
  for (const scan of scans ?? []) if (byAddress.has(scan.host)) addTo(byHost, scan.host, scan)
  const rows: BanRow[] = []
  for (const [address, where] of byAddress) {
    // A host only in portsentry's list of blocked hosts is not kept out by it.
    if (where.every(({ store }) => store === 'blocked-file')) continue
    rows.push(judgeBan(address, where, byHost.get(address) ?? [], protectedBy(address), look))
  }
  return rows.sort(bySince)
}
