import { type CaptureFormat, MAX_CAPTURED } from './frame.ts'
import { refuseLinkType } from './link-layer.ts'
import { uint16Little as uint16, uint32Little as uint32 } from './octets.ts'

const FILE_HEADER = 24
const RECORD_HEADER = 16

/**
 * The records of a pcap file after its magic number, as draft-ietf-opsawg-pcap describes them.
 * `fractionsPerMs` is 1000 where the magic number says microseconds, 1,000,000 for nanoseconds.
 */
export const createPcap = (fractionsPerMs: number): CaptureFormat => {
  let linkType: number | null = null

  const readFileHeader = (unit: Uint8Array): string | null => {
    const major = uint16(unit, 4)
    if (major !== 2) return `version ${major}.${uint16(unit, 6)} of pcap is not known, only 2.x`
    // The upper bits tell the length of a frame check sequence, which the IP header's own length cuts off.
    linkType = uint32(unit, 20) % 0x400_0000
    return refuseLinkType(linkType)
  }

  return {
    unit: 'record',
    headLength: () => (linkType === null ? FILE_HEADER : RECORD_HEADER),
    measure: (head) => {
      if (linkType === null) return FILE_HEADER
      const captured = uint32(head, 8)
      return captured > MAX_CAPTURED
        ? `the record claims ${captured} captured bytes, more than the ${MAX_CAPTURED} that any capture has`
        : RECORD_HEADER + captured
    },
    read: (unit) => {
      if (linkType === null) return readFileHeader(unit)
      const bytes = unit.subarray(RECORD_HEADER)
      return {
        timeMs: uint32(unit, 0) * 1000 + Math.floor(uint32(unit, 4) / fractionsPerMs),
        linkType,
        bytes,
        originalLength: Math.max(uint32(unit, 12), bytes.length),
      }
    },
  }
}
