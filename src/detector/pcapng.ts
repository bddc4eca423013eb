import { type CaptureFormat, type Frame, MAX_CAPTURED, type Measure } from './frame.ts'
import { isKnownLinkType } from './link-layer.ts'
import { BIG_ENDIAN, type ByteOrder, LITTLE_ENDIAN, uint32 } from './octets.ts'
import { type Interface, readInterface, timeMsOf } from './pcapng-interface.ts'

export const SECTION_HEADER = 0x0a0d_0d0a
const INTERFACE = 1
/** The packet block that the enhanced one replaced: it has a 16-bit interface and a count of lost packets. */
const OBSOLETE_PACKET = 2
const SIMPLE_PACKET = 3
const ENHANCED_PACKET = 6
const KEPT = new Set([SECTION_HEADER, INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET])

/** Type, length and, of a section header, the byte order: an empty block with its second length has as much. */
const HEAD = 12
/** Of a block that is kept: the largest frame and as much again for its options. */
const MAX_KEPT = 2 * MAX_CAPTURED
/** Of a block that is passed over, as in libpcap. */
const MAX_SKIPPED = 16 * 1024 * 1024
const MAX_INTERFACES = 4096

/** The section header's type reads the same in both byte orders; its third number tells which one it is. */
const orderOf = (head: Uint8Array, current: ByteOrder): ByteOrder | null => {
  if (uint32(head, 0) !== SECTION_HEADER) return current
  return [BIG_ENDIAN, LITTLE_ENDIAN].find((order) => order.uint32(head, 8) === 0x1a2b_3c4d) ?? null
}

/** Where a packet block has what it says of its packet. */
interface PacketFields {
  readonly index: number
  readonly start: number
  readonly captured: number
  readonly originalLength: number
  readonly timeMs: number | null
}

const readPacketFields = (
  unit: Uint8Array,
  { uint16, uint32 }: ByteOrder,
  interfaces: readonly Interface[],
): PacketFields | string => {
  if (unit.length < 32) return 'the packet block is too short'
  const index = uint32(unit, 0) === OBSOLETE_PACKET ? uint16(unit, 8) : uint32(unit, 8)
  const its = interfaces[index]
  const timeMs = its ? timeMsOf(its, uint32(unit, 12), uint32(unit, 16)) : null
  return { index, start: 28, captured: uint32(unit, 20), originalLength: uint32(unit, 24), timeMs }
}

/** A simple packet has no time of its own: that of the packet before it comes nearest. */
const readSimplePacketFields = (
  unit: Uint8Array,
  { uint32 }: ByteOrder,
  interfaces: readonly Interface[],
  timeMs: number,
): PacketFields | string => {
  if (unit.length < 16) return 'the packet block is too short'
  const originalLength = uint32(unit, 8)
  const captured = Math.min(originalLength, interfaces[0]?.snapLength || MAX_CAPTURED)
  return { index: 0, start: 12, captured, originalLength, timeMs }
}

const frameOf = (
  unit: Uint8Array,
  { index, start, captured, originalLength, timeMs }: PacketFields,
  interfaces: readonly Interface[],
): Frame | string => {
  const its = interfaces[index]
  if (its === undefined) return `the packet came by interface ${index}, which the section does not describe`
  // An interface may be of any kind as long as nothing has come by it.
  if (!isKnownLinkType(its.linkType)) return `link type ${its.linkType} of interface ${index} is not known`
  if (captured > Math.min(MAX_CAPTURED, unit.length - 4 - start))
    return `the packet claims ${captured} captured bytes, more than its block can have`
  if (timeMs === null) return 'the packet’s time is beyond any calendar'
  const bytes = unit.subarray(start, start + captured)
  return { timeMs, linkType: its.linkType, bytes, originalLength: Math.max(originalLength, captured) }
}

/** The blocks of a pcapng file, as draft-ietf-opsawg-pcapng describes them. Sections may differ in byte order. */
export const createPcapng = (): CaptureFormat => {
  let order = BIG_ENDIAN
  let interfaces: Interface[] = []
  let lastTimeMs = 0

  const measure = (head: Uint8Array): Measure | string => {
    const its = orderOf(head, order)
    if (its === null) return 'the section header has no byte order of pcapng'
    const length = its.uint32(head, 4)
    if (length < HEAD) return `the block claims ${length} bytes, fewer than the ${HEAD} of an empty one`
    if (length % 4 !== 0) return `the block claims ${length} bytes, which is not a multiple of 4`
    const isKept = KEPT.has(its.uint32(head, 0))
    const most = isKept ? MAX_KEPT : MAX_SKIPPED
    if (length > most) return `the block claims ${length} bytes, more than the ${most} that are sensible`
    return isKept ? { keep: length, skip: 0 } : { keep: HEAD, skip: length - HEAD }
  }

  const readSection = (unit: Uint8Array): string | null => {
    if (unit.length < 28) return 'the section header is too short'
    const major = order.uint16(unit, 12)
    if (major !== 1) return `version ${major}.${order.uint16(unit, 14)} of pcapng is not known, only 1.x`
    interfaces = []
    return null
  }

  const addInterface = (unit: Uint8Array): string | null => {
    if (interfaces.length === MAX_INTERFACES) return `the section has more than ${MAX_INTERFACES} interfaces`
    const described = readInterface(unit, order)
    if (typeof described === 'string') return described
    interfaces.push(described)
    return null
  }

  const readPacket = (unit: Uint8Array, type: number): Frame | string => {
    const fields =
      type === SIMPLE_PACKET
        ? readSimplePacketFields(unit, order, interfaces, lastTimeMs)
        : readPacketFields(unit, order, interfaces)
    if (typeof fields === 'string') return fields
    const frame = frameOf(unit, fields, interfaces)
    if (typeof frame !== 'string') lastTimeMs = frame.timeMs
    return frame
  }

  const read = (unit: Uint8Array): Frame | string | null => {
    order = orderOf(unit, order) ?? order
    const type = order.uint32(unit, 0)
    if (!KEPT.has(type)) return null
    const again = order.uint32(unit, unit.length - 4)
    if (again !== unit.length)
      return `the block claims ${unit.length} bytes at its start and ${again} at its end`
    if (type === SECTION_HEADER) return readSection(unit)
    return type === INTERFACE ? addInterface(unit) : readPacket(unit, type)
  }

  return { unit: 'block', headLength: () => HEAD, measure, read }
}
