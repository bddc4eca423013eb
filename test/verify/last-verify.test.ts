import { describe, expect, it, test } from 'vitest'
import { describeLastVerify } from '../../src/commands/last-verify-text.ts'
import { withoutStyles } from '../../src/styled.ts'
import { checkFor } from '../../src/verify/check.ts'
import { countResults, type LastVerifyRead, parseRecord, renderRecord } from '../../src/verify/last-verify.ts'
import { setTimeZone } from '../time-zone.ts'

const TIME = Date.parse('2026-11-21T19:16:32.500Z')
const { pass, warn, fail, skip } = checkFor('drift')

describe('the record of the last verify', () => {
  it('has the time and how many checks ended in each way', () => {
    const last = countResults([pass('a'), pass('b'), warn('c'), skip('d')], TIME)
    expect(last).toEqual({ timeMs: TIME, results: { pass: 2, warn: 1, fail: 0, skip: 1 } })
    expect(renderRecord(last)).toBe(
      '{"time":"2026-11-21T19:16:32.500Z","pass":2,"warn":1,"fail":0,"skip":1}\n',
    )
    expect(parseRecord(renderRecord(last))).toEqual(last)
    expect(countResults([fail('a')], TIME).results).toEqual({ pass: 0, warn: 0, fail: 1, skip: 0 })
  })

  it.each([
    '',
    'null',
    '[]',
    '{"time":"2026-11-21T19:16:32.500Z"}',
    '{"time":"yesterday","pass":2,"warn":1,"fail":0,"skip":1}',
    '{"time":"2026-11-21T19:16:32.500Z","pass":"2","warn":1,"fail":0,"skip":1}',
  ])('is not read from %j', (text) => expect(parseRecord(text)).toBeNull())
})

test.each<[string, LastVerifyRead, string]>([
  ['what could not be read', { isRead: false, last: null }, 'unknown, as the record could not be read'],
  ['a server that was never verified', { isRead: true, last: null }, 'never: see portward verify'],
  [
    'checks that passed',
    { isRead: true, last: countResults([pass('a')], TIME) },
    '2026-11-21 20:16:32 +0100: 1 check passed',
  ],
  [
    'all kinds of results',
    { isRead: true, last: countResults([fail('a'), pass('b'), pass('c'), warn('d'), skip('e')], TIME) },
    '2026-11-21 20:16:32 +0100: 1 FAILED, 2 checks passed, 1 warning, 1 not checked',
  ],
])('status tells of %s', (_, read, expected) => {
  setTimeZone('Europe/Berlin')
  expect(withoutStyles(describeLastVerify(read))).toBe(expected)
})
