import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createReassembly, type Fragment, MAX_DATAGRAMS, MAX_RANGES } from '../../src/detector/reassembly.ts'
import { runs } from '../fast-check.ts'

type Part = Partial<Fragment<string>>

/** The bytes of a datagram: each tells where it was. */
const CONTENT = Uint8Array.from({ length: 400 }, (_, index) => index % 251)

/** From, to, and whether more come. */
const part = (from: number, to: number, hasMore = true, rest: Part = {}): Fragment<string> => ({
  ...{ key: 'a', version: 4, timeMs: 0, offset: from, hasMore, wireLength: to - from },
  ...{ bytes: CONTENT.subarray(from, to), context: `at ${from}` },
  ...rest,
})

const last = (from: number, to: number, rest: Part = {}): Fragment<string> => part(from, to, false, rest)
const cut = (fragment: Fragment<string>, length: number): Fragment<string> => ({
  ...fragment,
  bytes: fragment.bytes.subarray(0, length),
})

/** What became of each: `.` waits, `!` is malformed, a number is the length of the datagram that is complete. */
const outcome = (...fragments: readonly Fragment<string>[]): string => {
  const { add } = createReassembly<string>()
  return fragments
    .map(add)
    .map((result) => {
      if (result === null) return '.'
      if (result === 'malformed') return '!'
      expect([...result.head]).toEqual([...CONTENT.subarray(0, result.head.length)])
      expect(result.first).toBe('at 0')
      return `${result.wireLength}/${result.head.length}`
    })
    .join(' ')
}

const six = (fragment: Fragment<string>): Fragment<string> => ({ ...fragment, version: 6 })

const CASES: [string, readonly Fragment<string>[], string][] = [
  ['in order', [part(0, 16), part(16, 32), last(32, 35)], '. . 35/35'],
  ['backwards', [last(32, 35), part(16, 32), part(0, 16)], '. . 35/35'],
  ['the first in the end', [part(16, 32), last(32, 35), part(0, 16)], '. . 35/35'],
  ['no more kept than the first 120 bytes', [part(0, 200), last(200, 400)], '. 400/120'],
  ['120 bytes of many', [part(112, 200), part(0, 112), last(200, 300)], '. . 300/120'],
  ['one is missing', [part(0, 16), last(24, 32)], '. .'],
  ['datagrams side by side', [part(0, 8), last(8, 9, { key: 'b' }), last(8, 10)], '. . 10/10'],
  ['an exact duplicate', [part(0, 16), part(0, 16), last(16, 20)], '. . 20/20'],
  ['a duplicate of the last', [last(16, 20), last(16, 20), part(0, 16)], '. . 20/20'],
  ['within a run that came in order', [part(0, 16), part(16, 32), part(8, 24), last(32, 33)], '. . . 33/33'],
  ['the same across two runs', [part(16, 32), part(0, 16), part(8, 24), last(32, 33)], '. . ! .'],
  ['an overlap at the end', [part(0, 16), part(8, 24), last(24, 32)], '. ! .'],
  ['an overlap in front', [part(8, 24), part(0, 16), last(24, 32)], '. ! .'],
  ['one around another', [part(8, 16), part(0, 24), last(24, 32)], '. ! .'],
  ['after an overlap all begins anew', [part(0, 16), part(8, 24), part(0, 16), last(16, 17)], '. ! . 17/17'],
  ['an end before what has come', [part(0, 24), last(8, 16)], '. !'],
  ['two ends', [last(16, 20), last(16, 24)], '. !'],
  ['more behind the end', [last(16, 24), part(24, 32)], '. !'],
  ['nothing in it', [part(8, 8)], '!'],
  ['less than 8 bytes and more to come', [part(8, 12)], '!'],
  ['what exceeds a multiple of 8 is cut off', [part(0, 13), last(8, 20)], '. 20/20'],
  ['the same of IPv6 is refused alone', [part(0, 8), six(part(8, 21)), last(8, 10)], '. ! 10/10'],
  ['beyond the longest datagram', [part(65528, 65536)], '!'],
  ['the longest datagram’s last bytes', [last(65528, 65535)], '.'],
  ['beyond it with IPv6', [part(0, 8), six(part(65528, 65536)), last(8, 9)], '. ! 9/9'],
  ['in time', [part(0, 8), last(8, 9, { timeMs: 29_999 })], '. 9/9'],
  ['too late', [part(0, 8), last(8, 9, { timeMs: 30_000 })], '. .'],
  [
    'the time counts from the first that came',
    [part(0, 8), part(8, 16, true, { timeMs: 29_999 }), last(16, 17, { timeMs: 30_000 })],
    '. . .',
  ],
  ['times that go back', [part(0, 8, true, { timeMs: 60_000 }), last(8, 9)], '. 9/9'],
  [
    'an old one behind a younger one',
    [part(0, 8, true, { key: 'b', timeMs: 50_000 }), part(0, 8), last(8, 9, { timeMs: 40_000 })],
    '. . .',
  ],
  ['cut by the capture behind what is kept', [cut(part(0, 200), 150), cut(last(200, 400), 1)], '. 400/120'],
  ['cut by the capture', [cut(part(0, 32), 20), last(32, 64)], '. 64/20'],
  ['cut by the capture, out of order', [last(32, 64), cut(part(16, 32), 2), part(0, 16)], '. . 64/18'],
]

it.each(CASES)('%s', (_, fragments, expected) => {
  expect(outcome(...fragments)).toBe(expected)
})

it('keeps so many datagrams, and lets the oldest go', () => {
  const { add, sizes } = createReassembly<string>()
  for (let key = 0; key <= MAX_DATAGRAMS; key++) add(part(0, 8, true, { key: String(key) }))
  expect(sizes()).toEqual({ datagrams: MAX_DATAGRAMS, ranges: 1 })
  expect(add(last(8, 9, { key: '1' }))).toMatchObject({ wireLength: 9 })
  expect(add(last(8, 9, { key: '0' }))).toBeNull()
})

it('keeps so many ranges of one', () => {
  const { add, sizes } = createReassembly<string>()
  const holed = Array.from({ length: MAX_RANGES }, (_, index) => part(16 * index, 16 * index + 8))
  expect(new Set(holed.map(add))).toEqual(new Set([null]))
  expect(sizes()).toEqual({ datagrams: 1, ranges: MAX_RANGES })
  expect(add(part(16 * MAX_RANGES, 16 * MAX_RANGES + 8))).toBe('malformed')
  expect(sizes()).toEqual({ datagrams: 0, ranges: 0 })
})

it('completes a datagram once, whatever the order', () => {
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 49 }), { maxLength: 20 })
  const fragments = cuts.chain((units) => {
    const bounds = [0, ...units.sort((a, b) => a - b).map((unit) => unit * 8), 400]
    const parts = bounds.slice(1).map((to, index) => part(bounds[index] ?? 0, to, to < 400))
    return fc.shuffledSubarray(parts, { minLength: parts.length })
  })
  fc.assert(
    fc.property(fragments, (parts) => {
      expect(outcome(...parts)).toBe([...parts.slice(1).map(() => '.'), '400/120'].join(' '))
    }),
    { numRuns: runs(500) },
  )
})
