import { expect, test } from 'vitest'
import { describePending, pendingAsJson, pendingProblem } from '../../src/policy/confirmation.ts'

test.each([
  [{ generation: 3, leftMs: 252_000 }, /^generation 3 is not confirmed and will be rolled back in 4m 12s$/],
  [
    { generation: 3, leftMs: 252_000, at: '2026-11-28 13:44:17 +0100' },
    /^generation 3 .* rolled back in 4m 12s \(at 2026-11-28 13:44:17 \+0100\)$/,
  ],
  [{ generation: 3, leftMs: 0 }, /^generation 3 was not confirmed in time and is being rolled back$/],
  [{ generation: 3, leftMs: null }, /^generation 3 is not confirmed, and .*timer, .*, is not running$/],
  [{ generation: null, leftMs: 0 }, /time to confirm the last apply is up: .*, or still being applied$/],
  [{ generation: null, leftMs: 9000 }, /^the last apply is not confirmed and will be rolled back in 9s$/],
])('%j', (pending, expected) => {
  expect(describePending(pending)).toMatch(expected)
  expect(pendingProblem(pending)).toMatchObject({
    code: 'unconfirmed',
    hint: expect.stringMatching(/portward confirm/),
  })
})

test('as JSON: seconds, rounded up', () => {
  expect(pendingAsJson(null)).toBeNull()
  expect(pendingAsJson({ generation: 3, leftMs: 8001 })).toEqual({
    generation: 3,
    secondsLeft: 9,
    command: 'portward confirm',
  })
})
