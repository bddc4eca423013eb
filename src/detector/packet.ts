/** An IPv4 (4 bytes) or IPv6 (16 bytes) address in network order, as in `Network`. */
export type Address = readonly number[]

/**
 * How a frame reached the machine that captured it, as far as its link layer says. `unknown`: a unicast frame
 * whose link layer does not say which host it was for.
 */
export type Delivery = 'host' | 'broadcast' | 'multicast' | 'other-host' | 'outgoing' | 'unknown'

/** One TCP segment or UDP datagram, as far as portsentry looks at it. */
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
  /** IPv4 options; null for IPv6, and where the packet was not seen but only a connection. */
  readonly hasIpOptions: boolean | null
  /** The first fragment of an IPv4 packet. Only daemons that read the wire see it; the kernel puts packets together. */
  readonly isFragment: boolean
  readonly delivery: Delivery
}

/** TCP's flag bits. */
export const FLAGS = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const

export const isSameAddress = (one: Address, other: Address): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])
