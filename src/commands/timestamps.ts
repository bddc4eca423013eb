import { offsetMinutesAt } from '../system/clock.ts'

/** The last one that was formatted: events come many in the same second. */
let last = { seconds: Number.NaN, text: '' }

/** `2026-11-21 19:26:56` in the local time zone; `?` if the time is unknown. */
export const formatTimestamp = (timeMs: number | null): string => {
  if (timeMs === null) return '?'
  const seconds = Math.floor(timeMs / 1000)
  if (seconds !== last.seconds) {
    const text = new Date(timeMs + offsetMinutesAt(timeMs) * 60_000).toISOString()
    last = { seconds, text: `${text.slice(0, 10)} ${text.slice(11, 19)}` }
  }
  return last.text
}

/** The same for programs, in UTC. */
export const isoTimestamp = (timeMs: number | null): string | null =>
  timeMs === null ? null : new Date(timeMs).toISOString()
