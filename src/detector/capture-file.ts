import { BadCapture, type Frame, NO_FRAME, type UnitReader } from './frame.ts'
import { uint16, uint32Little } from './octets.ts'
import { createPcap } from './pcap.ts'
import { createPcapng, SECTION_HEADER } from './pcapng.ts'

/** What is wrong with a capture, and the offset of the header, record or block that is malformed. */
export interface CaptureFault {
  readonly offset: number
  readonly message: string
}

export interface CaptureReader {
  /** Takes the next bytes. To be called when `next` has returned null. */
  push(chunk: Uint8Array): void
  /** The next frame that is complete, valid until the next call; null if there is none yet, or after a fault. */
  next(): Frame | null
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

const EMPTY = new Uint8Array(0)

/** Reads a capture file or pipe incrementally: pcap or pcapng, by its first bytes. Never throws. */
export const createCaptureReader = (): CaptureReader => {
  let readUnit: UnitReader | null = null
  let fault: CaptureFault | null = null
  /** What was pushed and not yet read, from `at` on, and the offset of `at` in the capture. */
  let bytes: Uint8Array = EMPTY
  let at = 0
  let offset = 0
  const frame = {
    timeMs: 0,
    linkType: NO_FRAME,
    bytes: EMPTY as Uint8Array,
    start: 0,
    end: 0,
    originalLength: 0,
  }

  const readOn = (): Frame | null => {
    if (readUnit === null) {
      if (bytes.length - at < MAGIC_LENGTH) return null
      readUnit = openFormat(bytes)
    }
    for (;;) {
      frame.linkType = NO_FRAME
      const length = readUnit(bytes, at, frame)
      if (length === 0) return null
      at += length
      offset += length
      if (frame.linkType !== NO_FRAME) return frame
    }
  }

  return {
    push: (chunk) => {
      if (fault !== null) return
      bytes = at === bytes.length ? chunk : joined(bytes.subarray(at), chunk)
      at = 0
    },
    next: () => {
      if (fault !== null) return null
      try {
        return readOn()
      } catch (error) {
        if (!(error instanceof BadCapture)) throw error
        fault = { offset, message: error.message }
        return null
      }
    },
    end: () => {
      const held = bytes.length - at
      if (fault === null && offset === 0 && held === 0)
        fault = { offset, message: 'the capture is empty: it does not even have a header' }
      if (fault === null && held > 0)
        fault = {
          offset,
          message: `the capture ends within a record, of which only ${held} bytes are present`,
        }
      return fault
    },
    fault: () => fault,
    buffered: () => bytes.length - at,
  }
}
