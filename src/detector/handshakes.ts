import { createBoundedTable } from './bounded-table.ts'
import { FLAGS, type Packet } from './packet.ts'

/** The TCP connections that are established in a capture, as a listening socket would accept them. */
export interface Handshakes {
  /** Whether this segment from a client completes a handshake. To be called with every segment, in order. */
  completes(segment: Packet): boolean
  size(): number
}

export const MOST_HALF_OPEN = 4096

/** Two addresses of IPv6 and two ports. */
const LONGEST = 36

const endpointsOf = ({ source, sourcePort, destination, port }: Packet): number[] => [
  ...source,
  ...destination,
  ...[sourcePort >> 8, sourcePort & 255, port >> 8, port & 255],
]

/**
 * A SYN opens a connection, the next ACK between the same endpoints completes it; RST or FIN before that aborts it. Of the last
 * `bound` that were opened the half-open ones are kept. The server's answer is not checked: a client that did not get a
 * SYN/ACK does not send an ACK.
 */
export const createHandshakes = (bound = MOST_HALF_OPEN, seed = 0): Handshakes => {
  const halfOpen = createBoundedTable({ bound, longest: LONGEST, seed })
  return {
    completes: (segment) => {
      const { flags } = segment
      const isOpening = (flags & (FLAGS.SYN | FLAGS.ACK | FLAGS.RST | FLAGS.FIN)) === FLAGS.SYN
      if (!isOpening && halfOpen.size() === 0) return false
      const endpoints = endpointsOf(segment)
      if (isOpening) {
        halfOpen.set(endpoints, 1)
        return false
      }
      const isOpen = halfOpen.get(endpoints) === 1
      const isAnswer = (flags & (FLAGS.SYN | FLAGS.ACK | FLAGS.RST | FLAGS.FIN)) === FLAGS.ACK
      if (isOpen && (isAnswer || (flags & (FLAGS.RST | FLAGS.FIN)) !== 0)) halfOpen.delete(endpoints)
      return isOpen && isAnswer
    },
    size: halfOpen.size,
  }
}
