import { expect, it } from 'vitest'
import { localTime } from '../../src/system/clock.ts'
import { setTimeZone } from '../time-zone.ts'

/** 2026-11-21T19:26:56.506Z, and half a year before. */
const WINTER = 1795289216506
const SUMMER = WINTER - 182 * 86_400_000

it.each([
  ['UTC', WINTER, [2026, 11, 21, 19, 26, 56, 506], 0],
  ['Europe/Berlin', WINTER, [2026, 11, 21, 20, 26, 56, 506], 60],
  ['Europe/Berlin', SUMMER, [2026, 5, 23, 21, 26, 56, 506], 120],
  ['America/St_Johns', WINTER, [2026, 11, 21, 15, 56, 56, 506], -210],
  ['Pacific/Kiritimati', WINTER, [2026, 11, 22, 9, 26, 56, 506], 840],
] as const)(
  'tells the time in %s',
  (zone, timeMs, [year, month, day, hour, minute, second, millisecond], offsetMinutes) => {
    setTimeZone(zone)
    expect(localTime(timeMs)).toEqual({ year, month, day, hour, minute, second, millisecond, offsetMinutes })
  },
)
