/** Bytes: an address, or the endpoints of a connection. */
export type Key = readonly number[]

/** A positive number (31 bits) for each of at most `bound` keys: beyond it a new key takes the place of the oldest. */
export interface BoundedTable {
  /** 0 if the key is not there. */
  get(key: Key): number
  /** A known key keeps its age. */
  set(key: Key, value: number): void
  delete(key: Key): void
  clear(): void
  size(): number
}

interface Options {
  readonly bound: number
  /** The most bytes of a key. */
  readonly longest: number
  /** Makes it unpredictable which keys share a bucket, so that no sender of packets can choose them to. */
  readonly seed?: number
}

const INITIAL_CAPACITY = 64

/** Odd numbers that look random: one for each word of a key. The hash of a key is the upper bits of the sum of products. */
const createMultipliers = (count: number, seed: number): Int32Array => {
  let state = seed | 0
  return Int32Array.from({ length: count }, () => {
    state = (state + 0x9e37_79b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return (mixed ^ (mixed >>> 15)) | 1
  })
}

/** The words of an entry: the place of the next one in its bucket, its value (0: there is no entry here), its key. */
const NEXT = 0
const VALUE = 1
const KEY = 2

/**
 * A hash table in one typed array: 32 bytes for an address, side by side, and no object for the garbage collector to follow. The
 * entries are a ring in the order of their age, which grows until it has `bound` of them. A deleted one leaves its place empty
 * until the ring has come round: with deletions the oldest may go while there are fewer than `bound`.
 */
export const createBoundedTable = ({ bound, longest, seed = 0 }: Options): BoundedTable => {
  /** The length of a key and its bytes, four a word; and the words of an entry. */
  const keyWidth = 1 + Math.ceil(longest / 4)
  const width = KEY + keyWidth
  const multipliers = createMultipliers(keyWidth, seed)
  const wanted = new Int32Array(keyWidth)
  let capacity = 0
  let entries = new Int32Array(0)
  /** The first place of each bucket. Places are offsets in `entries` plus 1, so that 0 is none. */
  let buckets = new Int32Array(0)
  let shift = 0
  /** The offset of the next new entry. */
  let free = 0
  let size = 0

  const bucketOf = (words: Int32Array, start: number): number => {
    const used = 1 + (((words[start] as number) + 3) >> 2)
    let sum = 0
    for (let index = 0; index < used; index++)
      sum = (sum + Math.imul(words[start + index] as number, multipliers[index] as number)) | 0
    return sum >>> shift
  }

  const link = (entry: number, bucket: number): void => {
    entries[entry + NEXT] = buckets[bucket] as number
    buckets[bucket] = entry + 1
  }

  const resize = (to: number): void => {
    const old = entries
    capacity = to
    entries = new Int32Array(capacity * width)
    entries.set(old)
    const bits = Math.max(1, Math.ceil(Math.log2(capacity)))
    buckets = new Int32Array(2 ** bits)
    shift = 32 - bits
    for (let entry = 0; entry < free; entry += width)
      if (entries[entry + VALUE] !== 0) link(entry, bucketOf(entries, entry + KEY))
  }

  const isWanted = (start: number): boolean => {
    const used = 1 + (((wanted[0] as number) + 3) >> 2)
    for (let index = 0; index < used; index++) if (entries[start + index] !== wanted[index]) return false
    return true
  }

  /** Makes `wanted` the key, and returns its bucket. */
  const want = (key: Key): number => {
    wanted[0] = key.length
    for (let at = 0, index = 1; at < key.length; at += 4, index++)
      wanted[index] =
        ((key[at] as number) << 24) |
        ((key[at + 1] ?? 0) << 16) |
        ((key[at + 2] ?? 0) << 8) |
        (key[at + 3] ?? 0)
    return bucketOf(wanted, 0)
  }

  /** The offset of the wanted key's entry, or -1. */
  const find = (bucket: number): number => {
    let entry = (buckets[bucket] as number) - 1
    while (entry !== -1 && !isWanted(entry + KEY)) entry = (entries[entry + NEXT] as number) - 1
    return entry
  }

  const remove = (entry: number): void => {
    const bucket = bucketOf(entries, entry + KEY)
    const after = entries[entry + NEXT] as number
    if (buckets[bucket] === entry + 1) buckets[bucket] = after
    else {
      let before = (buckets[bucket] as number) - 1
      while (entries[before + NEXT] !== entry + 1) before = (entries[before + NEXT] as number) - 1
      entries[before + NEXT] = after
    }
    entries[entry + VALUE] = 0
    size -= 1
  }

  /** Enters the wanted key. */
  const enter = (bucket: number, value: number): void => {
    if (free === capacity * width && capacity < bound) {
      resize(Math.min(bound, capacity * 2))
      enter(bucketOf(wanted, 0), value)
      return
    }
    if (free === capacity * width) free = 0
    if (entries[free + VALUE] !== 0) remove(free)
    entries[free + VALUE] = value
    entries.set(wanted, free + KEY)
    link(free, bucket)
    free += width
    size += 1
  }

  const clear = (): void => {
    entries = new Int32Array(0)
    free = 0
    size = 0
    resize(Math.min(bound, INITIAL_CAPACITY))
  }
  clear()

  return {
    get: (key) => {
      const entry = find(want(key))
      return entry === -1 ? 0 : (entries[entry + VALUE] as number)
    },
    set: (key, value) => {
      const bucket = want(key)
      const entry = find(bucket)
      if (entry === -1) enter(bucket, value)
      else entries[entry + VALUE] = value
    },
    delete: (key) => {
      const entry = find(want(key))
      if (entry !== -1) remove(entry)
    },
    clear,
    size: () => size,
  }
}
