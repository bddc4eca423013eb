import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { Address } from '../detector/packet.ts'
import { formatAddress } from '../network.ts'
import { errnoOf } from '../system/host-error.ts'

/** No file descriptor for the test: both daemons then continue as if the port were free. */
const EXHAUSTED: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/**
 * Whether a service uses the port, tested as the daemons do it: by a fresh bind, for TCP with a short listen.
 * 1.2 binds 0.0.0.0 (`address` null), 2.x the packet's destination; any failure, also for a destination that is not an address
 * of this host, means "in use". One difference: Node binds TCP with SO_REUSEADDR, the daemons without, so that a port whose
 * last connections are in TIME_WAIT is in use for them and free here.
 */
export const isInUse = (protocol: 'tcp' | 'udp', port: number, address: Address | null): Promise<boolean> =>
  new Promise((resolve) => {
    const host = address === null ? '0.0.0.0' : formatAddress(address)
    const answer = (error: unknown): void => resolve(!EXHAUSTED.has(errnoOf(error)))
    if (protocol === 'tcp') {
      const server = createServer((socket) => socket.destroy())
      server.once('error', answer)
      server.listen({ host, port, backlog: 5, exclusive: true }, () => server.close(() => resolve(false)))
    } else {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
      socket.once('error', (error) => socket.close(() => answer(error)))
      socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(false)))
    }
  })
