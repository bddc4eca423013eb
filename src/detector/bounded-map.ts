/** A map that never holds more than `bound` entries: where another one comes, the oldest goes. */
export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined
  /** A key that is there keeps its age. */
  set(key: Key, value: Value): void
  delete(key: Key): void
  clear(): void
  size(): number
}

export const createBoundedMap = <Key, Value>(bound: number): BoundedMap<Key, Value> => {
  const map = new Map<Key, Value>()
  // A fresh iterator would walk over all the holes that deleted entries leave at the front, so one goes on from
  // eviction to eviction. It may not lie idle, though: it would hold every table that the map outgrows meanwhile.
  let ages: ReturnType<typeof map.keys> | undefined
  const makeRoom = () => {
    ages ??= map.keys()
    const oldest = ages.next()
    if (!oldest.done) map.delete(oldest.value)
  }
  return {
    get: (key) => map.get(key),
    set: (key, value) => {
      if (map.size >= bound && !map.has(key)) makeRoom()
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
