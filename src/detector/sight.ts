import { createAddressTable } from './address-table.ts'
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

/** What the kernel hands to sockets: whole datagrams; UDP also to everyone and to groups. IPv4 only for 1.2. */
const seesBehindKernel = (packet: Packet, isOwn: (address: Address) => boolean, dialect: string): boolean => {
  const { protocol, delivery, destination, fragmentation } = packet
  if (fragmentation === 'first') return false
  if (dialect === '2.x') return isForUs(packet) && isOwn(destination)
  if (destination.length !== 4) return false
  if (isForUs(packet) && isOwn(destination)) return true
  return (
    protocol === 'udp' &&
    (delivery === 'broadcast' || delivery === 'multicast' || (isForUs(packet) && isGroup(destination)))
  )
}

/**
 * What SetPacketInfoFromPacket() of 2.x makes sense of on the wire: no later fragments (pcap's filter; `-m raw`
 * reads those as if they were headers, which is not followed here) and no fragment header of IPv6. Of the other
 * extension headers pcap's filter knows none, and the daemon itself turns down those of 8 bytes, the usual ones.
 */
const isReadable = (packet: Packet): boolean =>
  packet.hasWholeHeader &&
  packet.fragmentation !== 'reassembled' &&
  (packet.destination.length === 4 || (!packet.hasExtensionHeaders && packet.fragmentation === 'none'))

/** `-m pcap`: a filter for the addresses of each interface but lo, the link-local ones left out (pcap_device.c). */
const seesByPcap = (packet: Packet, isOwn: (address: Address) => boolean, knowsOwn: boolean): boolean =>
  isReadable(packet) &&
  (isForUs(packet) || (knowsOwn && (packet.delivery === 'broadcast' || packet.delivery === 'multicast'))) &&
  isOwn(packet.destination) &&
  !isLinkLocal(packet.destination) &&
  !isLoopback(packet.destination) &&
  !isLoopback(packet.source)

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
  return reading === 'pcap'
    ? (packet) => isStray(packet) && seesByPcap(packet, isOwn, addresses !== null)
    : (packet) => isStray(packet) && seesByRaw2(packet, isOwn)
}
