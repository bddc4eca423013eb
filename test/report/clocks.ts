import type { LocalClock } from '../../src/report/buckets.ts'

/** The local time of a zone, whatever that of this machine is. */
export const clockOf = (timeZone: string): LocalClock => {
  const format = new Intl.DateTimeFormat('en', {
    ...{ timeZone, hourCycle: 'h23' },
    ...{
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    },
  })
  return (timeMs) => {
    const parts = new Map(format.formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]))
    const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0
    const [year, month, day] = [part('year'), part('month'), part('day')]
    const [hour, minute, second] = [part('hour'), part('minute'), part('second')]
    const millisecond = ((timeMs % 1000) + 1000) % 1000
    const asUtc = Date.UTC(year, month - 1, day, hour, minute, second, millisecond)
    return { year, month, day, hour, minute, second, millisecond, offsetMinutes: (asUtc - timeMs) / 60_000 }
  }
}
