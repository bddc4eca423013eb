import { createServer, type Server } from 'node:net'

/** What the probes accept as an answer: a finished handshake is not enough, since TARPIT finishes one, too. */
const GREETING = 'portward lab\n'

const greetOn = (port: number): Promise<Server | null> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(GREETING)
    })
    server.once('error', () => resolve(null))
    // Both families if there is IPv6, else IPv4 only.
    server.listen({ port, backlog: 64 }, () => resolve(server))
  })

/** Listens on ports of the lab's server and greets each client. Returns the ports that it could bind, and `close`. */
export const startGreeters = async (
  ports: readonly number[],
): Promise<{ ports: readonly number[]; close: () => void }> => {
  const servers = await Promise.all(ports.map(greetOn))
  return {
    ports: ports.filter((_, index) => servers[index] !== null),
    close: () => {
      for (const server of servers) server?.close()
    },
  }
}
