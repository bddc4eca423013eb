import { type CaptureReader, createCaptureReader } from '../../src/detector/capture-file.ts'
import { createDecoder, type Decoder } from '../../src/detector/decode.ts'
import type { Frame } from '../../src/detector/frame.ts'
import { copyPacket, type Packet } from '../../src/detector/packet.ts'
import { big, joined, type Octets } from './packets.ts'

const little = (value: number, length: number): number[] => big(value, length).reverse()

/** One packet for a file; `original` where it was cut short. */
export interface Recorded {
  readonly bytes: Uint8Array
  /** Milliseconds, whole ones. */
  readonly timeMs?: number
  readonly original?: number
}

interface FileFields {
  readonly linkType?: number
  readonly magic?: number
}

/** A pcap file. */
export const pcap = (
  records: readonly Recorded[],
  { linkType = 1, magic = 0xa1b2c3d4 }: FileFields = {},
): Uint8Array => {
  const fractions = magic === 0xa1b23c4d ? 1_000_000 : 1000
  return joined(
    [...little(magic, 4), ...little(2, 2), ...little(4, 2), ...little(0, 8)],
    [...little(262144, 4), ...little(linkType, 4)],
    ...records.map(({ bytes, timeMs = 0, original = bytes.length }) =>
      joined(
        [...little(Math.floor(timeMs / 1000), 4), ...little((timeMs % 1000) * fractions, 4)],
        [...little(bytes.length, 4), ...little(original, 4)],
        bytes,
      ),
    ),
  )
}

const padded = (bytes: Octets): Uint8Array =>
  joined(bytes, Array<number>((4 - (bytes.length % 4)) % 4).fill(0))

const block = (type: number, body: Octets): Uint8Array => {
  const length = little(12 + padded(body).length, 4)
  return joined(little(type, 4), length, padded(body), length)
}
const option = (code: number, value: Octets): Uint8Array =>
  joined(little(code, 2), little(value.length, 2), padded(value))

/** The blocks of pcapng, and options of their own. */
export const blocks = {
  block,
  option,
  section: (major = 1): Uint8Array =>
    block(0x0a0d0d0a, [
      ...little(0x1a2b3c4d, 4),
      ...little(major, 2),
      ...little(0, 2),
      ...Array<number>(8).fill(255),
    ]),
  interface: (linkType = 1, options: readonly Octets[] = []): Uint8Array =>
    block(1, joined(little(linkType, 2), [0, 0], little(0, 4), ...options)),
  resolution: (exponent: number): Uint8Array => option(9, [exponent]),
  enhanced: (bytes: Octets, units = 0n, original = bytes.length, from = 0): Uint8Array =>
    block(6, [
      ...little(from, 4),
      ...little(Number(units >> 32n), 4),
      ...little(Number(units & 0xffff_ffffn), 4),
      ...little(bytes.length, 4),
      ...little(original, 4),
      ...padded(bytes),
    ]),
}

/** A frame that stays what it is. */
export type Taken = Omit<Frame, 'start' | 'end'>

/** The frame within other bytes, as a reader has it. */
export const frameOf = ({ bytes, ...rest }: Taken): Frame => {
  const before = [0x45, 6, 255]
  const start = before.length
  return { ...rest, bytes: joined(before, bytes, [0x45, 0, 255, 17]), start, end: start + bytes.length }
}

/** The frames whose last byte is in the chunk. */
export const take = (reader: CaptureReader, chunk: Uint8Array): Taken[] => {
  const taken: Taken[] = []
  reader.push(chunk)
  for (let frame = reader.next(); frame !== null; frame = reader.next()) {
    const { bytes, start, end, ...rest } = frame
    taken.push({ ...rest, bytes: Uint8Array.from(bytes.subarray(start, end)) })
  }
  return taken
}

/** All packets of a capture, how its frames were decoded, and the fault with which it ends. */
export const packetsIn = (
  capture: Uint8Array,
): { packets: Packet[]; counts: Decoder['counts']; fault: ReturnType<CaptureReader['end']> } => {
  const reader = createCaptureReader()
  const { decode, counts } = createDecoder()
  const packets: Packet[] = []
  reader.push(capture)
  for (let frame = reader.next(); frame !== null; frame = reader.next()) {
    const packet = decode(frame)
    if (packet !== null) packets.push(copyPacket(packet))
  }
  return { packets, counts, fault: reader.end() }
}
