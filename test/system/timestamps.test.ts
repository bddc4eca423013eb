import { expect, it } from 'vitest'
import { formatTimestamp, isoTimestamp } from '../../src/system/timestamps.ts'
import { setTimeZone } from '../time-zone.ts'

it.each<[zone: string, times: readonly string[], expected: readonly string[]]>([
  ['UTC', ['2026-11-21T19:26:56.999Z'], ['2026-11-21 19:26:56 +0000']],
  [
    'Europe/Berlin',
    // An hour passes twice when summer time ends, and one is left out when it begins.
    ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-03-29T00:59:59Z', '2026-03-29T01:00:00Z'],
    [
      '2026-10-25 02:30:00 +0200',
      '2026-10-25 02:30:00 +0100',
      '2026-03-29 01:59:59 +0100',
      '2026-03-29 03:00:00 +0200',
    ],
  ],
  ['America/St_Johns', ['2026-11-22T01:00:00Z'], ['2026-11-21 21:30:00 -0330']],
  ['Pacific/Kiritimati', ['2026-11-22T10:00:00Z'], ['2026-11-23 00:00:00 +1400']],
])('shows times in %s with the offset that holds then', (zone, times, expected) => {
  setTimeZone(zone)
  expect(times.map((time) => formatTimestamp(Date.parse(time)))).toEqual(expected)
})

it('shows programs UTC, and a time that is not known as none', () => {
  setTimeZone('Europe/Berlin')
  expect(isoTimestamp(Date.parse('2026-10-25T00:30:00Z'))).toBe('2026-10-25T00:30:00.000Z')
  expect([formatTimestamp(null), isoTimestamp(null)]).toEqual(['?', null])
})
