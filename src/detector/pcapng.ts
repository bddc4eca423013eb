import { type CaptureFormat, type Frame, MAX_CAPTURED } from './frame.ts'
import { refuseLinkType } from './link-layer.ts'
import { uint16Little as uint16, uint32Little as uint32 } from './octets.ts'

/** It reads the same in both byte orders. */
export const SECTION_HEADER = 0x0a0d_0d0a
const INTERFACE = 1
const ENHANCED_PACKET = 6
/** Packet blocks of old and odd writers: the obsolete and the simple one. */
const UNREAD_PACKETS = new Set([2, 3])

/** Type, length and, of a section header, the byte order: an empty block with its second length has as much. */
const HEAD = 12
/** The largest frame and as much again for its options. */
const MAX_BLOCK = 2 * MAX_CAPTURED
const MAX_INTERFACES = 4096

const CONVERT = '— convert it with editcap -F pcap'

/** What an interface description block says about the packets that came by the interface. */
interface Interface {
  readonly linkType: number
  /** How many units of the time stamps make a millisecond. */
  readonly unitsPerMs: bigint
}

const IF_TSRESOL = 9
const IF_TSOFFSET = 14
/** Microseconds, which need not be said, and nanoseconds: what capture programs on Linux write. */
const UNITS_PER_MS = new Map([
  [6, 1000n],
  [9, 1_000_000n],
])

/** ECMAScript's dates end here, as those of most calendars do sooner. */
const LAST_TIME_MS = 8_640_000_000_000_000n

const readInterface = (unit: Uint8Array): Interface | string => {
  const end = unit.length - 4
  if (end < 16) return 'the interface description is too short'
  let unitsPerMs: bigint | undefined = 1000n
  for (let at = 16; at + 4 <= end; ) {
    const code = uint16(unit, at)
    const length = uint16(unit, at + 2)
    if (code === 0) break
    if (at + 4 + length > end) return `option ${code} of the interface runs over the end of its block`
    if (code === IF_TSRESOL) unitsPerMs = UNITS_PER_MS.get(unit[at + 4] ?? 6)
    if (unitsPerMs === undefined || code === IF_TSOFFSET)
      return `the interface has times in other units than micro- or nanoseconds since 1970 ${CONVERT}`
    at += 4 + Math.ceil(length / 4) * 4
  }
  return { linkType: uint16(unit, 8), unitsPerMs }
}

const readPacket = (unit: Uint8Array, interfaces: readonly Interface[]): Frame | string => {
  if (unit.length < 32) return 'the packet block is too short'
  const index = uint32(unit, 8)
  const its = interfaces[index]
  if (its === undefined) return `the packet came by interface ${index}, which the section does not describe`
  // An interface may be of any kind as long as nothing has come by it.
  const refusal = refuseLinkType(its.linkType)
  if (refusal !== null) return `interface ${index}: ${refusal}`
  const captured = uint32(unit, 20)
  if (captured > Math.min(MAX_CAPTURED, unit.length - 32))
    return `the packet claims ${captured} captured bytes, more than its block can have`
  // Nanoseconds do not fit a number: rounding them would now and then give the millisecond next to the true one.
  const timeMs = ((BigInt(uint32(unit, 12)) << 32n) | BigInt(uint32(unit, 16))) / its.unitsPerMs
  if (timeMs > LAST_TIME_MS) return 'the packet’s time is beyond any calendar'
  const bytes = unit.subarray(28, 28 + captured)
  const originalLength = Math.max(uint32(unit, 24), captured)
  return { timeMs: Number(timeMs), linkType: its.linkType, bytes, originalLength }
}

/** The blocks of a pcapng file, as draft-ietf-opsawg-pcapng describes them and Wireshark's dumpcap writes them. */
export const createPcapng = (): CaptureFormat => {
  let interfaces: Interface[] = []

  const measure = (head: Uint8Array): number | string => {
    if (uint32(head, 0) === SECTION_HEADER && uint32(head, 8) !== 0x1a2b_3c4d)
      return `the section header is not in the byte order that is read, little-endian ${CONVERT}`
    const length = uint32(head, 4)
    if (length < HEAD) return `the block claims ${length} bytes, fewer than the ${HEAD} of an empty one`
    if (length % 4 !== 0) return `the block claims ${length} bytes, which is not a multiple of 4`
    return length > MAX_BLOCK
      ? `the block claims ${length} bytes, more than the ${MAX_BLOCK} that are read ${CONVERT}`
      : length
  }

  const readSection = (unit: Uint8Array): string | null => {
    if (unit.length < 28) return 'the section header is too short'
    const major = uint16(unit, 12)
    if (major !== 1) return `version ${major}.${uint16(unit, 14)} of pcapng is not known, only 1.x`
    interfaces = []
    return null
  }

  const addInterface = (unit: Uint8Array): string | null => {
    if (interfaces.length === MAX_INTERFACES) return `the section has more than ${MAX_INTERFACES} interfaces`
    const described = readInterface(unit)
    if (typeof described === 'string') return described
    interfaces.push(described)
    return null
  }

  const read = (unit: Uint8Array): Frame | string | null => {
    const type = uint32(unit, 0)
    const again = uint32(unit, unit.length - 4)
    if (again !== unit.length)
      return `the block claims ${unit.length} bytes at its start and ${again} at its end`
    if (type === SECTION_HEADER) return readSection(unit)
    if (type === INTERFACE) return addInterface(unit)
    if (UNREAD_PACKETS.has(type)) return `packet blocks of type ${type} are not read ${CONVERT}`
    return type === ENHANCED_PACKET ? readPacket(unit, interfaces) : null
  }

  return { unit: 'block', headLength: () => HEAD, measure, read }
}
