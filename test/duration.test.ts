import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../src/time.ts'

test.each([
  [0, '0s'],
  [1, '1s'],
  [59_001, '1m'],
  [252_000, '4m 12s'],
  [3_600_000, '1h'],
  [86_399_000, '23h 59m 59s'],
])('%d ms are %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

test.each([
  ['90s', 90_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['5', null],
  ['5d', null],
  ['-5m', null],
  ['1h 5m', null],
])('%j is %j ms', (text, ms) => expect(parseDuration(text)).toBe(ms))
