import { expect, test } from 'vitest'
import {
  describePending,
  judgePending,
  type PendingConfirmation,
  pendingAsJson,
  pendingProblem,
  type SeenRollback,
} from '../../src/policy/confirmation.ts'

const OFFERED = /^portward confirm keeps it; portward rollback undoes it now$/
const BEGUN = /^wait until it has finished, then see portward generations$/

test.each<[PendingConfirmation, RegExp, RegExp]>([
  [
    { generation: 3, leftMs: 252_000 },
    /^generation 3 is not confirmed and will be rolled back in 4m 12s$/,
    OFFERED,
  ],
  [
    { generation: 3, leftMs: 252_000, at: '2026-11-28 13:44:17 +0100' },
    /^generation 3 .* rolled back in 4m 12s \(at 2026-11-28 13:44:17 \+0100\)$/,
    OFFERED,
  ],
  [
    { generation: 3, leftMs: 0 },
    /^generation 3 was not confirmed in time: it is rolled back as soon as no other portward is running$/,
    BEGUN,
  ],
  [
    { generation: 3, leftMs: 0, rollback: 'by-timer' },
    /^generation 3 was not confirmed in time: portward-unconfirmed\.service is rolling it back now$/,
    BEGUN,
  ],
  [
    { generation: 3, leftMs: 0, rollback: 'by-hand' },
    /^a portward that is running is rolling generation 3 back now$/,
    BEGUN,
  ],
  [
    { generation: 3, leftMs: null, rollback: 'interrupted' },
    /^the rollback of generation 3 was interrupted$/,
    /^portward rollback finishes it$/,
  ],
  [
    { generation: 3, leftMs: null },
    /^generation 3 is not confirmed, and .*timer, .*, is not running$/,
    OFFERED,
  ],
  [
    { generation: null, leftMs: 0 },
    /time to confirm the last apply is up: .*, or is still being applied$/,
    BEGUN,
  ],
  [
    { generation: null, leftMs: 9000 },
    /^the last apply is not confirmed and will be rolled back in 9s$/,
    OFFERED,
  ],
])('%j', (pending, message, hint) => {
  expect(describePending(pending)).toMatch(message)
  expect(pendingProblem(pending)).toMatchObject({
    ...{ code: 'unconfirmed', message: describePending(pending) },
    hint: expect.stringMatching(hint),
  })
})

test.each<[string, SeenRollback, Omit<PendingConfirmation, 'generation'>]>([
  ['it waits', { timerLeftMs: 9000, service: 'inactive', journal: 'none' }, { leftMs: 9000 }],
  ['the timer is lost', { timerLeftMs: null, service: 'inactive', journal: 'none' }, { leftMs: null }],
  ['the time is up', { timerLeftMs: 0, service: 'inactive', journal: 'none' }, { leftMs: 0 }],
  ['another portward is running', { timerLeftMs: 0, service: 'waiting', journal: 'none' }, { leftMs: 0 }],
  [
    'it has just begun',
    { timerLeftMs: 0, service: 'running', journal: 'none' },
    { leftMs: 0, rollback: 'by-timer' },
  ],
  [
    'at its end it removes the timer',
    { timerLeftMs: null, service: 'running', journal: 'running' },
    { leftMs: 0, rollback: 'by-timer' },
  ],
  [
    'somebody rolls it back',
    { timerLeftMs: 9000, service: 'inactive', journal: 'running' },
    { leftMs: 0, rollback: 'by-hand' },
  ],
  [
    'somebody rolls it back, and the time is up meanwhile',
    { timerLeftMs: 0, service: 'waiting', journal: 'running' },
    { leftMs: 0, rollback: 'by-hand' },
  ],
  [
    'somebody did, and was killed',
    { timerLeftMs: 9000, service: 'inactive', journal: 'interrupted' },
    { leftMs: 9000, rollback: 'interrupted' },
  ],
])('is judged by all that is seen: %s', (_, seen, expected) => {
  expect(judgePending(3, seen)).toEqual({ generation: 3, ...expected })
})

test('as JSON: seconds, rounded up', () => {
  expect(pendingAsJson(null)).toBeNull()
  expect(pendingAsJson({ generation: 3, leftMs: 8001 })).toEqual({
    generation: 3,
    secondsLeft: 9,
    command: 'portward confirm',
  })
})
