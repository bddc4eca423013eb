import { BadCapture, MAX_CAPTURED, type UnitReader } from './frame.ts'
import { checkLinkType } from './link-layer.ts'
import { uint16Little as uint16, uint32Little as uint32 } from './octets.ts'

const FILE_HEADER = 24
const RECORD_HEADER = 16

/**
 * The header and the records of a pcap file, as draft-ietf-opsawg-pcap describes them. `fractionsPerMs` is 1000 if
 * the magic number means microseconds, 1,000,000 for nanoseconds.
 */
export const createPcap = (fractionsPerMs: number): UnitReader => {
  let linkType: number | null = null
  return (bytes, start, frame) => {
    const available = bytes.length - start
    if (linkType === null) {
      if (available < FILE_HEADER) return 0
      const major = uint16(bytes, start + 4)
      if (major !== 2)
        throw new BadCapture(
          `version ${major}.${uint16(bytes, start + 6)} of pcap is not supported, only 2.x`,
        )
      // The upper bits are the length of a frame check sequence, which the length in the IP header excludes.
      linkType = uint32(bytes, start + 20) % 0x400_0000
      checkLinkType(linkType)
      return FILE_HEADER
    }
    if (available < RECORD_HEADER) return 0
    const captured = uint32(bytes, start + 8)
    if (captured > MAX_CAPTURED)
      throw new BadCapture(
        `the record claims ${captured} captured bytes, more than the ${MAX_CAPTURED} that any capture has`,
      )
    const length = RECORD_HEADER + captured
    if (available < length) return 0
    frame.timeMs = uint32(bytes, start) * 1000 + Math.floor(uint32(bytes, start + 4) / fractionsPerMs)
    frame.linkType = linkType
    frame.bytes = bytes
    frame.start = start + RECORD_HEADER
    frame.end = start + length
    frame.originalLength = Math.max(uint32(bytes, start + 12), captured)
    return length
  }
}
