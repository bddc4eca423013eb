import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createIgnoringLine } from '../../src/detector/ignored-networks.ts'
import { ignoringLine, parseIgnoreList } from '../../src/documents/ignore-list.ts'
import { formatAddress } from '../../src/network.ts'
import { runs } from '../fast-check.ts'

/** Few values, so that networks contain each other and meet. */
const byte = fc.constantFrom(0, 1, 2, 127, 128, 254, 255)
const addressOf = (length: number) => fc.array(byte, { minLength: length, maxLength: length })
const four = addressOf(4)
const six = addressOf(16)

const entry = fc.oneof(
  fc.tuple(four, fc.nat({ max: 32 })).map(([bytes, bits]) => `${formatAddress(bytes)}/${bits}`),
  fc.tuple(six, fc.nat({ max: 128 })).map(([bytes, bits]) => `${formatAddress(bytes)}/${bits}`),
  four.map(formatAddress),
  six.map(formatAddress),
  fc.constantFrom('# a comment', 'nonsense', ''),
)

it.each(['1.2', '2.x'] as const)('%s: has the line that the list finds entry by entry', (dialect) => {
  const addresses = fc.array(fc.oneof(four, six), { minLength: 20, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30, size: 'max' }), addresses, (entries, asked) => {
      const list = parseIgnoreList(entries.map((text) => `${text}\n`).join(''), dialect)
      const lineOf = createIgnoringLine(list)
      // The ends of the networks, too.
      const written = list.entries.flatMap(({ network }) => (network === null ? [] : [network.bytes]))
      for (const address of [...asked, ...written]) expect(lineOf(address)).toBe(ignoringLine(list, address))
    }),
    { numRuns: runs(500) },
  )
})

it.each([
  ['0.0.0.0/1\n128.0.0.0/1\n', [1, 1, 2, 2]],
  ['10.0.0.0/8\n10.0.0.0/8\n', [null, 1, null, null]],
  ['255.255.255.255\n', [null, null, null, 1]],
  ['10.0.0.1\n10.0.0.0/8\n0.0.0.0\n', [3, 1, null, null]],
  ['10.0.0.0/8\n10.0.0.1\n', [null, 1, null, null]],
  ['', [null, null, null, null]],
])('%j', (text, expected) => {
  const lineOf = createIgnoringLine(parseIgnoreList(text, '1.2'))
  const asked = [
    [0, 0, 0, 0],
    [10, 0, 0, 1],
    [192, 0, 2, 1],
    [255, 255, 255, 255],
  ]
  expect(asked.map(lineOf)).toEqual(expected)
})
