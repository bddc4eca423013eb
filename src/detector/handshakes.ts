import { createBoundedMap, keyOf } from './bounded-map.ts'
import { FLAGS, type Packet } from './packet.ts'

/** The TCP connections that come about in a capture, as a listening socket would get them. */
export interface Handshakes {
  /** Takes a segment from a client; whether it completes a connection. */
  completes(segment: Packet): boolean
  size(): number
}

export const MOST_HALF_OPEN = 4096

const tupleOf = ({ source, sourcePort, destination, port }: Packet): string =>
  `${keyOf(source)} ${sourcePort} ${keyOf(destination)} ${port}`

/**
 * A SYN opens, the next ACK of the same two ends completes; RST or FIN before that gives up. At most `bound`
 * half-open ones are held, then the oldest is given up. Whether the server answered is not looked at: a client
 * that got no SYN/ACK has nothing to acknowledge.
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
