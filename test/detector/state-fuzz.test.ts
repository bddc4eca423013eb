import { describe, expect, it } from 'vitest'
import type { Mode } from '../../src/detector/decision.ts'
import type { Detector, Sizes } from '../../src/detector/detector.ts'
import { FLAGS, type Packet } from '../../src/detector/packet.ts'
import { detectorFor, packet, watch } from './daemon.ts'

const SEED = 0x5eed
console.info(`state-fuzz: seed ${SEED}`)

/** mulberry32. */
const createRandom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const ipv4 = (index: number): number[] => [
  1 + ((index >> 24) & 63),
  (index >> 16) & 255,
  (index >> 8) & 255,
  index & 255,
]
const ipv6 = (index: number): number[] => [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, ...ipv4(index)]

const largest = (one: Sizes, other: Sizes): Sizes => ({
  triggerIPv4: Math.max(one.triggerIPv4, other.triggerIPv4),
  triggerIPv6: Math.max(one.triggerIPv6, other.triggerIPv6),
  blockedIPv4: Math.max(one.blockedIPv4, other.blockedIPv4),
  blockedIPv6: Math.max(one.blockedIPv6, other.blockedIPv6),
  handshakes: Math.max(one.handshakes, other.handshakes),
})

const NOTHING: Sizes = { triggerIPv4: 0, triggerIPv6: 0, blockedIPv4: 0, blockedIPv6: 0, handshakes: 0 }

/** Shows the packets to the daemon; its largest sizes meanwhile, asked for now and then, and how much it settled. */
const flood = (detector: Detector, packets: Iterable<Packet>): { largest: Sizes; settled: number } => {
  let most = NOTHING
  let settled = 0
  let count = 0
  const { watcher } = watch([detector], {}, () => {
    settled += 1
  })
  for (const one of packets) {
    if (watcher.observe(one) !== undefined) throw new Error('a promise where nothing waits')
    count += 1
    if (count % 97 === 0) most = largest(most, detector.sizes())
  }
  return { largest: largest(most, detector.sizes()), settled }
}

function* sources(count: number, addressOf: (index: number) => number[]): Generator<Packet> {
  const sample = packet()
  const destination =
    addressOf(0).length === 4 ? sample.destination : packet({ from: '2001:db8::9' }).destination
  for (let index = 1; index <= count; index += 1) {
    yield { ...sample, source: addressOf(index), destination, port: [11, 15, 79][index % 3] ?? 11 }
  }
}

const MILLION = 1_000_000

describe('a million sources', () => {
  it('1.2', { timeout: 120_000 }, () => {
    const { largest: sizes, settled } = flood(
      detectorFor('atcp', { SCAN_TRIGGER: '1' }),
      sources(MILLION, ipv4),
    )
    expect(settled).toBe(MILLION)
    expect(sizes.triggerIPv4).toBe(50)
    expect(sizes.blockedIPv4).toBeLessThanOrEqual(MILLION)
  })

  it('2.x, both families', { timeout: 120_000 }, () => {
    const detector = detectorFor('stealth', { SCAN_TRIGGER: '1' })
    expect(flood(detector, sources(MILLION, ipv4)).settled).toBe(MILLION)
    expect(flood(detector, sources(1000, ipv6)).settled).toBe(1000)
    expect(detector.sizes()).toEqual({
      triggerIPv4: MILLION,
      triggerIPv6: 1000,
      blockedIPv4: MILLION,
      blockedIPv6: 1000,
      handshakes: 0,
    })
  })
})

describe('more than the bounds', () => {
  const bounds = { trigger: 1000, blocked: 500, handshakes: 64 }

  it.each<[Mode, (index: number) => number[], Partial<Sizes>]>([
    ['atcp', ipv4, { triggerIPv4: 50, blockedIPv4: 500 }],
    ['stealth', ipv4, { triggerIPv4: 1000, blockedIPv4: 500 }],
    ['stealth', ipv6, { triggerIPv6: 1000, blockedIPv6: 500 }],
    ['tcp', ipv4, { handshakes: 64, triggerIPv4: 0 }],
    ['connect', ipv6, { handshakes: 64, triggerIPv6: 0 }],
  ])('-%s (%#)', (mode, addressOf, expected) => {
    const detector = detectorFor(mode, { SCAN_TRIGGER: '1' }, { bounds })
    expect(flood(detector, sources(100_000, addressOf)).largest).toMatchObject(expected)
  })

  it('in any order, with anything in the packets', { timeout: 120_000 }, () => {
    const random = createRandom(SEED)
    const below = (bound: number) => Math.floor(random() * bound)
    const pick = <T>(...of: readonly [T, ...T[]]): T => of[below(of.length)] ?? of[0]
    const modes = ['tcp', 'stcp', 'atcp', 'udp', 'sudp', 'audp', 'stealth', 'connect'] as const
    const detectors = modes.map((mode) => detectorFor(mode, { SCAN_TRIGGER: '2' }, { bounds }))
    function* anything(): Generator<Packet> {
      for (let index = 0; index < 50_000; index += 1) {
        const addressOf = pick(ipv4, ipv6)
        const protocol = pick('tcp', 'udp')
        yield {
          timeMs: below(2 ** 41),
          protocol,
          source: addressOf(below(pick(8, 3000))),
          destination: addressOf(below(3)),
          sourcePort: below(2),
          port: pick(0, 7, 9, 11, 15, 79, 65_535),
          flags: protocol === 'udp' ? 0 : pick(0, FLAGS.SYN, FLAGS.ACK, below(256)),
          hasIpOptions: pick(true, false, null),
          hasExtensionHeaders: pick(true, false),
          fragmentation: pick('none', 'first', 'reassembled'),
          delivery: pick('host', 'broadcast', 'multicast', 'other-host', 'outgoing', 'unknown'),
          hasWholeHeader: pick(true, false),
        }
      }
    }
    for (const detector of detectors) {
      const { largest: sizes, settled } = flood(detector, anything())
      expect(settled).toBeGreaterThan(0)
      expect(Math.max(sizes.triggerIPv4, sizes.triggerIPv6)).toBeLessThanOrEqual(bounds.trigger)
      expect(Math.max(sizes.blockedIPv4, sizes.blockedIPv6)).toBeLessThanOrEqual(bounds.blocked)
      expect(sizes.handshakes).toBeLessThanOrEqual(bounds.handshakes)
    }
  })
})
