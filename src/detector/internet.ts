import type { Undecoded } from './link-layer.ts'
import { uint16 } from './octets.ts'
import type { Packet } from './packet.ts'

/** An IP packet without its header. All positions are in the bytes of the frame. */
export interface Datagram {
  readonly version: 4 | 6
  /** Of the source address; the destination follows it. */
  readonly addressesAt: number
  /** TCP is 6, UDP 17. */
  readonly protocol: number
  readonly start: number
  /** End of what was captured. */
  readonly end: number
  /** Bytes of the payload that were on the wire. */
  readonly wireLength: number
  readonly hasIpOptions: boolean | null
  readonly hasExtensionHeaders: boolean
  /** The first fragment, of IPv4. */
  readonly isFragment: boolean
}

const TCP = 6
const UDP = 17
const FRAGMENT = 44
const AUTHENTICATION = 51

/** Hop-by-hop, routing, …, destination, mobility, HIP, shim6. ESP (50) and no next header (59) end a chain. */
const EXTENSIONS = new Set([0, 43, FRAGMENT, AUTHENTICATION, 60, 135, 139, 140])

const isTransport = (protocol: number): boolean => protocol === TCP || protocol === UDP

/**
 * Length of an IP packet on the wire. A length of 0 is that of a segment that the card has yet to cut up (or of a
 * jumbogram); one beyond the frame is a lie, or the frame was cut: what is there is what counts.
 */
const lengthOnWire = (stated: number, empty: number, rest: number): number =>
  stated === empty ? rest : Math.min(stated, rest)

/** RFC 791. `originalLength` is that of the whole frame. */
const readIPv4 = (bytes: Uint8Array, start: number, originalLength: number): Datagram | Undecoded => {
  if (bytes.length < start + 20) return originalLength < start + 20 ? 'malformed' : 'truncated'
  const versionAndLength = bytes[start] ?? 0
  const headerLength = (versionAndLength & 15) * 4
  if (versionAndLength >> 4 !== 4 || headerLength < 20) return 'malformed'
  const length = lengthOnWire(uint16(bytes, start + 2), 0, originalLength - start)
  if (length < headerLength) return 'malformed'
  if (bytes.length < start + headerLength) return 'truncated'
  const protocol = bytes[start + 9] ?? 0
  if (!isTransport(protocol)) return 'otherProtocol'
  const flagsAndOffset = uint16(bytes, start + 6)
  if ((flagsAndOffset & 0x1fff) !== 0) return 'fragments'
  return {
    version: 4,
    addressesAt: start + 12,
    protocol,
    start: start + headerLength,
    end: Math.min(bytes.length, start + length),
    wireLength: length - headerLength,
    hasIpOptions: headerLength > 20,
    hasExtensionHeaders: false,
    isFragment: (flagsAndOffset & 0x2000) !== 0,
  }
}

/** What follows a chain of extension headers, and where. */
interface Chain {
  readonly protocol: number
  readonly at: number
}

/** Follows RFC 8200's chain of extension headers to something that is none. No portsentry reads a fragment of IPv6. */
const followExtensions = (
  bytes: Uint8Array,
  { protocol, at, end, wireEnd }: { protocol: number; at: number; end: number; wireEnd: number },
): Chain | Undecoded => {
  let next = protocol
  let position = at
  while (EXTENSIONS.has(next)) {
    if (position + 8 > wireEnd) return 'malformed'
    if (position + 8 > end) return 'truncated'
    const words = bytes[position + 1] ?? 0
    const length = next === FRAGMENT ? 8 : next === AUTHENTICATION ? words * 4 + 8 : words * 8 + 8
    // The only fragment of its datagram is the datagram (RFC 6946).
    if (next === FRAGMENT && (uint16(bytes, position + 2) & 0xfff9) !== 0) return 'fragments'
    next = bytes[position] ?? 0
    position += length
  }
  if (position > wireEnd) return 'malformed'
  return { protocol: next, at: position }
}

const readIPv6 = (bytes: Uint8Array, start: number, originalLength: number): Datagram | Undecoded => {
  if (bytes.length < start + 40) return originalLength < start + 40 ? 'malformed' : 'truncated'
  if ((bytes[start] ?? 0) >> 4 !== 6) return 'malformed'
  const wireEnd = start + lengthOnWire(uint16(bytes, start + 4) + 40, 40, originalLength - start)
  const end = Math.min(bytes.length, wireEnd)
  const first = bytes[start + 6] ?? 0
  const chain = followExtensions(bytes, { protocol: first, at: start + 40, end, wireEnd })
  if (typeof chain === 'string') return chain
  const { protocol, at } = chain
  if (!isTransport(protocol)) return 'otherProtocol'
  return {
    version: 6,
    addressesAt: start + 8,
    protocol,
    start: at,
    end: Math.max(at, end),
    wireLength: wireEnd - at,
    hasIpOptions: null,
    hasExtensionHeaders: EXTENSIONS.has(first),
    isFragment: false,
  }
}

/** Reads the IP header at `start`. Checksums are not looked at: outgoing packets have them made by the card. */
export const readInternet = (
  version: 4 | 6,
  bytes: Uint8Array,
  start: number,
  originalLength: number,
): Datagram | Undecoded => (version === 4 ? readIPv4 : readIPv6)(bytes, start, originalLength)

/** What portsentry looks at in a TCP or UDP header. */
export type Transport = Pick<Packet, 'protocol' | 'sourcePort' | 'port' | 'flags' | 'hasWholeHeader'>

/** TCP up to the byte of its flags, UDP up to its ports. */
const NEEDED = { tcp: 14, udp: 4 } as const
const HEADER = { tcp: 20, udp: 8 } as const

/** Reads the TCP or UDP header at the start of a payload of which `wireLength` bytes were on the wire. */
export const readTransport = (
  bytes: Uint8Array,
  { protocol: number, start, end, wireLength }: Datagram,
): Transport | Undecoded => {
  const protocol = number === TCP ? 'tcp' : 'udp'
  if (wireLength < NEEDED[protocol]) return 'malformed'
  if (end - start < NEEDED[protocol]) return 'truncated'
  return {
    protocol,
    sourcePort: uint16(bytes, start),
    port: uint16(bytes, start + 2),
    flags: protocol === 'tcp' ? (bytes[start + 13] ?? 0) : 0,
    hasWholeHeader: wireLength >= HEADER[protocol],
  }
}
