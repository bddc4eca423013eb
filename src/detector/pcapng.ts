import { BadCapture, MAX_CAPTURED, type UnitReader } from './frame.ts'
import { checkLinkType } from './link-layer.ts'
import { uint16Little as uint16, uint32Little as uint32 } from './octets.ts'

/** The same number in both byte orders. */
export const SECTION_HEADER = 0x0a0d_0d0a
const INTERFACE = 1
const ENHANCED_PACKET = 6

/** Type, length, and the byte order of a section header; also the size of an empty block, with its second length. */
const HEAD = 12
/** Minimum size of each block type. */
const SHORTEST = new Map([
  [SECTION_HEADER, 28],
  [INTERFACE, 20],
  [ENHANCED_PACKET, 32],
])
/** The largest frame, and the same size for its options. */
const MAX_BLOCK = 2 * MAX_CAPTURED

const CONVERT = '— convert it with editcap -F pcap'

/** The fields of an interface description block that apply to its packets. */
interface Interface {
  readonly linkType: number
  /** Timestamp units per millisecond. */
  readonly unitsPerMs: bigint
}

const IF_TSRESOL = 9
const IF_TSOFFSET = 14
/** Microseconds, the default, and nanoseconds: what capture programs on Linux write. */
const UNITS_PER_MS = new Map([
  [6, 1000n],
  [9, 1_000_000n],
])

/** The latest time of an ECMAScript Date. */
const LAST_TIME_MS = 8_640_000_000_000_000n

const readInterface = (block: Uint8Array): Interface => {
  const end = block.length - 4
  let unitsPerMs: bigint | undefined = 1000n
  for (let at = 16; at + 4 <= end && uint16(block, at) !== 0; ) {
    const code = uint16(block, at)
    if (code === IF_TSRESOL) unitsPerMs = UNITS_PER_MS.get(block[at + 4] ?? 6)
    if (unitsPerMs === undefined || code === IF_TSOFFSET)
      throw new BadCapture(
        `the interface has times in other units than micro- or nanoseconds since 1970 ${CONVERT}`,
      )
    at += 4 + Math.ceil(uint16(block, at + 2) / 4) * 4
  }
  return { linkType: uint16(block, 8), unitsPerMs }
}

const readPacket = (
  bytes: Uint8Array,
  start: number,
  length: number,
  interfaces: readonly Interface[],
  frame: Parameters<UnitReader>[2],
): void => {
  const index = uint32(bytes, start + 8)
  const its = interfaces[index]
  if (its === undefined)
    throw new BadCapture(`the packet came by interface ${index}, which the section does not describe`)
  // The link type of an interface matters only if it has packets.
  checkLinkType(its.linkType)
  const captured = uint32(bytes, start + 20)
  if (captured > Math.min(MAX_CAPTURED, length - 32))
    throw new BadCapture(`the packet claims ${captured} captured bytes, more than its block can have`)
  // Nanoseconds since the epoch do not fit a number: rounding could give an adjacent millisecond.
  const units = (BigInt(uint32(bytes, start + 12)) << 32n) | BigInt(uint32(bytes, start + 16))
  const timeMs = units / its.unitsPerMs
  if (timeMs > LAST_TIME_MS) throw new BadCapture('the packet’s time is out of range')
  frame.timeMs = Number(timeMs)
  frame.linkType = its.linkType
  frame.bytes = bytes
  frame.start = start + 28
  frame.end = frame.start + captured
  frame.originalLength = Math.max(uint32(bytes, start + 24), captured)
}

/** The size of the block with the header at `start`. */
const measure = (bytes: Uint8Array, start: number): number => {
  if (uint32(bytes, start) === SECTION_HEADER && uint32(bytes, start + 8) !== 0x1a2b_3c4d)
    throw new BadCapture(`the section header is not little-endian, the only supported byte order ${CONVERT}`)
  const length = uint32(bytes, start + 4)
  if (length < HEAD || length % 4 !== 0 || length > MAX_BLOCK)
    throw new BadCapture(
      `the block claims ${length} bytes: only ${HEAD} to ${MAX_BLOCK} are supported, in steps of 4 ${CONVERT}`,
    )
  return length
}

/** The blocks of a pcapng file, as draft-ietf-opsawg-pcapng describes them and Wireshark's dumpcap writes them. */
export const createPcapng = (): UnitReader => {
  let interfaces: Interface[] = []
  return (bytes, start, frame) => {
    if (bytes.length - start < HEAD) return 0
    const length = measure(bytes, start)
    if (bytes.length - start < length) return 0
    const type = uint32(bytes, start)
    const again = uint32(bytes, start + length - 4)
    if (again !== length)
      throw new BadCapture(`the block claims ${length} bytes at its start and ${again} at its end`)
    if (length < (SHORTEST.get(type) ?? HEAD))
      throw new BadCapture(`the block of type ${type} is too short: it has only ${length} bytes`)
    if (type === ENHANCED_PACKET) readPacket(bytes, start, length, interfaces, frame)
    if (type === INTERFACE) interfaces.push(readInterface(bytes.subarray(start, start + length)))
    if (type === SECTION_HEADER) {
      const major = uint16(bytes, start + 12)
      if (major !== 1)
        throw new BadCapture(
          `version ${major}.${uint16(bytes, start + 14)} of pcapng is not supported, only 1.x`,
        )
      interfaces = []
    }
    // The obsolete and the simple packet block, which only old or unusual programs write.
    if (type === 2 || type === 3)
      throw new BadCapture(`packet blocks of type ${type} are not supported ${CONVERT}`)
    return length
  }
}
