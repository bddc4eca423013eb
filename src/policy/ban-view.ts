import { type Network, parseNetwork } from '../network.ts'

/** Where a ban can be. Each place keeps its bans by itself and knows nothing of the others. */
export type PlaceName = 'fail2ban' | 'blocked-file' | 'hosts.deny' | 'firewall'

/** What one place tells of a ban; null: it does not know. */
export interface PlacedBan {
  /** In canonical text. */
  readonly address: string
  /** Where in the place: a chain, a set, a file. */
  readonly where: string
  readonly sinceMs: number | null
  /** When the place lets go by itself; null: never, as far as it knows. */
  readonly untilMs: number | null
  readonly port: number | null
  readonly protocol: 'tcp' | 'udp' | null
  /** Of the daemon that noticed the host. */
  readonly mode: string | null
}

/** What a place holds, or why nobody could look. */
export interface PlaceReading {
  readonly place: PlaceName
  /** Null: it could not be looked at, and `remark` says why. */
  readonly bans: readonly PlacedBan[] | null
  /** Whether it may hold bans that could not be read, beside `bans`; where there is no such place, it does not. */
  readonly isUnknown?: boolean
  /** Whether this server is configured so that every ban should be here: else none is missing. */
  readonly isExpected: boolean
  /** What else there is to say of it; '' for nothing. */
  readonly remark: string
}

/** A scan that led to a ban, as the history has it. */
export interface Sighting {
  readonly timeMs: number
  readonly host: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** The scan's type in the daemon's words; null where it does not tell. */
  readonly scan: string | null
}

export interface BanRow {
  readonly address: string
  /** Who began it. `by hand`: nothing shows that portsentry ever noticed the host; `unknown`: not all of it could be read. */
  readonly source: 'portsentry' | 'by hand' | 'unknown'
  readonly mode: string | null
  readonly port: number | null
  readonly protocol: 'tcp' | 'udp' | null
  readonly reason: string | null
  readonly sinceMs: number | null
  /** When fail2ban lets go; null: it could not be asked. */
  readonly untilMs: number | 'for ever' | null
  readonly places: readonly (Omit<PlacedBan, 'address'> & { readonly place: PlaceName })[]
  /** Places that should have it, and have not. */
  readonly missing: readonly PlaceName[]
  /** Whose entry protects the address from being banned at all; null: none. */
  readonly protectedBy: string | null
}

/** What separates two scans of one host: fail2ban's own findtime by default. */
const BURST_MS = 600_000
/** fail2ban tells whole seconds, and portsentry 1.2 does. */
const ROUNDING_MS = 1000

/** Whether a place has been read to the end. */
export const isRead = ({ bans, isUnknown }: PlaceReading): boolean => bans !== null && isUnknown !== true

/** Places that may hold bans which could not be read. */
export const unreadPlaces = (readings: readonly PlaceReading[]): PlaceReading[] =>
  readings.filter(({ isUnknown }) => isUnknown === true)

/** The first scan of the last burst: whoever was banned, released and banned again has several. */
const beginOfLastBurst = (sightings: readonly Sighting[]): Sighting | undefined => {
  let first = sightings.at(-1)
  for (const sighting of [...sightings].reverse()) {
    if (first !== undefined && first.timeMs - sighting.timeMs > BURST_MS) break
    first = sighting
  }
  return first
}

/**
 * The scan behind a ban that began then: of those in the minutes before it the first, since that one tripped the
 * daemon. Where there is none, the latest before it; where no place tells when the ban began, the last burst's first.
 */
const findCause = (sightings: readonly Sighting[], sinceMs: number | null): Sighting | undefined => {
  if (sinceMs === null) return beginOfLastBurst(sightings)
  const before = sightings.filter(({ timeMs }) => timeMs <= sinceMs + ROUNDING_MS)
  return before.find(({ timeMs }) => timeMs >= sinceMs - BURST_MS) ?? before.at(-1)
}

/**
 * When the present ban began, as far as the places tell: fail2ban's word counts, else the latest. A blocked file may
 * still have the line of an earlier ban.
 */
const anchorOf = (places: readonly Place[], jailed: Place | undefined): number | null => {
  if (typeof jailed?.sinceMs === 'number') return jailed.sinceMs
  const times = places.flatMap(({ sinceMs }) => (sinceMs === null ? [] : [sinceMs]))
  return times.length === 0 ? null : Math.max(...times)
}

type Place = BanRow['places'][number]

/** An admin's own rule in the firewall is no ban of portward's: nothing else should have it. */
const isOwnRule = (places: readonly Place[], source: BanRow['source']): boolean =>
  source !== 'portsentry' && places.every(({ place }) => place === 'firewall')

/** fail2ban's word counts; whom it does not hold (yet), the firewall may know the end of. */
const untilOf = (places: readonly Place[]): number | null =>
  (places.find(({ place }) => place === 'fail2ban') ?? places.find(({ untilMs }) => untilMs !== null))
    ?.untilMs ?? null

const viewBan = (
  address: string,
  places: readonly Place[],
  readings: readonly PlaceReading[],
  sightings: readonly Sighting[] | null,
  protectedBy: string | null,
): BanRow => {
  const jailed = places.find(({ place }) => place === 'fail2ban')
  const anchor = anchorOf(places, jailed)
  const cause = findCause(sightings ?? [], anchor)
  const unread = new Set(unreadPlaces(readings).map(({ place }) => place))
  // Whom fail2ban is told to ban gets into hosts.deny as well.
  const tells = (place: PlaceName) =>
    place === 'blocked-file' || (place === 'hosts.deny' && jailed === undefined && !unread.has('fail2ban'))
  const isNoticed = cause !== undefined || places.some(({ place }) => tells(place))
  const isWhole = sightings !== null && unread.size === 0
  const source = isNoticed ? 'portsentry' : isWhole ? 'by hand' : 'unknown'
  // What is older says where a ban came from, but belongs to an earlier one.
  const isOfThisBan = (timeMs: number | null | undefined): timeMs is number =>
    typeof timeMs === 'number' && (anchor === null || timeMs >= anchor - BURST_MS)
  const times = [...places.map(({ sinceMs }) => sinceMs), cause?.timeMs].filter(isOfThisBan)
  const recorded = places.find(
    ({ port, sinceMs }) => port !== null && (sinceMs === null || isOfThisBan(sinceMs)),
  )
  const isAsked = readings.some(({ place, bans }) => place === 'fail2ban' && bans !== null)
  const has = new Set(places.map(({ place }) => place))
  const lacking = readings.filter(
    ({ place, bans, isExpected }) => isExpected && bans !== null && !has.has(place),
  )
  return {
    address,
    source,
    mode: places.find(({ mode }) => mode !== null)?.mode ?? null,
    port: cause?.port ?? recorded?.port ?? null,
    protocol: cause?.protocol ?? recorded?.protocol ?? null,
    reason: cause?.scan ?? null,
    sinceMs: times.length === 0 ? null : Math.min(...times),
    untilMs: isAsked ? (untilOf(places) ?? 'for ever') : null,
    places,
    missing: isOwnRule(places, source) ? [] : lacking.map(({ place }) => place),
    protectedBy,
  }
}

/** Those without a time come last. */
const bySince = (a: BanRow, b: BanRow): number =>
  (a.sinceMs ?? Number.MAX_SAFE_INTEGER) - (b.sinceMs ?? Number.MAX_SAFE_INTEGER)

/**
 * Every address that some place bans, once, the longest banned first. `sightings` are the scans that counted, in
 * order of time, null where the history could not be read; `protectedBy` names the entry that protects a host, or null. Pure.
 */
export const viewBans = (
  readings: readonly PlaceReading[],
  sightings: readonly Sighting[] | null,
  protectedBy: (host: Network) => string | null,
): BanRow[] => {
  const byAddress = new Map<string, Place[]>()
  for (const { place, bans } of readings) {
    for (const { address, ...ban } of bans ?? []) {
      const places = byAddress.get(address) ?? []
      places.push({ place, ...ban })
      byAddress.set(address, places)
    }
  }
  const seen = new Map<string, Sighting[]>()
  for (const sighting of sightings ?? []) {
    const list = seen.get(sighting.host) ?? []
    list.push(sighting)
    seen.set(sighting.host, list)
  }
  return (
    [...byAddress]
      // portsentry's list of hosts that it does no more about keeps nobody out.
      .filter(([, places]) => places.some(({ place }) => place !== 'blocked-file'))
      .map(([address, places]) => {
        const host = parseNetwork(address)
        const protector = host === null ? null : protectedBy(host)
        return viewBan(address, places, readings, sightings && (seen.get(address) ?? []), protector)
      })
      .sort(bySince)
  )
}
