/** An IPv4 (4 bytes) or IPv6 (16 bytes) address in network order, as in `Network`. */
export type Address = readonly number[]

/** The bytes of an IPv6 address. */
export const LONGEST_ADDRESS = 16

/**
 * How a frame reached the machine that captured it, by its link layer. `unknown`: a unicast frame whose link layer does not
 * show which host it was for.
 */
export type Delivery = 'host' | 'broadcast' | 'multicast' | 'other-host' | 'outgoing' | 'unknown'

/** The parts of a TCP segment or UDP datagram that portsentry reads. */
export interface Packet {
  /** Milliseconds since the epoch. */
  readonly timeMs: number
  readonly protocol: 'tcp' | 'udp'
  readonly source: Address
  readonly destination: Address
  readonly sourcePort: number
  /** Destination port. */
  readonly port: number
  /** The eight flag bits of TCP, FIN = 1 to CWR = 128; 0 for UDP. */
  readonly flags: number
  /** Whether it has IPv4 options; null for IPv6, and for a connection whose packets were not seen. */
  readonly hasIpOptions: boolean | null
  /** The first fragment of an IPv4 packet. Only daemons that read the wire see it; the kernel reassembles packets. */
  readonly isFragment: boolean
  readonly delivery: Delivery
}

/** TCP's flag bits. */
export const FLAGS = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const

export const isSameAddress = (one: Address, other: Address): boolean => {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}

/** A copy that a decoder does not overwrite. */
export const copyPacket = (packet: Packet): Packet => ({
  timeMs: packet.timeMs,
  protocol: packet.protocol,
  source: packet.source.slice(),
  destination: packet.destination.slice(),
  sourcePort: packet.sourcePort,
  port: packet.port,
  flags: packet.flags,
  hasIpOptions: packet.hasIpOptions,
  isFragment: packet.isFragment,
  delivery: packet.delivery,
})
