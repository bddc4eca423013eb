import { expect, it } from 'vitest'
import { parseSeconds, secondsOf } from '../../src/policy/duration.ts'

it.each([
  ['1d', 86_400],
  ['90', 90],
  ['1d 12h', 129_600],
  ['1h30m', 5400],
  ['2 w', 1_209_600],
  ['1mo', 2_629_800],
  ['1y', 31_557_600],
  ['-1', -1],
])('%s is %d seconds, as for fail2ban', (time, seconds) => {
  expect(secondsOf(time)).toBe(seconds)
})

it.each([
  ['1d', 86_400],
  ['1w 2d', 777_600],
  ['0s', null],
  ['-1', null],
  ['1x', null],
  ['1d 2x', null],
  ['soon', null],
  ['', null],
])('%j, which nobody has checked, is %s seconds', (time, expected) => {
  expect(parseSeconds(time)).toBe(expected)
})
