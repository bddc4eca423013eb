import { type Network, parseNetwork } from '../network.ts'

/** Where a ban can be stored. The stores know nothing of each other. */
export type BanStore = 'fail2ban' | 'blocked-file' | 'hosts.deny' | 'firewall'

/** What one store has of a ban; null: it does not tell. */
export interface StoredBan {
  /** In canonical text. */
  readonly address: string
  /** Where in the store: a chain, a set, a file. */
  readonly detail: string
  readonly sinceMs: number | null
  /** When the store ends it by itself; null: never, as far as it knows. */
  readonly untilMs: number | null
  readonly port: number | null
  readonly protocol: 'tcp' | 'udp' | null
  /** Of the daemon that detected the host. */
  readonly mode: string | null
}

export interface StoreReading {
  readonly store: BanStore
  /** `incomplete`: it may have bans beside these that could not be read; `absent`: there is no such store here. */
  readonly state: 'read' | 'incomplete' | 'absent'
  readonly bans: readonly StoredBan[]
  /** Whether this server is configured so that every ban should be here: else none is missing. */
  readonly isExpected: boolean
  /** Why it could not be read, or what else there is to say of it; '' for nothing. */
  readonly note: string
}

/** A scan that counted against a host, as the history has it. */
export interface Scan {
  readonly timeMs: number
  readonly host: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** The scan's type in the daemon's words; null where it does not tell. */
  readonly scan: string | null
}

/** One banned address: since when, until when, why, where, and where it is missing. */
export interface BanRow {
  readonly address: string
  readonly sinceMs: number | null
  /** When fail2ban ends it; null: it could not be asked. */
  readonly untilMs: number | 'permanent' | null
  /** What began it. `by hand`: nothing shows that portsentry detected the host; `unknown`: not all could be read. */
  readonly source: 'portsentry' | 'by hand' | 'unknown'
  readonly mode: string | null
  readonly port: number | null
  readonly protocol: 'tcp' | 'udp' | null
  readonly reason: string | null
  readonly where: readonly (Omit<StoredBan, 'address'> & { readonly store: BanStore })[]
  /** Stores that should have it, and do not. */
  readonly missing: readonly BanStore[]
  /** The entry that protects the address from being banned at all; null: none. */
  readonly protectedBy: string | null
}

/** What separates two scans of one host: fail2ban's own findtime by default. */
const BURST_MS = 600_000
/** fail2ban tells whole seconds, and portsentry 1.2 does. */
const ROUNDING_MS = 1000

export const storesIn = (
  readings: readonly StoreReading[],
  state: StoreReading['state'],
): readonly BanStore[] => readings.filter((reading) => reading.state === state).map(({ store }) => store)

/**
 * The scan behind a ban that began then: of those in the minutes before it the first, since that one tripped the
 * daemon. Where there is none, the latest before it; where no store tells when the ban began, the first of the last burst.
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

/** When the present ban began: fail2ban's word counts, else the latest. A blocked file may still have an earlier ban. */
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
  // Hosts that fail2ban is told to ban get into hosts.deny as well.
  const showsScan = (store: BanStore) =>
    store === 'blocked-file' ||
    (store === 'hosts.deny' && jailed === undefined && !incomplete.includes('fail2ban'))
  const isDetected = cause !== undefined || where.some(({ store }) => showsScan(store))
  const isAllRead = scans !== null && incomplete.length === 0
  const source = isDetected ? 'portsentry' : isAllRead ? 'by hand' : 'unknown'
  // What is older says where a ban came from, but belongs to an earlier one.
  const isOfThisBan = (timeMs: number | null | undefined): timeMs is number =>
    typeof timeMs === 'number' && (began === null || timeMs >= began - BURST_MS)
  const times = [...where.map(({ sinceMs }) => sinceMs), cause?.timeMs].filter(isOfThisBan)
  const recorded = where.find(
    ({ port, sinceMs }) => port !== null && (sinceMs === null || isOfThisBan(sinceMs)),
  )
  // fail2ban's word counts; where it has not banned the host (yet), the firewall may know the end.
  const ending = jailed ?? where.find(({ untilMs }) => untilMs !== null)
  // A rule of the admin's in the firewall is not a ban of portward's: nothing else should have it.
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

/** Those without a time come last. */
const bySince = (a: BanRow, b: BanRow): number =>
  (a.sinceMs ?? Number.MAX_SAFE_INTEGER) - (b.sinceMs ?? Number.MAX_SAFE_INTEGER)

/**
 * Every banned address, once, the longest banned first. `scans` are those that counted, in order of time, null where the
 * history could not be read; `protectedBy` names the entry that protects a host, or null. Pure.
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
      // portsentry's list of hosts that it does no more about keeps nobody out.
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
