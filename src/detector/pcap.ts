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
  return (bytes) => {
    if (linkType === null) {
      if (bytes.length < FILE_HEADER) return null
      const major = uint16(bytes, 4)
      if (major !== 2)
        throw new BadCapture(`version ${major}.${uint16(bytes, 6)} of pcap is not supported, only 2.x`)
      // The upper bits are the length of a frame check sequence, which the length in the IP header excludes.
      linkType = uint32(bytes, 20) % 0x400_0000
      checkLinkType(linkType)
      return { length: FILE_HEADER, frame: null }
    }
    if (bytes.length < RECORD_HEADER) return null
    const captured = uint32(bytes, 8)
    if (captured > MAX_CAPTURED)
      throw new BadCapture(
        `the record claims ${captured} captured bytes, more than the ${MAX_CAPTURED} that any capture has`,
      )
    const length = RECORD_HEADER + captured
    if (bytes.length < length) return null
    const timeMs = uint32(bytes, 0) * 1000 + Math.floor(uint32(bytes, 4) / fractionsPerMs)
    const originalLength = Math.max(uint32(bytes, 12), captured)
    return {
      length,
      frame: { timeMs, linkType, bytes: bytes.subarray(RECORD_HEADER, length), originalLength },
    }
  }
}
