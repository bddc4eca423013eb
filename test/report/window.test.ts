import { describe, expect, it, test } from 'vitest'
import { parseMoment, resolveMoment } from '../../src/report/window.ts'

const NOW = Date.UTC(2026, 10, 28, 12, 0, 0)

/** An hour ahead of UTC. */
const read = (text: string): string | null => {
  const moment = parseMoment(text)
  if (moment === null) return null
  const ms = resolveMoment(moment, NOW, ([year, month, day, hour, minute, second]) =>
    Date.UTC(year, month - 1, day, hour - 1, minute, second),
  )
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

describe('a moment', () => {
  test.each([
    ['90m', '2026-11-28T10:30:00Z'],
    ['24h', '2026-11-27T12:00:00Z'],
    ['7d', '2026-11-21T12:00:00Z'],
    ['2w', '2026-11-14T12:00:00Z'],
    ['0h', '2026-11-28T12:00:00Z'],
    ['2026-11-01', '2026-10-31T23:00:00Z'],
    ['2026-11-01 18:30', '2026-11-01T17:30:00Z'],
    ['2026-11-01T18:30:15', '2026-11-01T17:30:15Z'],
    ['2026-11-01T18:30:15Z', '2026-11-01T18:30:15Z'],
    // As in the documents of portward itself.
    ['2026-11-01T18:30:15.123Z', '2026-11-01T18:30:15Z'],
    ['2028-02-29', '2028-02-28T23:00:00Z'],
  ])('%s', (text, expected) => expect(read(text)).toBe(expected))

  it.each([
    '',
    '5',
    'd',
    '-1d',
    '7 d',
    '7y',
    'yesterday',
    '2026-13-01',
    '2026-02-29',
    '2026-04-31',
    '2026-00-10',
    '1969-12-31',
    '2026-11-01 24:00',
    '2026-11-01 1:00',
    '999999d',
  ])('is not %j', (text) => expect(read(text)).toBeNull())
})
