import { networkInterfaces } from 'node:os'
import { type OwnAddresses, ownHosts, parseIpAddresses } from '../policy/own-addresses.ts'
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
