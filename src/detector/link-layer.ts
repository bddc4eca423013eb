import { BadCapture } from './frame.ts'
import { uint16 } from './octets.ts'
import type { Delivery } from './packet.ts'

/** Why a frame was not decoded: not TCP or UDP; a fragment of an IP packet; truncated by the capture; or malformed. */
export type Undecoded = 'otherProtocol' | 'fragments' | 'truncated' | 'malformed'

/** The offset of the IP packet in a frame, and how the frame reached the machine. */
export interface Link {
  readonly version: 4 | 6
  readonly start: number
  readonly delivery: Delivery
}

type LinkReader = (bytes: Uint8Array) => Link | Undecoded

/** 802.1Q, 802.1ad, and the number that switches used for the latter before it was standardised. */
const VLAN_TAGS = new Set([0x8100, 0x88a8, 0x9100])

/** Follows an EtherType, whose payload begins at `start`, through VLAN tags to IP. */
const readEtherType = (
  bytes: Uint8Array,
  etherType: number,
  start: number,
  delivery: Delivery,
): Link | Undecoded => {
  let type = etherType
  let at = start
  while (VLAN_TAGS.has(type)) {
    if (bytes.length < at + 4) return 'truncated'
    type = uint16(bytes, at + 2)
    at += 4
  }
  if (type === 0x0800) return { version: 4, start: at, delivery }
  return type === 0x86dd ? { version: 6, start: at, delivery } : 'otherProtocol'
}

/** A unicast frame may be for another host: only the card that captured it knows. */
const ethernetDelivery = (bytes: Uint8Array): Delivery => {
  if (((bytes[0] ?? 0) & 1) === 0) return 'unknown'
  for (let at = 0; at < 6; at++) if (bytes[at] !== 0xff) return 'multicast'
  return 'broadcast'
}

/** PACKET_HOST to PACKET_OUTGOING of linux/if_packet.h. */
const PACKET_TYPES: readonly Delivery[] = ['host', 'broadcast', 'multicast', 'other-host', 'outgoing']

/** A link layer with a header of `length` bytes and an EtherType at `typeAt`. */
const framed =
  (length: number, typeAt: number, deliveryOf: (bytes: Uint8Array) => Delivery): LinkReader =>
  (bytes) =>
    bytes.length < length
      ? 'truncated'
      : readEtherType(bytes, uint16(bytes, typeAt), length, deliveryOf(bytes))

const readRaw: LinkReader = (bytes) => {
  if (bytes.length === 0) return 'truncated'
  const version = (bytes[0] ?? 0) >> 4
  return version === 4 || version === 6 ? { version, start: 0, delivery: 'unknown' } : 'malformed'
}

/**
 * What libpcap captures on Linux: Ethernet (lo too), raw IP (tunnels), and Linux cooked for `-i any`: version 1 up
 * to libpcap 1.9, version 2 since (Debian 12 and later).
 */
const READERS = new Map<number, LinkReader>([
  [1, framed(14, 12, ethernetDelivery)],
  [101, readRaw],
  [113, framed(16, 14, (bytes) => PACKET_TYPES[uint16(bytes, 0)] ?? 'unknown')],
  [276, framed(20, 0, (bytes) => PACKET_TYPES[bytes[10] ?? 255] ?? 'unknown')],
])

/** Throws BadCapture for a LINKTYPE_ that cannot be read. */
export const checkLinkType = (linkType: number): void => {
  if (!READERS.has(linkType))
    throw new BadCapture(
      `link type ${linkType} is not supported, only Ethernet, raw IP (101) and Linux cooked — record on the server with tcpdump -i any -w FILE`,
    )
}

/** Finds the IP packet in a frame, without reading the packet itself. */
export const readLink = (linkType: number, bytes: Uint8Array): Link | Undecoded =>
  READERS.get(linkType)?.(bytes) ?? 'malformed'
