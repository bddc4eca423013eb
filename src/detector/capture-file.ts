import { BadCapture, type Frame, type UnitReader } from './frame.ts'
import { uint16, uint32Little } from './octets.ts'
import { createPcap } from './pcap.ts'
import { createPcapng, SECTION_HEADER } from './pcapng.ts'

/** What is wrong with a capture, and the offset of the header, record or block that is malformed. */
export interface CaptureFault {
  readonly offset: number
  readonly message: string
}

export interface CaptureReader {
  /** The frames whose last byte is in this chunk, in order. Empty after a fault. */
  push(chunk: Uint8Array): Frame[]
  /** To be called at the end of the input: the fault, also if the capture ends within a record. */
  end(): CaptureFault | null
  /** The fault that stopped the reading, or null. */
  fault(): CaptureFault | null
  /** Bytes buffered until the rest of their record arrives: never more than one record (half a megabyte). */
  buffered(): number
}

const MAGIC_LENGTH = 4

const openFormat = (start: Uint8Array): UnitReader => {
  switch (uint32Little(start, 0)) {
    case 0xa1b2_c3d4:
      return createPcap(1000)
    case 0xa1b2_3c4d:
      return createPcap(1_000_000)
    case SECTION_HEADER:
      return createPcapng()
    case 0xd4c3_b2a1:
    case 0x4d3c_b2a1:
      throw new BadCapture(
        'this is the pcap of a big-endian machine, which is not supported — convert it with tcpdump -r FILE -w NEW',
      )
  }
  throw new BadCapture(
    uint16(start, 0) === 0x1f8b
      ? 'this is compressed — unpack it with gunzip first'
      : 'this is neither pcap nor pcapng',
  )
}

const joined = (one: Uint8Array, other: Uint8Array): Uint8Array => {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}

/** Reads a capture file or pipe incrementally: pcap or pcapng, by its first bytes. Never throws. */
export const createCaptureReader = (): CaptureReader => {
  let readUnit: UnitReader | null = null
  let fault: CaptureFault | null = null
  /** The offset of the incomplete unit, and its bytes so far. */
  let offset = 0
  let held: Uint8Array = new Uint8Array(0)

  const readAll = (bytes: Uint8Array): Frame[] => {
    const frames: Frame[] = []
    let at = 0
    try {
      if (bytes.length >= MAGIC_LENGTH) readUnit ??= openFormat(bytes)
      for (let unit = readUnit?.(bytes); unit; unit = readUnit?.(bytes.subarray(at))) {
        if (unit.frame !== null) frames.push(unit.frame)
        at += unit.length
      }
    } catch (error) {
      if (!(error instanceof BadCapture)) throw error
      fault = { offset: offset + at, message: error.message }
    }
    offset += at
    held = bytes.slice(at)
    return frames
  }

  return {
    push: (chunk) => (fault === null ? readAll(held.length === 0 ? chunk : joined(held, chunk)) : []),
    end: () => {
      if (fault === null && offset === 0 && held.length === 0)
        fault = { offset, message: 'the capture is empty: it does not even have a header' }
      if (fault === null && held.length > 0)
        fault = {
          offset,
          message: `the capture ends within a record, of which only ${held.length} bytes are present`,
        }
      return fault
    },
    fault: () => fault,
    buffered: () => held.length,
  }
}
