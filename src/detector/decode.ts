import type { Frame } from './frame.ts'
import { readLink, type Undecoded } from './link-layer.ts'
import { uint16 } from './octets.ts'
import type { Address, Packet } from './packet.ts'

/**
 * How many packets were decoded, and how many frames could not be, by reason. `fragments` counts all fragments of IP
 * packets: they are not reassembled, and only a first fragment with a complete header is decoded.
 */
export type DecodeCounts = { [reason in 'decoded' | Undecoded]: number }

export interface Decoder {
  /** The packet in a frame; null if it is not TCP or UDP, or only a part of such a packet. Never throws. */
  decode(frame: Frame): Packet | null
  readonly counts: Readonly<DecodeCounts>
}

/** A parsed IP header. Offsets are those in the frame. */
interface IpHeader {
  readonly protocol: number
  readonly source: Address
  readonly destination: Address
  readonly hasIpOptions: boolean | null
  /** The first fragment, of IPv4. */
  readonly isFragment: boolean
  /** The offset of the TCP or UDP header, and that of the packet's end on the wire. */
  readonly start: number
  readonly wireEnd: number
}

/** Parses the IP header at `start` of a frame that ended at `frameEnd` on the wire. */
type IpReader = (bytes: Uint8Array, start: number, frameEnd: number) => IpHeader | Undecoded

const TCP = 6
const UDP = 17
const FRAGMENT = 44

/**
 * End of an IP packet on the wire. A length of 0 is that of a segment before the network card splits it (TSO), or of a
 * jumbogram; one beyond the frame is wrong, or the frame was truncated: then the bytes that are present count.
 */
const endOnWire = (start: number, stated: number, empty: number, frameEnd: number): number =>
  stated === empty ? frameEnd : Math.min(start + stated, frameEnd)

const addressAt = (bytes: Uint8Array, start: number, length: number): Address => {
  const address: number[] = []
  for (let at = start; at < start + length; at++) address.push(bytes[at] ?? 0)
  return address
}

/** RFC 791. */
const readIPv4: IpReader = (bytes, start, frameEnd) => {
  if (bytes.length < start + 20) return frameEnd < start + 20 ? 'malformed' : 'truncated'
  const versionAndLength = bytes[start] ?? 0
  const headerLength = (versionAndLength & 15) * 4
  if (versionAndLength >> 4 !== 4 || headerLength < 20) return 'malformed'
  const wireEnd = endOnWire(start, uint16(bytes, start + 2), 0, frameEnd)
  if (wireEnd < start + headerLength) return 'malformed'
  const flagsAndOffset = uint16(bytes, start + 6)
  const protocol = bytes[start + 9] ?? 0
  if ((flagsAndOffset & 0x1fff) !== 0 && (protocol === TCP || protocol === UDP)) return 'fragments'
  return {
    protocol,
    source: addressAt(bytes, start + 12, 4),
    destination: addressAt(bytes, start + 16, 4),
    hasIpOptions: headerLength > 20,
    isFragment: (flagsAndOffset & 0x2000) !== 0,
    start: start + headerLength,
    wireEnd,
  }
}

/** RFC 8200. Packets with extension headers count as another protocol: portsentry 2.x in stealth mode does not read them. */
const readIPv6: IpReader = (bytes, start, frameEnd) => {
  if (bytes.length < start + 40) return frameEnd < start + 40 ? 'malformed' : 'truncated'
  if ((bytes[start] ?? 0) >> 4 !== 6) return 'malformed'
  const protocol = bytes[start + 6] ?? 0
  if (protocol === FRAGMENT) return 'fragments'
  return {
    protocol,
    source: addressAt(bytes, start + 8, 16),
    destination: addressAt(bytes, start + 24, 16),
    hasIpOptions: null,
    isFragment: false,
    start: start + 40,
    wireEnd: endOnWire(start, uint16(bytes, start + 4) + 40, 40, frameEnd),
  }
}

/** The size of a header, and how much of it has to be captured: TCP up to its flags, UDP up to its ports. */
const HEADER = { tcp: { whole: 20, needed: 14 }, udp: { whole: 8, needed: 4 } } as const

const readPacket = ({ timeMs, linkType, bytes, originalLength }: Frame): Packet | Undecoded => {
  const link = readLink(linkType, bytes)
  if (typeof link === 'string') return link
  const frameEnd = Math.max(originalLength, bytes.length)
  const header = (link.version === 4 ? readIPv4 : readIPv6)(bytes, link.start, frameEnd)
  if (typeof header === 'string') return header
  const { protocol: number, start, wireEnd, ...ip } = header
  if (number !== TCP && number !== UDP) return 'otherProtocol'
  const protocol = number === TCP ? 'tcp' : 'udp'
  if (wireEnd < start + HEADER[protocol].whole) return ip.isFragment ? 'fragments' : 'malformed'
  if (bytes.length < start + HEADER[protocol].needed) return 'truncated'
  return {
    timeMs,
    protocol,
    ...ip,
    sourcePort: uint16(bytes, start),
    port: uint16(bytes, start + 2),
    flags: protocol === 'tcp' ? (bytes[start + 13] ?? 0) : 0,
    delivery: link.delivery,
  }
}

/** Decodes frames to packets. Checksums are not verified: those of outgoing packets are filled in by the network card. */
export const createDecoder = (): Decoder => {
  const counts: DecodeCounts = { decoded: 0, otherProtocol: 0, fragments: 0, truncated: 0, malformed: 0 }
  const decode = (frame: Frame): Packet | null => {
    const packet = readPacket(frame)
    if (typeof packet === 'string') {
      counts[packet]++
      return null
    }
    counts.decoded++
    if (packet.isFragment) counts.fragments++
    return packet
  }
  return { decode, counts }
}
