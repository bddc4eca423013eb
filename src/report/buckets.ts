import type { LocalTime } from '../time.ts'

export type Unit = 'hour' | 'day' | 'week'

/** The local time of a moment: see system/clock. */
export type LocalClock = (timeMs: number) => LocalTime

/** A period divided into local hours, days or weeks. */
export interface Buckets {
  readonly unit: Unit
  /** Where each begins: the first one at or before the period's begin. Ascending. */
  readonly starts: readonly number[]
  /** The index of the bucket with a moment of the period. */
  readonly indexOf: (timeMs: number) => number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS
/** 1970-01-01 was a Thursday, the fourth day of a week that begins on Monday. */
const WEEKDAY_OF_1970 = 3

const SIZE_MS: Record<Unit, number> = { hour: HOUR_MS, day: DAY_MS, week: WEEK_MS }

/** Few enough to see each, enough to see a rhythm. */
const [MOST_HOURS_MS, MOST_DAYS_MS] = [3 * DAY_MS, 92 * DAY_MS]

export const unitFor = (spanMs: number): Unit =>
  spanMs <= MOST_HOURS_MS ? 'hour' : spanMs <= MOST_DAYS_MS ? 'day' : 'week'

/**
 * Where the local hour, day or week of a moment begins. An hour that a change of the clock repeats is two hours; a day with such
 * a change has 23 or 25 of them.
 */
const startOf = (timeMs: number, unit: Unit, local: LocalClock): number => {
  const offsetMs = (ms: number) => local(ms).offsetMinutes * 60_000
  const here = timeMs + offsetMs(timeMs)
  if (unit === 'hour') return Math.floor(here / HOUR_MS) * HOUR_MS - offsetMs(timeMs)
  const day = Math.floor(here / DAY_MS)
  const first = (unit === 'day' ? day : day - ((day + WEEKDAY_OF_1970) % 7)) * DAY_MS
  // The clock may have been changed since then.
  return first - offsetMs(first - offsetMs(timeMs))
}

export const createBuckets = (sinceMs: number, untilMs: number, local: LocalClock): Buckets => {
  const unit = unitFor(untilMs - sinceMs)
  const starts: number[] = []
  // Half a bucket more leads into the next one, however long this one is.
  const step = SIZE_MS[unit] + Math.min(SIZE_MS[unit], DAY_MS) / 2
  for (let start = startOf(sinceMs, unit, local); start < untilMs; start = startOf(start + step, unit, local))
    starts.push(start)
  const indexOf = (timeMs: number): number => {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] as number) <= timeMs) low = middle
      else high = middle - 1
    }
    return low
  }
  return { unit, starts, indexOf }
}
