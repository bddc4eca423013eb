import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** A port that is free for TCP and, for all that anybody does here, for UDP. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '0.0.0.0')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
