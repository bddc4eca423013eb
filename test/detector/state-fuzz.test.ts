import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Mode } from '../../src/detector/decision.ts'
import type { Detector, Sizes } from '../../src/detector/detector.ts'
import { FLAGS, type Packet } from '../../src/detector/packet.ts'
import { MOST_HOSTS } from '../../src/detector/trigger.ts'
import { isReplay, runs } from '../fast-check.ts'
import { detectorFor, packet, watch } from './daemon.ts'

const ipv4 = (index: number): number[] => [
  1 + ((index >> 24) & 63),
  (index >> 16) & 255,
  (index >> 8) & 255,
  index & 255,
]
const ipv6 = (index: number): number[] => [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, ...ipv4(index)]

const largest = (one: Sizes, other: Sizes): Sizes => ({
  trigger: Math.max(one.trigger, other.trigger),
  blocked: Math.max(one.blocked, other.blocked),
  handshakes: Math.max(one.handshakes, other.handshakes),
})

const NOTHING: Sizes = { trigger: 0, blocked: 0, handshakes: 0 }

/** Shows the packets to the daemon; its largest sizes meanwhile, asked for now and then, and how much it settled. */
const flood = async (
  detector: Detector,
  packets: Iterable<Packet>,
): Promise<{ largest: Sizes; settled: number }> => {
  let most = NOTHING
  let settled = 0
  let count = 0
  const { watcher } = watch([detector], {}, () => {
    settled += 1
  })
  for (const one of packets) {
    await watcher.observe(one)
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

/** A million in `npm run fuzz`. */
const MANY = runs(20_000)

describe(`${MANY} sources`, () => {
  it('are all known at once, and so are a million', () =>
    expect(MOST_HOSTS).toBeGreaterThanOrEqual(1_000_000))

  it('1.2', async () => {
    const { largest: sizes, settled } = await flood(
      detectorFor('atcp', { SCAN_TRIGGER: '1' }),
      sources(MANY, ipv4),
    )
    expect(settled).toBe(MANY)
    expect(sizes.trigger).toBe(50)
    expect(sizes.blocked).toBeLessThanOrEqual(MANY)
  })

  it('2.x, both families', async () => {
    const detector = detectorFor('stealth', { SCAN_TRIGGER: '1' })
    expect((await flood(detector, sources(MANY, ipv4))).settled).toBe(MANY)
    expect((await flood(detector, sources(1000, ipv6))).settled).toBe(1000)
    const known = Math.min(MANY + 1000, MOST_HOSTS)
    expect(detector.sizes()).toEqual({ trigger: known, blocked: known, handshakes: 0 })
  })
})

describe('more than the bounds', () => {
  const bounds = { trigger: 1000, blocked: 500, handshakes: 64 }

  it.each<[Mode, (index: number) => number[], Partial<Sizes>]>([
    ['atcp', ipv4, { trigger: 50, blocked: 500 }],
    ['stealth', ipv4, { trigger: 1000, blocked: 500 }],
    ['stealth', ipv6, { trigger: 1000, blocked: 500 }],
    ['tcp', ipv4, { handshakes: 64, trigger: 0 }],
    ['connect', ipv6, { handshakes: 64, trigger: 0 }],
  ])('-%s (%#)', async (mode, addressOf, expected) => {
    const detector = detectorFor(mode, { SCAN_TRIGGER: '1' }, { bounds })
    expect((await flood(detector, sources(5000, addressOf))).largest).toMatchObject(expected)
  })

  const modes = ['tcp', 'stcp', 'atcp', 'udp', 'sudp', 'audp', 'stealth', 'connect'] as const
  const few = { trigger: 60, blocked: 30, handshakes: 64 }
  const usually = <T>(value: T, others: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant(value) }, others)
  const fields = fc.record({
    timeMs: fc.nat({ max: 2 ** 41 }),
    protocol: fc.constantFrom('tcp', 'udp'),
    sourcePort: fc.nat({ max: 1 }),
    port: fc.constantFrom(0, 7, 9, 11, 15, 79, 65_535),
    flags: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0, FLAGS.SYN, FLAGS.ACK) }, fc.nat({ max: 255 })),
    hasIpOptions: fc.constantFrom(true, false, null),
    isFragment: usually(false, fc.boolean()),
    delivery: usually('host', fc.constantFrom('broadcast', 'multicast', 'other-host', 'outgoing', 'unknown')),
  })
  const sourceIndex = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 3 }) }, fc.nat({ max: 200 }))
  const anything = fc
    .tuple(fc.constantFrom(ipv4, ipv6), sourceIndex, fc.nat({ max: 2 }), fields)
    .map(([addressOf, source, destination, others]): Packet => {
      return { ...others, source: addressOf(source), destination: addressOf(destination) }
    })
  const packets = fc.noBias(fc.array(anything, { maxLength: 2000, size: 'max' }))

  it.each(modes)('in any order, with anything in the packets: %s', async (mode) => {
    let settled = 0
    await fc.assert(
      fc.asyncProperty(packets, async (batch) => {
        const flooded = await flood(detectorFor(mode, { SCAN_TRIGGER: '2' }, { bounds: few }), batch)
        settled += flooded.settled
        const { trigger, blocked, handshakes } = flooded.largest
        expect(trigger).toBeLessThanOrEqual(few.trigger)
        expect(blocked).toBeLessThanOrEqual(few.blocked)
        expect(handshakes).toBeLessThanOrEqual(few.handshakes)
      }),
      { numRuns: runs(6) },
    )
    if (!isReplay) expect(settled).toBeGreaterThan(0)
  })
})
