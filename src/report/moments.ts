import { formatOffset, twoDigits } from '../time.ts'
import type { LocalClock, Unit } from './buckets.ts'

/** `2026-11-28` in local time. */
const dateOf = (timeMs: number, local: LocalClock): string => {
  const { year, month, day } = local(timeMs)
  return `${year}-${twoDigits(month)}-${twoDigits(day)}`
}

const timeOf = (timeMs: number, local: LocalClock): string => {
  const { hour, minute } = local(timeMs)
  return `${twoDigits(hour)}:${twoDigits(minute)}`
}

/** `2026-11-28 14:03` in local time. */
export const momentOf = (timeMs: number, local: LocalClock): string =>
  `${dateOf(timeMs, local)} ${timeOf(timeMs, local)}`

/** `+0100`, the offset from UTC that holds at a moment. */
export const offsetOf = (timeMs: number, local: LocalClock): string => formatOffset(local(timeMs))

/** The name of an hour, day or week by its begin, for a table. */
export const intervalName = (startMs: number, unit: Unit, local: LocalClock): string =>
  unit === 'hour' ? momentOf(startMs, local) : dateOf(startMs, local)

/** Hours between two labels that leave midnight one. */
const HOUR_STEPS = [1, 2, 3, 4, 6, 12, 24]

/** The labels of an axis with these intervals, by their begins: at most `most`, at regular places; '' for the others. */
export const axisLabels = (
  starts: readonly number[],
  unit: Unit,
  local: LocalClock,
  most: number,
): string[] => {
  const least = Math.max(1, Math.ceil(starts.length / Math.max(1, most)))
  const shortDate = (timeMs: number) => dateOf(timeMs, local).slice(unit === 'week' ? 0 : 5)
  if (unit !== 'hour') return starts.map((ms, index) => (index % least === 0 ? shortDate(ms) : ''))
  const step = HOUR_STEPS.find((each) => each >= least) ?? 24
  const labels = starts.map((ms) => {
    const { hour, minute } = local(ms)
    if (minute !== 0 || hour % step !== 0) return ''
    return hour === 0 ? shortDate(ms) : timeOf(ms, local)
  })
  const [first = 0] = starts
  return labels.some((label) => label !== '') ? labels : [timeOf(first, local), ...labels.slice(1)]
}
