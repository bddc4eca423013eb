import { describe, expect, it, test } from 'vitest'
import { NAMES_PATH, type NamedHost, type NamedHosts } from '../../src/policy/host-names.ts'
import {
  describeFollowed,
  healthOf,
  type NameHealth,
  nextHealth,
  parseHealth,
  renderHealth,
} from '../../src/policy/name-health.ts'
import { hostsOf } from '../networks.ts'
import { factsOf } from '../plan/live.ts'

const MINUTE = 60_000
const named = (refused: string | null, ...addresses: string[]): NamedHosts => {
  const host: NamedHost = { kind: 'whitelist', host: 'home.example.net', addresses: hostsOf(...addresses), isPool: false, refused }
  return { hosts: [host], isToday: true, record: '', problems: [] }
} // biome-ignore format: one line
const health = (checkedMs: number, failing: readonly (readonly [string, number])[] = []): NameHealth => ({
  failingSince: new Map(failing),
  checkedMs,
})

describe('in words', () => {
  it.each<[what: string, hosts: NamedHosts, record: NameHealth | null, isGood: boolean, text: string]>([
    ['good', named(null, '192.0.2.1'), health(8 * MINUTE), true, 'home.example.net (192.0.2.1); last looked up 2m ago'],
    ['not root', named(null, '192.0.2.1'), null, true, 'home.example.net (192.0.2.1); when portward refresh last looked is not known'],
    ['long ago', named(null, '192.0.2.1'), health(-30 * MINUTE), false, 'home.example.net (192.0.2.1); NOT looked up since -30 min'],
    [
      'no answer',
      named('resolves to nothing', '192.0.2.1'),
      health(9 * MINUTE, [['home.example.net', 5 * MINUTE]]),
      false,
      'home.example.net: no good answer since 5 min (it resolves to nothing); 192.0.2.1 stays protected; last looked up 1m ago',
    ],
    ['never an answer', named('resolves to nothing'), null, false, 'home.example.net: no good answer (it resolves to nothing); it is not protected; when portward refresh last looked is not known'],
  ])('%s', (_, hosts, record, isGood, text) => {
    const found = describeFollowed(hosts, record, 10 * MINUTE, (ms) => `${ms / MINUTE} min`)
    expect([found.isGood, [...found.lines, found.checked].join('; ')]).toEqual([isGood, text])
  }) // biome-ignore format: a table
})

test('the time of a failure is that of the first one', () => {
  const first = nextHealth(null, named('resolves to nothing'), 5)
  expect([...first.failingSince]).toEqual([['home.example.net', 5]])
  const second = nextHealth(parseHealth(renderHealth(first), 5), named('resolves to nothing'), 9)
  expect(renderHealth(second)).toBe(renderHealth(first))
  expect(nextHealth(second, named(null), 12).failingSince.size).toBe(0)
  expect(parseHealth('damaged', 1).failingSince.size).toBe(0)
})

describe('when somebody last looked', () => {
  const recorded = { texts: { [NAMES_PATH]: '' } }
  const appliedMs = factsOf(recorded).files.get(NAMES_PATH)?.modifiedMs ?? 0
  it.each<[what: string, facts: Parameters<typeof factsOf>[0], foundMs: number | null, expected: number | undefined]>([
    ['by the record', recorded, appliedMs + 5, appliedMs + 5],
    ['the apply, as refresh has never run', recorded, null, appliedMs],
    ['the apply, as the record is of an earlier time', recorded, 5, appliedMs],
    ['nobody yet', {}, null, undefined],
    ['unknown without root', { ...recorded, live: { asRoot: false } }, null, undefined],
    ['unknown for a tree', { ...recorded, live: null }, null, undefined],
  ])('%s', (_, facts, checkedMs, expected) => {
    const found = checkedMs === null ? null : { text: '{}', checkedMs }
    expect(healthOf(found, factsOf(facts))?.checkedMs).toBe(expected)
  }) // biome-ignore format: a table
})
