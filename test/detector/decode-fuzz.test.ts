import { expect, it } from 'vitest'
import { createCaptureReader } from '../../src/detector/capture-file.ts'
import { createDecoder } from '../../src/detector/decode.ts'
import { MAX_DATAGRAMS, MAX_RANGES } from '../../src/detector/reassembly.ts'
import { blocks, pcap } from './captures.ts'
import { CORPUS } from './corpus.ts'
import { ipv4, joined, payload } from './packets.ts'

const SEED = 20261121
const TIMEOUT_MS = 120_000

/** Marsaglia's xorshift32: whole numbers below `limit`, the same in every run. */
const generator = (seed: number) => {
  let state = seed
  return (limit: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % limit
  }
}

type Random = ReturnType<typeof generator>

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T

/** Octets that lengths and offsets turn on. */
const EDGES = [0, 1, 4, 5, 6, 17, 0x20, 0x3f, 0x44, 0x4f, 0x60, 0x7f, 0x80, 0xff]

const flip = (bytes: Uint8Array, random: Random): Uint8Array => {
  const changed = bytes.slice()
  if (changed.length === 0) return changed
  for (let count = random(4); count >= 0; count--)
    changed[random(changed.length)] = random(2) ? random(256) : pick(random, EDGES)
  return changed
}

const splice = (one: Uint8Array, other: Uint8Array, random: Random): Uint8Array => {
  const head = one.subarray(0, random(one.length + 1))
  const tail = other.subarray(random(other.length + 1))
  const bytes = new Uint8Array(head.length + tail.length)
  bytes.set(head)
  bytes.set(tail, head.length)
  return bytes
}

const mutate = (bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array => {
  const kind = random(8)
  if (kind === 0) return bytes.subarray(0, random(bytes.length + 1))
  if (kind === 1) return splice(bytes, other, random)
  return kind === 2 ? flip(splice(bytes, other, random), random) : flip(bytes, random)
}

const FRAGMENT = ipv4(payload(17, [1, 2, 3, 4, 5, 6, 7, 8]))
const RAW = 101

/** One of a few datagrams' many fragments, or of many datagrams': both pile up. At times it is the last. */
const fragment = (random: Random): Uint8Array => {
  const bytes = FRAGMENT.slice()
  const id = random(20) ? random(2) : random(65_536)
  const flags = random(3000) ? 0x20 : 0
  bytes.set([id >> 8, id & 255, flags + random(32), random(256)], 4)
  return bytes
}

it(
  `makes something or nothing of a million spoilt packets, in bounded space (seed ${SEED})`,
  () => {
    const random = generator(SEED)
    const captures = Object.values(CORPUS)
    const { decode, counts, sizes } = createDecoder()
    let packets = 0
    let most = { datagrams: 0, ranges: 0 }
    const frame = (): { linkType: number; bytes: Uint8Array } => {
      if (random(8) === 0) return { linkType: RAW, bytes: fragment(random) }
      const { linkType, frames } = pick(random, captures)
      const bytes = mutate(pick(random, frames), pick(random, frames), random)
      return { linkType: random(50) ? linkType : random(300), bytes }
    }
    for (let round = 0; round < 1_000_000; round++) {
      const { linkType, bytes } = frame()
      // Mostly forward, so that fragments meet; at times far away, and backwards.
      const timeMs = random(100_000) === 0 ? random(1e9) : round
      const originalLength = random(4) === 0 ? random(70_000) : bytes.length
      packets += decode({ timeMs, linkType, bytes, originalLength }).length
      if (round % 50 !== 0) continue
      const { datagrams, ranges } = sizes()
      most = { datagrams: Math.max(most.datagrams, datagrams), ranges: Math.max(most.ranges, ranges) }
    }
    expect(counts.decoded).toBe(packets)
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(1000)
    expect(most.datagrams).toBe(MAX_DATAGRAMS)
    expect(most.ranges).toBeLessThanOrEqual(MAX_RANGES)
    expect(most.ranges).toBeGreaterThan(MAX_RANGES / 2)
  },
  TIMEOUT_MS,
)

const [little, big] = [blocks('little'), blocks('big')]
const FRAMES = (CORPUS['ethernet']?.frames ?? []).slice(0, 12)

const FILES = [
  pcap(FRAMES.map((bytes) => ({ bytes }))),
  pcap(
    FRAMES.map((bytes) => ({ bytes })),
    { order: 'big', magic: 0xa1b23c4d },
  ),
  ...[little, big].map((its) =>
    joined(
      ...[its.section(), its.interface(1, [its.resolution(9), its.offset(5n)], 200)],
      ...FRAMES.flatMap((bytes) => [its.enhanced(bytes, 7n), its.simple(bytes), its.obsolete(bytes)]),
      ...[its.block(5, [1, 2, 3, 4]), its.section(), its.interface(113), its.enhanced([1, 2, 3])],
    ),
  ),
]

/** A record of 262,144 bytes with its header; a block of twice as many. */
const MAX_BUFFERED = 524_288

it(
  `reads spoilt files in any chunks, in bounded space (seed ${SEED})`,
  () => {
    const random = generator(SEED)
    const outcomes = { whole: 0, faulty: 0, frames: 0 }
    for (let round = 0; round < 10_000; round++) {
      const file = random(10) ? mutate(pick(random, FILES), pick(random, FILES), random) : pick(random, FILES)
      const reader = createCaptureReader()
      const { decode } = createDecoder()
      const most = 1 + random(random(2) ? 20 : 2000)
      for (let at = 0; at < file.length; ) {
        const chunk = file.subarray(at, at + 1 + random(most))
        at += chunk.length
        for (const frame of reader.push(chunk)) {
          outcomes.frames += 1 + decode(frame).length
        }
        if (reader.buffered() > MAX_BUFFERED)
          throw new Error(`round ${round}: ${reader.buffered()} bytes held`)
      }
      const fault = reader.end()
      if (fault !== null && (fault.offset < 0 || fault.offset > file.length || fault.message === ''))
        throw new Error(`round ${round}: ${JSON.stringify(fault)}`)
      outcomes[fault === null ? 'whole' : 'faulty']++
    }
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(1000)
  },
  TIMEOUT_MS,
)
