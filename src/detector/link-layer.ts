import { BadCapture, type Frame } from './frame.ts'
import { uint16 } from './octets.ts'
import type { Delivery } from './packet.ts'

/** Why a frame was not decoded: not TCP or UDP; a fragment of an IP packet; truncated by the capture; or malformed. */
export type Undecoded = 'otherProtocol' | 'fragments' | 'truncated' | 'malformed'

/** The offset of the IP packet in the frame's bytes, and how the frame reached the machine. */
export interface Link {
  version: 4 | 6
  start: number
  delivery: Delivery
}

/** Reads the frame from `start` to `end` into `link`; returns why it could not, or null. */
type LinkReader = (bytes: Uint8Array, start: number, end: number, link: Link) => Undecoded | null

const IPV4 = 0x0800
const IPV6 = 0x86dd
/** 802.1Q, 802.1ad, and the number that switches used for the latter before it was standardised. */
const VLAN_TAGS = new Set([0x8100, 0x88a8, 0x9100])

/** Follows an EtherType, whose payload begins at `start`, through VLAN tags to IP. */
const readEtherType = (
  bytes: Uint8Array,
  etherType: number,
  start: number,
  end: number,
  link: Link,
): Undecoded | null => {
  let type = etherType
  let at = start
  while (type !== IPV4 && VLAN_TAGS.has(type)) {
    if (end < at + 4) return 'truncated'
    type = uint16(bytes, at + 2)
    at += 4
  }
  if (type !== IPV4 && type !== IPV6) return 'otherProtocol'
  link.version = type === IPV4 ? 4 : 6
  link.start = at
  return null
}

/** A unicast frame may be for another host: only the card that captured it knows. */
const ethernetDelivery = (bytes: Uint8Array, start: number): Delivery => {
  if (((bytes[start] ?? 0) & 1) === 0) return 'unknown'
  for (let at = start; at < start + 6; at++) if (bytes[at] !== 0xff) return 'multicast'
  return 'broadcast'
}

/** PACKET_HOST to PACKET_OUTGOING of linux/if_packet.h. */
const PACKET_TYPES: readonly Delivery[] = ['host', 'broadcast', 'multicast', 'other-host', 'outgoing']

/** A link layer with a header of `length` bytes and an EtherType at `typeAt`. */
const framed =
  (length: number, typeAt: number, deliveryOf: (bytes: Uint8Array, start: number) => Delivery): LinkReader =>
  (bytes, start, end, link) => {
    if (end < start + length) return 'truncated'
    link.delivery = deliveryOf(bytes, start)
    return readEtherType(bytes, uint16(bytes, start + typeAt), start + length, end, link)
  }

const readRaw: LinkReader = (bytes, start, end, link) => {
  if (end === start) return 'truncated'
  const version = (bytes[start] ?? 0) >> 4
  if (version !== 4 && version !== 6) return 'malformed'
  link.version = version
  link.start = start
  link.delivery = 'unknown'
  return null
}

/**
 * What libpcap captures on Linux: Ethernet (lo too), raw IP (tunnels), and Linux cooked for `-i any`: version 1 up
 * to libpcap 1.9, version 2 since (Debian 12 and later).
 */
const READERS = new Map<number, LinkReader>([
  [1, framed(14, 12, ethernetDelivery)],
  [101, readRaw],
  [113, framed(16, 14, (bytes, start) => PACKET_TYPES[uint16(bytes, start)] ?? 'unknown')],
  [276, framed(20, 0, (bytes, start) => PACKET_TYPES[bytes[start + 10] ?? 255] ?? 'unknown')],
])

/** Throws BadCapture for a LINKTYPE_ that cannot be read. */
export const checkLinkType = (linkType: number): void => {
  if (!READERS.has(linkType))
    throw new BadCapture(
      `link type ${linkType} is not supported, only Ethernet, raw IP (101) and Linux cooked — record on the server with tcpdump -i any -w FILE`,
    )
}

/** Finds the IP packet in a frame, without reading the packet itself. */
export const readLink = ({ linkType, bytes, start, end }: Frame, link: Link): Undecoded | null => {
  const read = READERS.get(linkType)
  return read === undefined ? 'malformed' : read(bytes, start, end, link)
}
