import { offsetMinutesAt } from '../system/clock.ts'

/** `2026-11-21 19:26:56` in the local time zone; `?` if the time is unknown. */
export const formatTimestamp = (timeMs: number | null): string => {
  if (timeMs === null) return '?'
  const text = new Date(timeMs + offsetMinutesAt(timeMs) * 60_000).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 19)}`
}

/** The same for programs, in UTC. */
export const isoTimestamp = (timeMs: number | null): string | null =>
  timeMs === null ? null : new Date(timeMs).toISOString()
