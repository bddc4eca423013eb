import { localTime } from '../system/clock.ts'

const two = (value: number): string => `${value}`.padStart(2, '0')

/** `2026-11-21 19:26:56` in the local time zone; `?` if the time is unknown. */
export const formatTimestamp = (timeMs: number | null): string => {
  if (timeMs === null) return '?'
  const { year, month, day, hour, minute, second } = localTime(timeMs)
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`
}

/** The same for programs, in UTC. */
export const isoTimestamp = (timeMs: number | null): string | null =>
  timeMs === null ? null : new Date(timeMs).toISOString()
