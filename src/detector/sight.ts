import { createAddressTable, isSameAddress } from './address-table.ts'
import type { Configuration } from './configuration.ts'
import { isConnectMode } from './modes.ts'
import { type Address, FLAGS, type Packet } from './packet.ts'
import type { Reading } from './ports.ts'

/** Whether a daemon gets to see a packet, ports and connections aside. */
export type Sight = (packet: Packet) => boolean

const isLoopback = (address: Address): boolean =>
  address.length === 4
    ? address[0] === 127
    : address[15] === 1 && address.every((byte, index) => index === 15 || byte === 0)

/** Multicast, or IPv4's broadcast to everyone. */
const isGroup = (address: Address): boolean =>
  address.length === 4
    ? ((address[0] ?? 0) & 0xf0) === 0xe0 || address.every((byte) => byte === 255)
    : address[0] === 0xff

const isLinkLocal = (address: Address): boolean =>
  address.length === 4
    ? address[0] === 169 && address[1] === 254
    : address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80

/** The destinations that are this server: those given and loopback; with null any that is not a group's. */
const createIsOwn = (addresses: readonly Address[] | null): ((address: Address) => boolean) => {
  if (addresses === null) return (address) => !isGroup(address)
  const own = createAddressTable(Math.max(1, addresses.length))
  for (const address of addresses) own.set(address, 1)
  return (address) => own.get(address) === 1 || isLoopback(address)
}

const isForUs = ({ delivery }: Packet): boolean => delivery === 'host' || delivery === 'unknown'

/** The IPv6 group of all nodes on the link (or of the host), in which every host is. */
const isAllNodes = (address: Address): boolean =>
  address.length === 16 &&
  address[0] === 0xff &&
  (address[1] === 1 || address[1] === 2) &&
  address.every((byte, index) => index < 2 || byte === (index === 15 ? 1 : 0))

/**
 * UDP to more than one host. A socket of 1.2 gets what goes to any group, which is IPv4's way; those of 2.x are IPv6
 * ones: they get broadcasts, but of groups only those that the host is in (seen on 2.0.7 with --connect).
 */
const reachesSockets = ({ delivery, destination }: Packet, isUnsaid: boolean, dialect: string): boolean => {
  const isIPv4 = destination.length === 4
  const isToAll =
    isIPv4 && (delivery === 'broadcast' || (isUnsaid && destination.every((byte) => byte === 255)))
  if (dialect === '2.x') return isToAll || isAllNodes(destination)
  return isIPv4 && (isToAll || delivery === 'multicast' || (isUnsaid && isGroup(destination)))
}

/** What the kernel hands to sockets: whole datagrams; UDP also to everyone and to groups. IPv4 only for 1.2. */
const seesBehindKernel = (packet: Packet, isOwn: (address: Address) => boolean, dialect: string): boolean => {
  const { protocol, delivery, destination, isFragment } = packet
  if (isFragment || delivery === 'outgoing' || delivery === 'other-host') return false
  if (isForUs(packet) && isOwn(destination)) return dialect === '2.x' || destination.length === 4
  return protocol === 'udp' && reachesSockets(packet, isForUs(packet), dialect)
}

/**
 * What SetPacketInfoFromPacket() of 2.x makes sense of on the wire: no later fragments (pcap's filter; `-m raw`
 * reads those as if they were headers, which is not followed here) and no fragment header of IPv6. Of the other
 * extension headers pcap's filter knows none, and the daemon itself turns down those of 8 bytes, the usual ones.
 */
const isReadable = (packet: Packet): boolean =>
  packet.hasWholeHeader && (packet.destination.length === 4 || !packet.hasExtensionHeaders)

/**
 * `-m pcap`: a filter for the addresses of each interface but lo, the link-local ones left out (pcap_device.c).
 * What a host sends to itself goes by lo, whichever of its addresses it uses.
 */
const seesByPcap = (
  packet: Packet,
  isOwn: (address: Address) => boolean,
  isFromHere: (packet: Packet) => boolean,
  knowsOwn: boolean,
): boolean =>
  isReadable(packet) &&
  (isForUs(packet) || (knowsOwn && (packet.delivery === 'broadcast' || packet.delivery === 'multicast'))) &&
  isOwn(packet.destination) &&
  !isLinkLocal(packet.destination) &&
  !isLoopback(packet.destination) &&
  !isFromHere(packet)

/** `-m raw`: bind() to a link-local IPv6 address without its interface fails, so there a service always "is running". */
const seesByRaw2 = (packet: Packet, isOwn: (address: Address) => boolean): boolean =>
  isReadable(packet) &&
  isForUs(packet) &&
  isOwn(packet.destination) &&
  !(packet.destination.length === 16 && isLinkLocal(packet.destination))

/** Neither ACK nor RST: what belongs to no connection. */
const isStray = ({ protocol, flags }: Packet): boolean =>
  protocol === 'udp' || (flags & (FLAGS.ACK | FLAGS.RST)) === 0

/** `addresses` are the server's own; null: not known, any destination may be. */
export const createSight = (
  { dialect, mode }: Configuration,
  reading: Reading,
  addresses: readonly Address[] | null,
): Sight => {
  const isOwn = createIsOwn(addresses)
  if (isConnectMode(mode)) return (packet) => seesBehindKernel(packet, isOwn, dialect)
  if (dialect === '1.2') return (packet) => isStray(packet) && seesBehindKernel(packet, isOwn, dialect)
  const knowsOwn = addresses !== null
  const isFromHere = ({ source, destination }: Packet): boolean =>
    knowsOwn ? isOwn(source) : isLoopback(source) || isSameAddress(source, destination)
  return reading === 'pcap'
    ? (packet) => isStray(packet) && seesByPcap(packet, isOwn, isFromHere, knowsOwn)
    : (packet) => isStray(packet) && seesByRaw2(packet, isOwn)
}
