import type { LocalTime } from '../time.ts'

/** Minutes by which the time zone of this machine, or of TZ, is ahead of UTC at a time. */
export const offsetMinutesAt = (timeMs: number): number => -new Date(timeMs).getTimezoneOffset() || 0

/** `timeMs` (since the epoch) in the time zone of this machine, or of TZ, as the daemons' localtime() has it. */
export const localTime = (timeMs: number): LocalTime => {
  const date = new Date(timeMs)
  return {
    year: date.getFullYear(),
    month: date.getMonth() + 1,
    day: date.getDate(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
    millisecond: date.getMilliseconds(),
    offsetMinutes: offsetMinutesAt(timeMs),
  }
}

/** The reverse: a local time (`month` is 1 to 12) in ms since 1970; of a time that a change of the clock skips, the one after it. */
export const epochOf = ([year, month, day, hour, minute, second]: readonly [
  number,
  number,
  number,
  number,
  number,
  number,
]): number => new Date(year, month - 1, day, hour, minute, second).getTime()

/** Milliseconds that only ever grow. Node loads `performance` when it is first used, which takes milliseconds. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6
