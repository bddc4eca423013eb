/** One fragment. `context` is what the caller wants back of the first one. */
export interface Fragment<T> {
  /** Fragments of one datagram have it in common. */
  readonly key: string
  readonly version: 4 | 6
  readonly timeMs: number
  /** In bytes, a multiple of 8. */
  readonly offset: number
  readonly hasMore: boolean
  /** What was captured of the payload, and how long it was on the wire. */
  readonly bytes: Uint8Array
  readonly wireLength: number
  readonly context: T
}

/** A datagram whose fragments have all come. */
interface Reassembled<T> {
  /** Its first bytes: as many as are kept, and known in spite of a capture that cuts packets short. */
  readonly head: Uint8Array
  readonly wireLength: number
  readonly first: T
}

export interface Reassembly<T> {
  /** The datagram where this fragment completes it; `malformed` where it is the end of a datagram's hopes. */
  add(fragment: Fragment<T>): Reassembled<T> | 'malformed' | null
  /** How many datagrams are not complete, and how many byte ranges are noted of the one that has most. */
  sizes(): { datagrams: number; ranges: number }
}

/** Enough for 60 bytes of TCP header behind as many of extension headers. */
const HEAD_LENGTH = 120
export const MAX_DATAGRAMS = 256
export const MAX_RANGES = 256
/** Linux's net.ipv4.ipfrag_time, counted from the fragment that came first. */
const LIFETIME_MS = 30_000
const MAX_LENGTH = 65_535

interface Range {
  readonly start: number
  end: number
}

interface Unfinished<T> {
  readonly since: number
  readonly head: Uint8Array
  /** Bytes of the head from here on were not captured. */
  knownEnd: number
  /** In order, and none overlapping another. */
  readonly ranges: Range[]
  received: number
  /** The highest end seen, and whether it is that of the datagram. */
  length: number
  hasLast: boolean
  first: T | null
}

const begin = <T>(since: number): Unfinished<T> => ({
  ...{ since, head: new Uint8Array(HEAD_LENGTH), knownEnd: HEAD_LENGTH, ranges: [] },
  ...{ received: 0, length: 0, hasLast: false, first: null },
})

/**
 * Notes a range as inet_frag_queue_insert() of Linux does: what lies within one run of fragments that came in
 * order is a duplicate; any other overlap is an attack. Runs that meet later on are not joined there either.
 */
const insertRange = (ranges: Range[], start: number, end: number): 'new' | 'duplicate' | 'overlap' => {
  const last = ranges.at(-1)
  if (last !== undefined && start === last.end) {
    last.end = end
    return 'new'
  }
  let place = ranges.length
  for (; place > 0; place--) {
    const range = ranges[place - 1]
    if (range === undefined || start >= range.end) break
    if (end > range.start) return start >= range.start && end <= range.end ? 'duplicate' : 'overlap'
  }
  ranges.splice(place, 0, { start, end })
  return 'new'
}

/** Checks an end against what is known of the datagram's length, as ip_frag_queue() of Linux does. */
const isEndPossible = <T>(its: Unfinished<T>, end: number, hasMore: boolean): boolean =>
  hasMore ? end <= its.length || !its.hasLast : end >= its.length && (!its.hasLast || end === its.length)

const keepHead = <T>(its: Unfinished<T>, { offset, bytes }: Fragment<T>, end: number): void => {
  if (offset >= HEAD_LENGTH) return
  const part = bytes.subarray(0, Math.min(bytes.length, end - offset, HEAD_LENGTH - offset))
  its.head.set(part, offset)
  if (offset + part.length < Math.min(end, HEAD_LENGTH))
    its.knownEnd = Math.min(its.knownEnd, offset + part.length)
}

/**
 * Puts fragmented datagrams together as Linux does, and keeps no more of them than their first bytes: at most 256
 * datagrams, of which the oldest goes, with 256 ranges each.
 */
export const createReassembly = <T>(): Reassembly<T> => {
  /** By key, the oldest first. */
  const unfinished = new Map<string, Unfinished<T>>()

  const expire = (nowMs: number): void => {
    for (const [key, { since }] of unfinished) {
      if (since + LIFETIME_MS > nowMs) return
      unfinished.delete(key)
    }
  }

  const find = (key: string, nowMs: number): Unfinished<T> => {
    expire(nowMs)
    const known = unfinished.get(key)
    // Times of a capture may go back, so that an old one hides behind a younger one.
    if (known !== undefined && known.since + LIFETIME_MS > nowMs) return known
    unfinished.delete(key)
    const created = begin<T>(nowMs)
    unfinished.set(key, created)
    if (unfinished.size > MAX_DATAGRAMS) unfinished.delete(unfinished.keys().next().value ?? '')
    return created
  }

  const drop = (key: string): 'malformed' => {
    unfinished.delete(key)
    return 'malformed'
  }

  const add = (fragment: Fragment<T>): Reassembled<T> | 'malformed' | null => {
    const { key, version, timeMs, offset, hasMore, wireLength } = fragment
    // All but the last have a multiple of 8 bytes: of IPv4 Linux takes what fits, of IPv6 it refuses the fragment.
    if (hasMore && version === 6 && wireLength % 8 !== 0) return 'malformed'
    const end = offset + (hasMore ? wireLength - (wireLength % 8) : wireLength)
    if (version === 6 && end > MAX_LENGTH) return 'malformed'
    const its = find(key, timeMs)
    if (!isEndPossible(its, end, hasMore) || end === offset || end > MAX_LENGTH) return drop(key)
    its.length = Math.max(its.length, end)
    its.hasLast ||= !hasMore
    const inserted = insertRange(its.ranges, offset, end)
    if (inserted === 'duplicate') return null
    if (inserted === 'overlap' || its.ranges.length > MAX_RANGES) return drop(key)
    its.received += end - offset
    if (offset === 0) its.first = fragment.context
    keepHead(its, fragment, end)
    if (!its.hasLast || its.first === null || its.received !== its.length) return null
    unfinished.delete(key)
    const head = its.head.subarray(0, Math.min(its.length, its.knownEnd))
    return { head, wireLength: its.length, first: its.first }
  }

  return {
    add,
    sizes: () => ({
      datagrams: unfinished.size,
      ranges: Math.max(0, ...[...unfinished.values()].map(({ ranges }) => ranges.length)),
    }),
  }
}
