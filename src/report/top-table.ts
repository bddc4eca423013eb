/** What is known of one key of many. */
export interface TopEntry<Detail> {
  readonly key: string
  /** How often it was counted since it is in the table. */
  count: number
  /** How often it may have been counted before, at most: 0 where `count` is exact. */
  readonly missed: number
  readonly detail: Detail
}

/** Those of any number of keys that are counted most often. */
export interface TopTable<Detail> {
  /** The entry of a key, whose count the caller raises. */
  readonly entry: (key: string) => TopEntry<Detail>
  /** The highest counts first, equal ones by key. */
  readonly top: (most: number) => TopEntry<Detail>[]
}

/**
 * A table of at most `room` entries. When it is full, half of them go, those with the lowest counts, and every later entry says
 * that its key may have been counted as often as the highest of these before. So a key that is counted more often than any
 * that went is always in the table, and its count is between `count` and `count + missed`.
 */
export const createTopTable = <Detail>(room: number, fresh: () => Detail): TopTable<Detail> => {
  const entries = new Map<string, TopEntry<Detail>>()
  let missed = 0
  const mostOf = (entry: TopEntry<Detail>): number => entry.count + entry.missed
  const makeRoom = (): void => {
    const counts = Float64Array.from(entries.values(), mostOf).sort()
    const half = counts.length >> 1
    const limit = counts[half] as number
    let left = half
    for (const [key, entry] of entries) {
      if (left === 0) break
      if (mostOf(entry) > limit) continue
      entries.delete(key)
      missed = Math.max(missed, mostOf(entry))
      left -= 1
    }
  }
  return {
    entry: (key) => {
      const known = entries.get(key)
      if (known !== undefined) return known
      if (entries.size >= room) makeRoom()
      // A part of a longer text would keep all of that in memory.
      const own = Buffer.from(key).toString()
      const entry = { key: own, count: 0, missed, detail: fresh() }
      entries.set(own, entry)
      return entry
    },
    top: (most) =>
      [...entries.values()].sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1)).slice(0, most),
  }
}
