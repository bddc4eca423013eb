import { type ByteOrder, joined64 } from './octets.ts'

/** What an interface description block of pcapng says about the packets that came by the interface. */
export interface Interface {
  readonly linkType: number
  /** Bytes captured of a packet at most; 0: no limit. */
  readonly snapLength: number
  /** How many units of the time stamps make a second. */
  readonly unitsPerSecond: bigint
  /** Seconds to add to each time stamp. */
  readonly offsetSeconds: bigint
}

const IF_TSRESOL = 9
const IF_TSOFFSET = 14

/** ECMAScript's dates end here, as those of most calendars do sooner. */
const LAST_TIME_MS = 8_640_000_000_000_000n

/** The upper bit tells a power of 2 from one of 10. */
const unitsOf = (resolution: number): bigint =>
  resolution > 127 ? 2n ** BigInt(resolution - 128) : 10n ** BigInt(resolution)

/** Reads a whole interface description block, or tells what is wrong with it. */
export const readInterface = (
  unit: Uint8Array,
  { uint16, uint32, uint64 }: ByteOrder,
): Interface | string => {
  const end = unit.length - 4
  if (end < 16) return 'the interface description is too short'
  let unitsPerSecond = 1_000_000n
  let offsetSeconds = 0n
  for (let at = 16; at + 4 <= end; ) {
    const code = uint16(unit, at)
    const length = uint16(unit, at + 2)
    if (code === 0) break
    if (at + 4 + length > end) return `option ${code} of the interface runs over the end of its block`
    if (code === IF_TSRESOL && length === 1) unitsPerSecond = unitsOf(unit[at + 4] ?? 6)
    if (code === IF_TSOFFSET && length === 8) offsetSeconds = BigInt.asIntN(64, uint64(unit, at + 4))
    at += 4 + Math.ceil(length / 4) * 4
  }
  return { linkType: uint16(unit, 8), snapLength: uint32(unit, 12), unitsPerSecond, offsetSeconds }
}

/**
 * Milliseconds since the epoch, rounded down, of a time stamp's two halves; null where no calendar reaches.
 * Nanoseconds do not fit a number: rounding them would now and then give the millisecond next to the true one.
 */
export const timeMsOf = (its: Interface, high: number, low: number): number | null => {
  const timeMs = (joined64(high, low) * 1000n) / its.unitsPerSecond + its.offsetSeconds * 1000n
  return timeMs > LAST_TIME_MS || timeMs < -LAST_TIME_MS ? null : Number(timeMs)
}
