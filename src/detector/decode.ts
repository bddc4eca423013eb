import type { Frame } from './frame.ts'
import { type Link, readLink, type Undecoded } from './link-layer.ts'
import { uint16 } from './octets.ts'
import type { Packet } from './packet.ts'

/**
 * How many packets were decoded, and how many frames could not be, by reason. `fragments` counts all fragments of IP
 * packets: they are not reassembled, and only a first fragment with a complete header is decoded.
 */
export type DecodeCounts = { [reason in 'decoded' | Undecoded]: number }

export interface Decoder {
  /**
   * The packet in a frame; null if it is not TCP or UDP, or only a part of such a packet. The next call overwrites it. Never
   * throws.
   */
  decode(frame: Frame): Packet | null
  readonly counts: Readonly<DecodeCounts>
}

/** The addresses of a packet, in arrays that are used for each packet of the family. */
interface Addresses {
  readonly source: number[]
  readonly destination: number[]
}

const createAddresses = (length: number): Addresses => ({
  source: new Array<number>(length).fill(0),
  destination: new Array<number>(length).fill(0),
})

/** What is known of a packet after its IP header; the rest of a `Packet` follows from the TCP or UDP header. */
interface Reading extends Link {
  packet: { -readonly [key in keyof Packet]: Packet[key] }
  /** The number of the protocol in the IP packet. */
  protocol: number
  /** The offset of the packet's end on the wire. */
  wireEnd: number
  readonly four: Addresses
  readonly six: Addresses
}

const TCP = 6
const UDP = 17
const FRAGMENT = 44

/**
 * End of an IP packet on the wire. A length of 0 is that of a segment before the network card splits it (TSO), or of a
 * jumbogram; one beyond the frame is wrong, or the frame was truncated: then the bytes that are present count.
 */
const endOnWire = (start: number, stated: number, empty: number, frameEnd: number): number =>
  stated === empty ? frameEnd : Math.min(start + stated, frameEnd)

/** Reads source and destination, which follow each other from `start` on. */
const readAddresses = (
  bytes: Uint8Array,
  start: number,
  addresses: Addresses,
  packet: Reading['packet'],
): void => {
  const { source, destination } = addresses
  const { length } = source
  for (let at = 0; at < length; at++) {
    source[at] = bytes[start + at] ?? 0
    destination[at] = bytes[start + length + at] ?? 0
  }
  packet.source = source
  packet.destination = destination
}

/** Parses the IP header at `reading.start`, and sets that to its end. The frame ended at `frameEnd` on the wire. */
type IpReader = (bytes: Uint8Array, end: number, frameEnd: number, reading: Reading) => Undecoded | null

/** RFC 791. */
const readIPv4: IpReader = (bytes, end, frameEnd, reading) => {
  const { start, packet, four } = reading
  if (end < start + 20) return frameEnd < start + 20 ? 'malformed' : 'truncated'
  const versionAndLength = bytes[start] ?? 0
  const headerLength = (versionAndLength & 15) * 4
  if (versionAndLength >> 4 !== 4 || headerLength < 20) return 'malformed'
  const wireEnd = endOnWire(start, uint16(bytes, start + 2), 0, frameEnd)
  if (wireEnd < start + headerLength) return 'malformed'
  const flagsAndOffset = uint16(bytes, start + 6)
  const protocol = bytes[start + 9] ?? 0
  if ((flagsAndOffset & 0x1fff) !== 0 && (protocol === TCP || protocol === UDP)) return 'fragments'
  readAddresses(bytes, start + 12, four, packet)
  packet.hasIpOptions = headerLength > 20
  packet.isFragment = (flagsAndOffset & 0x2000) !== 0
  reading.protocol = protocol
  reading.start = start + headerLength
  reading.wireEnd = wireEnd
  return null
}

/** RFC 8200. Packets with extension headers count as another protocol: portsentry 2.x in stealth mode does not read them. */
const readIPv6: IpReader = (bytes, end, frameEnd, reading) => {
  const { start, packet, six } = reading
  if (end < start + 40) return frameEnd < start + 40 ? 'malformed' : 'truncated'
  if ((bytes[start] ?? 0) >> 4 !== 6) return 'malformed'
  const protocol = bytes[start + 6] ?? 0
  if (protocol === FRAGMENT) return 'fragments'
  readAddresses(bytes, start + 8, six, packet)
  packet.hasIpOptions = null
  packet.isFragment = false
  reading.protocol = protocol
  reading.start = start + 40
  reading.wireEnd = endOnWire(start, uint16(bytes, start + 4) + 40, 40, frameEnd)
  return null
}

/** The size of a header, and how much of it has to be captured: TCP up to its flags, UDP up to its ports. */
const HEADER = { tcp: { whole: 20, needed: 14 }, udp: { whole: 8, needed: 4 } } as const

const readPacket = (frame: Frame, reading: Reading): Undecoded | null => {
  const { bytes, end } = frame
  const unlinked = readLink(frame, reading)
  if (unlinked !== null) return unlinked
  const frameEnd = frame.start + Math.max(frame.originalLength, end - frame.start)
  const unread = (reading.version === 4 ? readIPv4 : readIPv6)(bytes, end, frameEnd, reading)
  if (unread !== null) return unread
  const { packet, protocol: number, start, wireEnd } = reading
  if (number !== TCP && number !== UDP) return 'otherProtocol'
  const protocol = number === TCP ? 'tcp' : 'udp'
  const { whole, needed } = HEADER[protocol]
  if (wireEnd < start + whole) return packet.isFragment ? 'fragments' : 'malformed'
  if (end < start + needed) return 'truncated'
  packet.timeMs = frame.timeMs
  packet.protocol = protocol
  packet.sourcePort = uint16(bytes, start)
  packet.port = uint16(bytes, start + 2)
  packet.flags = number === TCP ? (bytes[start + 13] ?? 0) : 0
  packet.delivery = reading.delivery
  return null
}

/** Decodes frames to packets. Checksums are not verified: those of outgoing packets are filled in by the network card. */
export const createDecoder = (): Decoder => {
  const counts: DecodeCounts = { decoded: 0, otherProtocol: 0, fragments: 0, truncated: 0, malformed: 0 }
  const four = createAddresses(4)
  const packet: Reading['packet'] = {
    timeMs: 0,
    protocol: 'tcp',
    ...four,
    sourcePort: 0,
    port: 0,
    flags: 0,
    hasIpOptions: null,
    isFragment: false,
    delivery: 'unknown',
  }
  const reading: Reading = {
    version: 4,
    start: 0,
    delivery: 'unknown',
    packet,
    protocol: 0,
    wireEnd: 0,
    four,
    six: createAddresses(16),
  }
  const decode = (frame: Frame): Packet | null => {
    const undecoded = readPacket(frame, reading)
    if (undecoded !== null) {
      counts[undecoded]++
      return null
    }
    counts.decoded++
    if (packet.isFragment) counts.fragments++
    return packet
  }
  return { decode, counts }
}
