import { describe, expect, test } from 'vitest'
import { createBuckets, unitFor } from '../../src/report/buckets.ts'
import { clockOf } from './clocks.ts'

const [HOUR, DAY] = [3_600_000, 86_400_000]

const shown = (zone: string, since: string, until: string) => {
  const { unit, starts, indexOf } = createBuckets(Date.parse(since), Date.parse(until), clockOf(zone))
  const ends = [...starts.slice(1), Date.parse(until)]
  // Every moment is in the bucket that begins at or before it.
  for (let at = Date.parse(since); at < Date.parse(until); at += 600_000) {
    const index = indexOf(at)
    expect([(starts[index] as number) <= at, at < (ends[index] as number)]).toEqual([true, true])
  }
  return { unit, starts: starts.map((ms) => new Date(ms).toISOString().slice(0, 16)), ends }
}

const hoursOf = (zone: string, since: string, until: string) => {
  const { starts, ends } = shown(zone, since, until)
  return starts.map((start, index) => ((ends[index] as number) - Date.parse(`${start}Z`)) / HOUR)
}

describe('the unit', () => {
  test.each([
    [HOUR, 'hour'],
    [3 * DAY, 'hour'],
    [3 * DAY + 1, 'day'],
    [92 * DAY, 'day'],
    [93 * DAY, 'week'],
  ])('of %i ms is the %s', (spanMs, unit) => expect(unitFor(spanMs)).toBe(unit))
})

describe('buckets', () => {
  test('of an hour begin at the local hour', () => {
    expect(shown('Europe/Berlin', '2026-11-28T10:20Z', '2026-11-28T12:10Z').starts).toEqual([
      '2026-11-28T10:00',
      '2026-11-28T11:00',
      '2026-11-28T12:00',
    ])
    expect(shown('Asia/Kolkata', '2026-11-28T10:20Z', '2026-11-28T12:10Z').starts).toEqual([
      '2026-11-28T09:30',
      '2026-11-28T10:30',
      '2026-11-28T11:30',
    ])
  })

  test('an hour that comes twice is two of them, and one that is skipped is none', () => {
    // 03:00 becomes 02:00; 02:00 becomes 03:00.
    expect(hoursOf('Europe/Berlin', '2026-10-24T23:00Z', '2026-10-25T03:00Z')).toEqual([1, 1, 1, 1])
    expect(hoursOf('Europe/Berlin', '2026-03-28T23:00Z', '2026-03-29T03:00Z')).toEqual([1, 1, 1, 1])
  })

  test('of a day begin at local midnight, and have 23 or 25 hours where the clock changes', () => {
    expect(hoursOf('Europe/Berlin', '2026-10-23T22:00Z', '2026-10-27T23:00Z')).toEqual([24, 25, 24, 24])
    expect(hoursOf('Europe/Berlin', '2026-03-27T23:00Z', '2026-03-31T22:00Z')).toEqual([24, 23, 24, 24])
    expect(hoursOf('America/New_York', '2026-10-30T04:00Z', '2026-11-03T05:00Z')).toEqual([24, 24, 25, 24])
    // Midnight itself is skipped: the day begins at 01:00.
    expect(hoursOf('America/Santiago', '2026-09-04T04:00Z', '2026-09-08T03:00Z')).toEqual([24, 24, 23, 24])
    // Half an hour.
    expect(hoursOf('Australia/Lord_Howe', '2026-10-01T13:30Z', '2026-10-05T13:00Z')).toEqual([
      24, 24, 23.5, 24,
    ])
  })

  test('of a week begin on Monday', () => {
    const { unit, starts } = shown('Europe/Berlin', '2026-08-01T00:00Z', '2026-11-28T00:00Z')
    expect([unit, starts.length, starts[0], starts[1], starts.at(-1)]).toEqual([
      ...['week', 18, '2026-07-26T22:00', '2026-08-02T22:00'],
      '2026-11-22T23:00',
    ])
  })

  test('of all the time since 1970', () => {
    const { starts } = createBuckets(0, Date.UTC(2026, 10, 28), clockOf('UTC'))
    expect(starts.length).toBe(2970)
  })
})
