import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type CaptureFault, createCaptureReader } from '../../src/detector/capture-file.ts'
import { runs } from '../fast-check.ts'
import { blocks, pcap, type Taken, take } from './captures.ts'
import { joined } from './packets.ts'

const TIME_MS = 1_795_288_592_123

const A = Uint8Array.of(1, 2, 3, 4, 5)
const B = Uint8Array.of(6, 7, 8)

interface Reading {
  readonly frames: readonly Taken[]
  readonly fault: CaptureFault | null
}

const readIn = (chunks: readonly Uint8Array[]): Reading => {
  const reader = createCaptureReader()
  const frames = chunks.flatMap((chunk) => take(reader, chunk))
  return { frames, fault: reader.end() }
}

const read = (...parts: readonly Uint8Array[]): Reading => readIn([joined(...parts)])

const frame = (bytes: Uint8Array, timeMs = TIME_MS, originalLength = bytes.length, linkType = 1): Taken => ({
  ...{ timeMs, linkType, originalLength },
  bytes: Uint8Array.from(bytes),
})

const expectReading = ({ frames, fault }: Reading, expected: readonly Taken[]): void => {
  expect(fault).toBeNull()
  expect(frames).toEqual(expected)
}

const TWO = [
  { bytes: A, timeMs: TIME_MS, original: 60 },
  { bytes: B, timeMs: TIME_MS + 1 },
]

it.each([
  ['microseconds', 0xa1b2c3d4],
  ['nanoseconds', 0xa1b23c4d],
])('pcap, %s', (_, magic) => {
  expectReading(read(pcap(TWO, { magic })), [frame(A, TIME_MS, 60), frame(B, TIME_MS + 1)])
})

it('takes the link type without the bits above it, and a length on the wire below the captured one', () => {
  expectReading(read(pcap([{ bytes: A, timeMs: TIME_MS, original: 2 }], { linkType: 0x1400_0001 })), [
    frame(A),
  ])
})

const { block, option, section, resolution, enhanced, interface: described } = blocks
const start = joined(section(), described())
const MICROSECONDS = BigInt(TIME_MS) * 1000n

const MIXED = [option(2, [1, 2, 3]), resolution(9), option(0, []), resolution(3)]
const MILLISECONDS = [resolution(3)]
const OFFSET = [option(14, [0, 0, 0, 0, 0, 0, 0, 1])]

const TIMES: [string, readonly Uint8Array[], bigint, number][] = [
  ['microseconds where nothing is said', [], MICROSECONDS, TIME_MS],
  ['rounded down', [], MICROSECONDS + 999n, TIME_MS],
  ['if_tsresol 6', [resolution(6)], MICROSECONDS, TIME_MS],
  ['if_tsresol 9', [resolution(9)], MICROSECONDS * 1000n, TIME_MS],
  ['if_tsresol 9, a nanosecond before the next', [resolution(9)], MICROSECONDS * 1000n + 999_999n, TIME_MS],
  ['if_tsresol 9, ten nanoseconds after', [resolution(9)], MICROSECONDS * 1000n + 10n, TIME_MS],
  ['other options, an end of options', MIXED, MICROSECONDS * 1000n, TIME_MS],
]

it.each(TIMES)('pcapng, time: %s', (_, options, units, timeMs) => {
  expectReading(read(section(), described(1, options), enhanced(A, units)), [frame(A, timeMs)])
})

const PCAPNG: [string, readonly Uint8Array[], readonly Taken[]][] = [
  ['enhanced packets, cut ones too', [start, enhanced(A, MICROSECONDS, 60)], [frame(A, TIME_MS, 60)]],
  [
    'other blocks, short and long',
    [start, block(5, []), block(0xbad, new Uint8Array(1000)), enhanced(B), block(10, new Uint8Array(1))],
    [frame(B, 0)],
  ],
  [
    'options of a packet',
    [start, block(6, joined(enhanced(A, MICROSECONDS).subarray(8, 36), option(1, [65, 66])))],
    [frame(A)],
  ],
  [
    'several interfaces',
    [start, described(113), described(999), enhanced(A, MICROSECONDS, 5, 1)],
    [frame(A, TIME_MS, 5, 113)],
  ],
  [
    'several sections, each with interfaces of its own',
    [start, enhanced(A, MICROSECONDS), section(), described(101), enhanced(B, MICROSECONDS)],
    [frame(A), frame(B, TIME_MS, 3, 101)],
  ],
]

it.each(PCAPNG)('pcapng: %s', (_, parts, expected) => {
  expectReading(read(...parts), expected)
})

const record = (...numbers: readonly number[]): Uint8Array =>
  joined(...numbers.map((number) => [number & 255, (number >> 8) & 255, (number >> 16) & 255, number >>> 24]))

const good = pcap([{ bytes: A, timeMs: TIME_MS }])
const goodNg = joined(start, enhanced(A, MICROSECONDS))
const text = (characters: string): Uint8Array => new TextEncoder().encode(characters)

/** How it ends, what came, how many frames are read of it, and where the fault is. */
const FAULTS: [RegExp, readonly Uint8Array[], number, number][] = [
  [/empty/, [], 0, 0],
  [/ends within a record, of which only 1 bytes/, [Uint8Array.of(0xd4)], 0, 0],
  [/ends within a record, of which only 20 bytes/, [good.subarray(0, 20)], 0, 0],
  [/neither pcap nor pcapng/, [text('not a capture')], 0, 0],
  [/gunzip/, [Uint8Array.of(0x1f, 0x8b, 8, 0)], 0, 0],
  [/big-endian machine/, [pcap([], { magic: 0xd4c3b2a1 })], 0, 0],
  [/version 3\.0/, [joined(record(0xa1b2c3d4, 3), new Uint8Array(16))], 0, 0],
  [/link type 147 is not supported/, [pcap([], { linkType: 147 })], 0, 0],
  [/claims 262145 captured bytes/, [good, record(0, 0, 262_145, 262_145)], 1, 45],
  [/claims 4294967295 captured bytes/, [good, record(0, 0, 0xffff_ffff, 60)], 1, 45],
  [/ends within a record, of which only 21 bytes/, [good, record(0, 0, 60, 60), A], 1, 45],
  [/ends within a record, of which only 8 bytes/, [good, record(0, 0)], 1, 45],
  [/version 2\.0 of pcapng/, [section(2)], 0, 0],
  [/not little-endian/, [joined(section().subarray(0, 8), new Uint8Array(20))], 0, 0],
  [/block of type 168627466 is too short/, [block(0x0a0d0d0a, record(0x1a2b3c4d))], 0, 0],
  [/claims 8 bytes: only 12 to 524288/, [goodNg, record(6, 8, 0)], 1, 88],
  [/claims 34 bytes: .* in steps of 4/, [goodNg, record(6, 34, 0)], 1, 88],
  [/claims 524292 bytes: only 12/, [goodNg, record(6, 524_292, 0)], 1, 88],
  [/claims 524292 bytes: only 12/, [goodNg, record(0xbad, 524_292, 0)], 1, 88],
  [/block of type 6 is too short/, [goodNg, record(6, 12, 12)], 1, 88],
  [/blocks of type 3 are not supported — convert/, [goodNg, record(3, 12, 12)], 1, 88],
  [/blocks of type 2 are not supported/, [goodNg, record(2, 12, 12)], 1, 88],
  [/block of type 1 is too short/, [goodNg, record(1, 16, 0, 16)], 1, 88],
  [/32 bytes at its start and 36 at its end/, [goodNg, record(6, 32, 0, 0, 0, 0, 0, 36)], 1, 88],
  [/interface 1, which/, [goodNg, enhanced(A, 0n, 5, 1)], 1, 88],
  [/interface 0, which/, [section(), enhanced(A)], 0, 28],
  [/^link type 220 is not supported/, [goodNg, described(220), enhanced(A, 0n, 5, 1)], 1, 108],
  [/claims 1 captured bytes/, [goodNg, record(6, 32, 0, 0, 0, 1, 1, 32)], 1, 88],
  [/other units than/, [section(), described(1, [record(0x0009_0009)])], 0, 28],
  [/other units than/, [section(), described(1, MILLISECONDS)], 0, 28],
  [/other units than/, [section(), described(1, OFFSET)], 0, 28],
  [/out of range/, [start, enhanced(A, 2n ** 64n - 1n)], 0, 48],
  [
    /ends within a record, of which only 50/,
    [goodNg, block(0xbad, new Uint8Array(100)).subarray(0, 50)],
    1,
    88,
  ],
  [/ends within a record, of which only 30/, [goodNg, enhanced(A).subarray(0, 30)], 1, 88],
]

it.each(FAULTS)('in any chunks: %s', (message, parts, count, at) => {
  const file = joined(...parts)
  for (const size of [file.length, 1, 7]) {
    const chunks: Uint8Array[] = []
    for (let from = 0; from < file.length; from += size) chunks.push(file.subarray(from, from + size))
    const { frames, fault } = readIn(chunks)
    expect(fault?.message).toMatch(message)
    expect([frames.length, fault?.offset]).toEqual([count, at])
  }
})

it('gives a frame out with its last byte, and nothing after a fault', () => {
  const reader = createCaptureReader()
  const file = pcap(TWO)
  const counts = [...file].map((byte) => take(reader, Uint8Array.of(byte)).length)
  expect(counts.flatMap((count, index) => (count > 0 ? [index + 1] : []))).toEqual([45, 64])
  expect([reader.fault(), reader.end(), reader.buffered()]).toEqual([null, null, 0])
  expect(take(reader, record(0, 0, 0xffff_ffff, 60))).toEqual([])
  expect(reader.fault()).toMatchObject({ offset: 64 })
  expect(take(reader, file.subarray(24))).toEqual([])
  expect(reader.end()).toMatchObject({ offset: 64 })
})

it('gives the bytes of frames that come byte by byte', () => {
  const reader = createCaptureReader()
  const file = pcap(TWO)
  const frames = [...file].flatMap((byte) => take(reader, Uint8Array.of(byte)))
  expect(frames.map(({ bytes }) => [...bytes])).toEqual([[...A], [...B]])
})

it('holds one record at most, however it comes', () => {
  const reader = createCaptureReader()
  take(reader, joined(pcap([]), record(0, 0, 262_144, 262_144)))
  for (let round = 0; round < 300; round++) {
    take(reader, new Uint8Array(1000).fill(0))
    expect(reader.buffered()).toBeLessThanOrEqual(262_160)
  }
})

it('reads the same in whatever chunks it comes', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 })
  const files = [
    pcap(TWO),
    joined(...PCAPNG.flatMap(([, parts]) => parts)),
    joined(goodNg, record(6, 34, 0)),
    goodNg.subarray(0, -1),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...files), sizes, (file, lengths) => {
      const chunks: Uint8Array[] = []
      let from = 0
      for (const length of lengths) {
        chunks.push(file.slice(from, from + length))
        from += length
      }
      chunks.push(file.slice(from))
      expect(readIn(chunks)).toEqual(readIn([file]))
    }),
    { numRuns: runs(500) },
  )
})
