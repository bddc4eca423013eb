import { offsetMinutesAt } from './clock.ts'

/** The last one that was formatted: events come many in the same second. */
let last = { seconds: Number.NaN, offsetMinutes: 0, text: '' }

const twoDigits = (number: number): string => String(number).padStart(2, '0')

/** `+0100`, as date(1) has it: abbreviations such as IST are ambiguous, and this node may not know them. */
const formatOffset = (minutes: number): string => {
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${twoDigits(Math.floor(size / 60))}${twoDigits(size % 60)}`
}

/** `2026-11-21 19:26:56 +0100` in the local time zone, with the offset that holds at that time; `?` if the time is unknown. */
export const formatTimestamp = (timeMs: number | null): string => {
  if (timeMs === null) return '?'
  const seconds = Math.floor(timeMs / 1000)
  const offsetMinutes = offsetMinutesAt(timeMs)
  if (seconds !== last.seconds || offsetMinutes !== last.offsetMinutes) {
    const iso = new Date(timeMs + offsetMinutes * 60_000).toISOString()
    const text = `${iso.slice(0, 10)} ${iso.slice(11, 19)} ${formatOffset(offsetMinutes)}`
    last = { seconds, offsetMinutes, text }
  }
  return last.text
}

/** The same for programs, in UTC. */
export const isoTimestamp = (timeMs: number | null): string | null =>
  timeMs === null ? null : new Date(timeMs).toISOString()
