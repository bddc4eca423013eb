import type { Address } from './packet.ts'

/** An address as a key of a map: IPv4 a signed 32-bit number, which needs the least memory; IPv6 its 16 bytes as a string. */
export const keyOf = (address: Address): number | string => {
  const [a = 0, b = 0, c = 0, d = 0] = address
  return address.length === 4 ? (a << 24) | (b << 16) | (c << 8) | d : String.fromCharCode(...address)
}

/** A map of at most `bound` entries: a new one evicts the oldest. */
export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined
  /** An existing key keeps its age. */
  set(key: Key, value: Value): void
  delete(key: Key): void
  clear(): void
  size(): number
}

export const createBoundedMap = <Key, Value>(bound: number): BoundedMap<Key, Value> => {
  const map = new Map<Key, Value>()
  // A new iterator would walk over all the holes that deleted entries leave at the front, so the same one is used for
  // all evictions. It must not be kept unused, though: it would retain every table that the map outgrows.
  let ages: ReturnType<typeof map.keys> | undefined
  return {
    get: (key) => map.get(key),
    set: (key, value) => {
      if (map.size >= bound && !map.has(key)) {
        ages ??= map.keys()
        map.delete(ages.next().value as Key)
      }
      map.set(key, value)
    },
    delete: (key) => {
      map.delete(key)
      ages = undefined
    },
    clear: () => {
      map.clear()
      ages = undefined
    },
    size: () => map.size,
  }
}
