import { localTime } from '../system/clock.ts'

/** `2026-11-21 19:26:56` in the local time zone; `?` if the time is unknown. */
export const formatTimestamp = (timeMs: number | null): string => {
  if (timeMs === null) return '?'
  const asUtc = timeMs + localTime(timeMs).offsetMinutes * 60_000
  return new Date(asUtc).toISOString().slice(0, 19).replace('T', ' ')
}

/** The same for programs, in UTC. */
export const isoTimestamp = (timeMs: number | null): string | null =>
  timeMs === null ? null : new Date(timeMs).toISOString()
