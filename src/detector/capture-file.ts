import type { CaptureFormat, Frame } from './frame.ts'
import { uint16, uint32Little } from './octets.ts'
import { createPcap } from './pcap.ts'
import { createPcapng, SECTION_HEADER } from './pcapng.ts'

/** What is wrong with a capture, and at which byte of it the unit begins that is at fault. */
export interface CaptureFault {
  readonly offset: number
  readonly message: string
}

export interface CaptureReader {
  /**
   * The frames whose last byte is in this chunk, in order. After a fault there are none. They may be views of the
   * chunk, so they hold until its memory is used again.
   */
  push(chunk: Uint8Array): Frame[]
  /** To be called when nothing more comes: the fault, also where the capture ends within a record. */
  end(): CaptureFault | null
  /** What stopped the reading so far, if anything did. */
  fault(): CaptureFault | null
  /** Bytes held until the rest of their record comes: never more than one record (half a megabyte). */
  buffered(): number
}

const FORMATS = new Map<number, () => CaptureFormat>([
  [0xa1b2_c3d4, () => createPcap(1000)],
  [0xa1b2_3c4d, () => createPcap(1_000_000)],
  [SECTION_HEADER, createPcapng],
])

/** The same two, as a big-endian machine writes them. */
const BIG_ENDIAN = new Set([0xd4c3_b2a1, 0x4d3c_b2a1])

const MAGIC_LENGTH = 4

const formatOf = (start: Uint8Array): CaptureFormat | string => {
  const magic = uint32Little(start, 0)
  const format = FORMATS.get(magic)
  if (format) return format()
  if (BIG_ENDIAN.has(magic))
    return 'this is the pcap of a big-endian machine, which is not read — convert it with tcpdump -r FILE -w NEW'
  if (uint16(start, 0) === 0x1f8b) return 'this is compressed — unpack it with gunzip first'
  return 'this is neither pcap nor pcapng'
}

/** Reads a capture file or pipe as it comes: pcap or pcapng, whichever its first bytes tell. Never throws. */
export const createCaptureReader = (): CaptureReader => {
  let format: CaptureFormat | null = null
  let fault: CaptureFault | null = null
  /** Where the unit that is being read begins. */
  let offset = 0
  /** What is there of it, where it is not whole. */
  let held = new Uint8Array(0)
  let heldLength = 0

  const fail = (message: string): null => {
    fault = { offset, message }
    return null
  }

  /** Bytes that the unit needs before it can be read, or before more can be said. */
  const needOf = (start: Uint8Array): { need: number; isWhole: boolean } | null => {
    if (format === null) {
      if (start.length < MAGIC_LENGTH) return { need: MAGIC_LENGTH, isWhole: false }
      const found = formatOf(start)
      if (typeof found === 'string') return fail(found)
      format = found
    }
    const head = format.headLength()
    if (start.length < head) return { need: head, isWhole: false }
    const need = format.measure(start)
    return typeof need === 'string' ? fail(need) : { need, isWhole: start.length >= need }
  }

  const readUnit = (unit: Uint8Array, frames: Frame[]): void => {
    const result = format?.read(unit) ?? null
    if (typeof result === 'string') fail(result)
    else if (result !== null) frames.push(result)
  }

  const hold = (part: Uint8Array, need: number): void => {
    if (held.length < need) {
      const larger = new Uint8Array(need)
      larger.set(held.subarray(0, heldLength))
      held = larger
    }
    held.set(part, heldLength)
    heldLength += part.length
  }

  /** Goes on at `at`; answers where the next step goes on, or null where there is nothing left to do. */
  const step = (chunk: Uint8Array, at: number, frames: Frame[]): number | null => {
    const start = heldLength > 0 ? held.subarray(0, heldLength) : chunk.subarray(at)
    const unit = needOf(start)
    if (unit === null) return null
    if (!unit.isWhole) {
      const part = chunk.subarray(at, at + unit.need - heldLength)
      if (part.length === 0) return null
      hold(part, unit.need)
      return at + part.length
    }
    // What was held is used again for the next unit: frames get a copy of it.
    readUnit(heldLength > 0 ? start.slice() : start.subarray(0, unit.need), frames)
    if (fault !== null) return null
    const used = heldLength > 0 ? 0 : unit.need
    heldLength = 0
    offset += unit.need
    return at + used
  }

  return {
    push: (chunk) => {
      const frames: Frame[] = []
      for (let at: number | null = 0; at !== null && fault === null; ) at = step(chunk, at, frames)
      return frames
    },
    end: () => {
      if (fault !== null) return fault
      if (offset === 0 && heldLength === 0) fail('the capture is empty: it has not even a header')
      else if (heldLength > 0) {
        const unit = format?.unit ?? 'header'
        fail(`the capture ends within a ${unit}, of which only ${heldLength} bytes are there`)
      }
      return fault
    },
    fault: () => fault,
    buffered: () => heldLength,
  }
}
