import { expect, it } from 'vitest'
import { secondsOf } from '../../src/policy/duration.ts'

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
