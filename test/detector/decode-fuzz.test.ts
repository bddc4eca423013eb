import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCaptureReader } from '../../src/detector/capture-file.ts'
import { createDecoder, type DecodeCounts } from '../../src/detector/decode.ts'
import { isReplay, runs } from '../fast-check.ts'
import { blocks, frameOf, pcap, take } from './captures.ts'
import { CORPUS } from './corpus.ts'
import { joined } from './packets.ts'

/** Octets that lengths and offsets turn on. */
const EDGES = [0, 1, 4, 5, 6, 17, 0x20, 0x3f, 0x44, 0x4f, 0x60, 0x7f, 0x80, 0xff]

const offset = fc.nat({ max: 2 ** 20 })
const flips = fc.array(fc.tuple(offset, fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...EDGES))), {
  minLength: 1,
  maxLength: 4,
  size: 'max',
})

const flip = (bytes: Uint8Array, changes: readonly (readonly [number, number])[]): Uint8Array => {
  const changed = bytes.slice()
  if (changed.length > 0) for (const [at, value] of changes) changed[at % changed.length] = value
  return changed
}

/** The start of one as far as the offset, then the end of the other. */
const splice = (one: Uint8Array, head: number, other: Uint8Array, tail: number): Uint8Array =>
  joined(one.subarray(0, head % (one.length + 1)), other.subarray(tail % (other.length + 1)))

/** One of these that was changed, cut short or joined with another. */
const spoilt = (from: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> => {
  const one = fc.constantFrom(...from)
  const flipped = fc.tuple(one, flips).map(([bytes, changes]) => flip(bytes, changes))
  const spliced = fc.tuple(one, offset, one, offset).map((parts) => splice(...parts))
  return fc.oneof(
    { weight: 5, arbitrary: flipped },
    {
      weight: 1,
      arbitrary: fc.tuple(one, offset).map(([bytes, at]) => bytes.subarray(0, at % bytes.length)),
    },
    { weight: 1, arbitrary: spliced },
    { weight: 1, arbitrary: fc.tuple(spliced, flips).map(([bytes, changes]) => flip(bytes, changes)) },
  )
}

it('makes something or nothing of spoilt packets', () => {
  const captures = Object.values(CORPUS)
  const frame = fc.oneof(
    ...captures.map(({ linkType, frames }) =>
      fc.record({
        linkType: fc.oneof({ weight: 50, arbitrary: fc.constant(linkType) }, fc.nat({ max: 300 })),
        bytes: spoilt(frames),
        moreLength: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: 70_000 })),
      }),
    ),
  )
  const totals: DecodeCounts = { decoded: 0, otherProtocol: 0, fragments: 0, truncated: 0, malformed: 0 }
  fc.assert(
    fc.property(fc.noBias(fc.array(frame, { minLength: 1, maxLength: 1000, size: 'max' })), (frames) => {
      const { decode, counts } = createDecoder()
      let packets = 0
      for (const [timeMs, { linkType, bytes, moreLength }] of frames.entries())
        packets += decode(frameOf({ timeMs, linkType, bytes, originalLength: bytes.length + moreLength }))
          ? 1
          : 0
      expect(counts.decoded).toBe(packets)
      for (const key of Object.keys(totals) as (keyof DecodeCounts)[]) totals[key] += counts[key]
    }),
    { numRuns: runs(40) },
  )
  if (!isReplay) expect(Math.min(...Object.values(totals))).toBeGreaterThan(50)
})

const FRAMES = (CORPUS['ethernet']?.frames ?? []).slice(0, 12)

const FILES = [
  pcap(FRAMES.map((bytes) => ({ bytes }))),
  pcap(
    FRAMES.map((bytes) => ({ bytes })),
    { magic: 0xa1b23c4d },
  ),
  joined(
    ...[blocks.section(), blocks.interface(1, [blocks.resolution(9)])],
    ...FRAMES.map((bytes) => blocks.enhanced(bytes, 7n)),
    ...[blocks.block(5, [1, 2, 3, 4]), blocks.section(), blocks.interface(113), blocks.enhanced([1, 2, 3])],
  ),
]

/** A record of 262,144 bytes with its header; a block of twice as many. */
const MAX_BUFFERED = 524_288

it('reads spoilt files in any chunks, in bounded space', () => {
  const outcomes = { whole: 0, faulty: 0, frames: 0 }
  const file = fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...FILES) },
    { weight: 9, arbitrary: spoilt(FILES) },
  )
  /** Lengths of chunks, used again and again. */
  const chunks = (max: number) =>
    fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 30, size: 'max' })
  fc.assert(
    fc.property(file, fc.oneof(chunks(20), chunks(2000)), (bytes, lengths) => {
      const reader = createCaptureReader()
      const { decode } = createDecoder()
      for (let at = 0, index = 0; at < bytes.length; index += 1) {
        const chunk = bytes.subarray(at, at + (lengths[index % lengths.length] as number))
        at += chunk.length
        for (const frame of take(reader, chunk)) outcomes.frames += decode(frameOf(frame)) ? 2 : 1
        expect(reader.buffered()).toBeLessThanOrEqual(MAX_BUFFERED)
      }
      const fault = reader.end()
      if (fault !== null) {
        expect(fault.offset).toBeGreaterThanOrEqual(0)
        expect(fault.offset).toBeLessThanOrEqual(bytes.length)
        expect(fault.message).not.toBe('')
      }
      outcomes[fault === null ? 'whole' : 'faulty']++
    }),
    { numRuns: runs(200) },
  )
  if (!isReplay) expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(20)
})
