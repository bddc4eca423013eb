import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { readNameServers } from '../documents/resolv-conf.ts'
import type { Network } from '../network.ts'
import { type OwnAddresses, ownHosts, parseGateways, parseIpAddresses } from '../policy/own-addresses.ts'
import { areForwarders } from '../policy/server-addresses.ts'
import { tryRun } from './process.ts'

/** Without `ip`: what the C library says, which leaves out interfaces that do not run. */
const readRunning = (): OwnAddresses => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((interfaces) => interfaces ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
  return { addresses: ownHosts(addresses.map(({ address }) => address)), links: [], broadcasts: [] }
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

const RESOLV_CONF = '/etc/resolv.conf'
/** Where programs on the server that resolv.conf may name (127.0.0.53 and the like) write down whom they ask themselves. */
const UPSTREAMS = [
  '/run/systemd/resolve/resolv.conf',
  '/run/NetworkManager/no-stub-resolv.conf',
  '/run/dnsmasq/resolv.conf',
]

const readResolvConf = async (path: string): Promise<Network[]> =>
  ownHosts(readNameServers(await readFile(path, 'latin1').catch(() => '')))

/** The name servers that this server asks; only loopback addresses where it is not known whom those ask. */
export const readResolvers = async (): Promise<Network[]> => {
  const named = await readResolvConf(RESOLV_CONF)
  if (!areForwarders(named)) return named
  const upstreams = await Promise.all(UPSTREAMS.map(readResolvConf))
  return upstreams.find((servers) => servers.length > 0 && !areForwarders(servers)) ?? named
}
