import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { readNameServers } from '../documents/resolv-conf.ts'
import type { Network } from '../network.ts'
import {
  broadcastsOf,
  type OwnAddresses,
  ownHosts,
  parseGateways,
  parseIpAddresses,
  parseRoutes,
  type Topology,
} from '../policy/own-addresses.ts'
import { areForwarders } from '../policy/server-addresses.ts'
import { tryRun } from './process.ts'

/** Without `ip`: what the C library says, which leaves out interfaces that do not run. */
const readRunning = (): OwnAddresses => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((interfaces) => interfaces ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
  return { addresses: ownHosts(addresses.map(({ address }) => address)), interfaces: null }
}

/** What `ip` prints; an empty text where it fails. */
const ip = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout } = await tryRun('ip', ['-json', ...args])
  return exitCode === 0 ? stdout : ''
}

export interface OwnNetworks {
  /** This server's addresses as hosts; loopback and link-local ones left out. */
  readonly addresses: readonly Network[]
  /** The routers of its default routes. Empty where there is none, or no `ip` to ask. */
  readonly gateways: readonly Network[]
  /** Broadcast addresses of the IPv4 networks that it is on. */
  readonly broadcasts: readonly Network[]
  /** Null where `ip` could not be asked. */
  readonly topology: Topology | null
}

/** Where this server is in its networks. Bans by routes are no unicast ones, so that they do not come along. */
export const readOwnNetworks = async (): Promise<OwnNetworks> => {
  const [address, routes4, routes6] = await Promise.all([
    ip('address'),
    ip('-4', 'route', 'show', 'type', 'unicast'),
    ip('-6', 'route', 'show', 'default'),
  ])
  const { addresses, interfaces } = parseIpAddresses(address) ?? readRunning()
  const routes = parseRoutes(routes4)
  return {
    addresses,
    gateways: [...parseGateways(routes4), ...parseGateways(routes6)],
    broadcasts: broadcastsOf(interfaces ?? []),
    topology: interfaces === null || routes === null ? null : { interfaces, routes },
  }
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
