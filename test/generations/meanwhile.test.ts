import { expect, it } from 'vitest'
import { describeMeanwhile, type Recorded } from '../../src/generations/meanwhile.ts'

const of = (generations: Recorded['generations'], journal: Recorded['journal'] = null): Recorded => ({
  generations,
  journal,
})
const FIRST = { number: 1, state: 'applied', confirmBy: null } as const
const PENDING = { number: 2, state: 'applied', confirmBy: '2026-10-25T01:40:00.000Z' } as const
const FILE = { path: 'a', real: 'a', grows: false, copy: null, directories: [] } as const
const writing = (sha256: string) => ({ files: [{ ...FILE, after: { sha256, size: 1 } }] })
const BEFORE = of([PENDING, { ...FIRST, ...writing('1') }])

it.each<[string, Recorded, string[]]>([
  ['nothing', of([{ ...PENDING }, { ...FIRST, ...writing('1') }]), []],
  [
    'a rollback',
    of([
      { ...PENDING, state: 'rolled-back' },
      { ...FIRST, ...writing('1') },
    ]),
    ['generation 2 was rolled back'],
  ],
  [
    'a confirmation',
    of([
      { ...PENDING, confirmBy: null },
      { ...FIRST, ...writing('1') },
    ]),
    ['generation 2 was confirmed'],
  ],
  [
    'an apply',
    of([
      { ...FIRST, number: 3 },
      { ...PENDING, confirmBy: null },
      { ...FIRST, ...writing('1') },
    ]),
    ['generation 3 was applied', 'generation 2 was confirmed'],
  ],
  [
    'an apply that failed, for which the oldest one was forgotten',
    of([{ ...FIRST, number: 3, state: 'undone' }, PENDING]),
    ['generation 3 failed and was rolled back'],
  ],
  [
    'an apply that is running, or was killed',
    of([{ ...FIRST, number: 3, state: 'open' }, PENDING, { ...FIRST, ...writing('1') }], {
      operation: 'apply',
      generations: [3],
    }),
    ['generation 3 was begun'],
  ],
  [
    'a rollback that is running, or was killed',
    of([PENDING, { ...FIRST, ...writing('1') }], { operation: 'rollback', generations: [2] }),
    ['a rollback of generation 2 was begun'],
  ],
  [
    'a refresh',
    of([PENDING, { ...FIRST, ...writing('2') }]),
    ['a refresh changed the addresses of protected hosts'],
  ],
])('between two readings: %s', (_, after, expected) => {
  expect(describeMeanwhile(BEFORE, after)).toEqual(expected)
})
