import { networkInterfaces } from 'node:os'
import type { Network } from '../network.ts'
import { type OwnAddresses, ownHosts, parseGateways, parseIpAddresses } from '../policy/own-addresses.ts'
import { tryRun } from './process.ts'

/** Without `ip`: what the C library says, which leaves out interfaces that do not run. */
const readRunning = (): OwnAddresses => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((interfaces) => interfaces ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
  return { addresses: ownHosts(addresses.map(({ address }) => address)), links: [] }
}

/** This server's addresses, and the IPv6 networks that they are on; loopback and link-local ones left out. */
export const readAddresses = async (): Promise<OwnAddresses> => {
  const { exitCode, stdout } = await tryRun('ip', ['-json', 'address'])
  return (exitCode === 0 ? parseIpAddresses(stdout) : null) ?? readRunning()
}

/** The routers of this server's default routes. Empty where there is none, or no `ip` to ask. */
export const readGateways = async (): Promise<Network[]> => {
  const texts = await Promise.all(
    ['-4', '-6'].map((family) => tryRun('ip', ['-json', family, 'route', 'show', 'default'])),
  )
  return texts.flatMap(({ exitCode, stdout }) => (exitCode === 0 ? parseGateways(stdout) : []))
}
