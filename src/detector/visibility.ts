import type { Dialect } from '../documents/portsentry-conf.ts'
import { isLoopback } from '../network.ts'
import { createBoundedTable } from './bounded-table.ts'
import { type Address, FLAGS, isSameAddress, LONGEST_ADDRESS, type Packet } from './packet.ts'
import type { Reading } from './ports.ts'

/** Whether a daemon sees a packet, regardless of ports and connections. */
export type Visibility = (packet: Packet) => boolean

const isToEveryone = (address: Address): boolean =>
  address.length === 4 && address.every((byte) => byte === 255)

/** Multicast, or IPv4's limited broadcast (255.255.255.255). */
const isGroup = (address: Address): boolean =>
  address.length === 4 ? ((address[0] ?? 0) & 0xf0) === 0xe0 || isToEveryone(address) : address[0] === 0xff

const isLinkLocal = (address: Address): boolean =>
  address.length === 4
    ? address[0] === 169 && address[1] === 254
    : address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80

/** The IPv6 group of all nodes on the link (or of the host), of which every host is a member. */
const isAllNodes = (address: Address): boolean =>
  address.length === 16 &&
  address[0] === 0xff &&
  (address[1] === 1 || address[1] === 2) &&
  address.every((byte, index) => index < 2 || byte === (index === 15 ? 1 : 0))

const isForUs = ({ delivery }: Packet): boolean => delivery === 'host' || delivery === 'unknown'

/**
 * UDP to more than one host. 1.2's IPv4 sockets receive datagrams to any group; 2.x has IPv6 sockets, which receive broadcasts,
 * but only datagrams to groups that the host has joined (observed on 2.0.7 with --connect).
 */
const reachesSockets = (packet: Packet, is12: boolean): boolean => {
  const { delivery, destination } = packet
  const isIPv4 = destination.length === 4
  const isToAll = isIPv4 && (delivery === 'broadcast' || (isForUs(packet) && isToEveryone(destination)))
  if (!is12) return isToAll || isAllNodes(destination)
  return isIPv4 && (isToAll || delivery === 'multicast' || (isForUs(packet) && isGroup(destination)))
}

/** UDP, or TCP with neither ACK nor RST: it does not belong to a connection. */
const isStray = ({ protocol, flags }: Packet): boolean =>
  protocol === 'udp' || (flags & (FLAGS.ACK | FLAGS.RST)) === 0

/** `addresses` are the server's; loopback is added. Null: unknown, so any destination except a group may be the server's. */
export const createVisibility = (
  dialect: Dialect,
  reading: Reading,
  addresses: readonly Address[] | null,
): Visibility => {
  const is12 = dialect === '1.2'
  const own = addresses && createBoundedTable({ bound: addresses.length, longest: LONGEST_ADDRESS })
  for (const address of addresses ?? []) own?.set(address, 1)
  const isOwn = (address: Address): boolean =>
    own === null ? !isGroup(address) : own.get(address) === 1 || isLoopback(address)

  /** What the kernel delivers to sockets: reassembled packets; UDP also by broadcast and multicast. IPv4 only for 1.2. */
  const isBehindKernel = (packet: Packet): boolean => {
    const { protocol, delivery, destination, isFragment } = packet
    if (isFragment || delivery === 'outgoing' || delivery === 'other-host') return false
    if (isForUs(packet) && isOwn(destination)) return !is12 || destination.length === 4
    return protocol === 'udp' && reachesSockets(packet, is12)
  }
  if (reading === 'connections') return isBehindKernel
  if (is12) return (packet) => isStray(packet) && isBehindKernel(packet)

  // `-m raw`: bind() to a link-local IPv6 address without its interface fails, so the daemon considers such ports in use.
  if (reading === 'raw') {
    return (packet) =>
      isStray(packet) &&
      isForUs(packet) &&
      isOwn(packet.destination) &&
      !(packet.destination.length === 16 && isLinkLocal(packet.destination))
  }

  // `-m pcap`: a filter for the addresses of each interface but lo, the link-local ones left out (pcap_device.c).
  // What a host sends to itself passes lo, whichever of its addresses it uses.
  const isFromHere = ({ source, destination }: Packet): boolean =>
    own === null ? isLoopback(source) || isSameAddress(source, destination) : isOwn(source)
  const isToLink = ({ delivery }: Packet): boolean =>
    own !== null && (delivery === 'broadcast' || delivery === 'multicast')
  return (packet) =>
    isStray(packet) &&
    (isForUs(packet) || isToLink(packet)) &&
    isOwn(packet.destination) &&
    !isLinkLocal(packet.destination) &&
    !isLoopback(packet.destination) &&
    !isFromHere(packet)
}
