import { createBoundedMap, keyOf } from './bounded-map.ts'
import { FLAGS, type Packet } from './packet.ts'

/** The TCP connections that are established in a capture, as a listening socket would accept them. */
export interface Handshakes {
  /** Whether this segment from a client completes a handshake. To be called with every segment, in order. */
  completes(segment: Packet): boolean
  size(): number
}

export const MOST_HALF_OPEN = 4096

const tupleOf = ({ source, sourcePort, destination, port }: Packet): string =>
  `${keyOf(source)} ${sourcePort} ${keyOf(destination)} ${port}`

/**
 * A SYN opens a connection, the next ACK between the same endpoints completes it; RST or FIN before that aborts it. At most
 * `bound` half-open ones are kept, beyond which the oldest is dropped. The server's answer is not checked: a client that
 * did not get a SYN/ACK does not send an ACK.
 */
export const createHandshakes = (bound = MOST_HALF_OPEN): Handshakes => {
  const halfOpen = createBoundedMap<string, true>(bound)
  return {
    completes: (segment) => {
      const { flags } = segment
      const isOpening = (flags & (FLAGS.SYN | FLAGS.ACK | FLAGS.RST | FLAGS.FIN)) === FLAGS.SYN
      if (!isOpening && halfOpen.size() === 0) return false
      const tuple = tupleOf(segment)
      if (isOpening) {
        halfOpen.set(tuple, true)
        return false
      }
      const isOpen = halfOpen.get(tuple) === true
      const isAnswer = (flags & (FLAGS.SYN | FLAGS.ACK | FLAGS.RST | FLAGS.FIN)) === FLAGS.ACK
      if (isOpen && (isAnswer || (flags & (FLAGS.RST | FLAGS.FIN)) !== 0)) halfOpen.delete(tuple)
      return isOpen && isAnswer
    },
    size: halfOpen.size,
  }
}
