import {
  broadcastOf,
  formatAddress,
  formatCidr,
  isHost,
  isIPv4,
  type Network,
  networkOf,
  parseNetwork,
} from '../network.ts'
import { readJson } from './read-json.ts'

interface IpAddress {
  readonly local?: string
  readonly prefixlen?: number
  readonly scope?: string
  readonly temporary?: boolean
}

interface Interface {
  readonly ifname?: string
  readonly addr_info?: readonly IpAddress[]
}

/** Bridges and cables of containers and virtual machines come and go with them; nobody else meets this server there. */
const CONTAINERS = /^(?:docker\d|br-[0-9a-f]{12}$|veth|virbr|vnet|lxcbr|lxdbr|cni|podman)/

export interface OwnAddresses {
  /** Each as a host, in a stable order. */
  readonly addresses: readonly Network[]
  /** The IPv6 networks that they are on. */
  readonly links: readonly Network[]
  /** Broadcast addresses of the IPv4 networks that they are on. */
  readonly broadcasts: readonly Network[]
}

const LINK_LOCAL_IPV4 = '169.254.'

/** These addresses as hosts, in a stable order; IPv4's link-local ones, which change by the hour, left out. */
export const ownHosts = (addresses: readonly string[]): Network[] =>
  [...new Set(addresses)]
    .filter((address) => !address.startsWith(LINK_LOCAL_IPV4))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap((address) => parseNetwork(address) ?? [])

/**
 * What `ip -json address` says, whether or not an interface has a carrier; null where that is no such text.
 * Loopback's and link-local addresses are not of scope global. Temporary (privacy) addresses change by the day
 * and are nobody's to be reached at: they would make a drift of each.
 */
export const parseIpAddresses = (text: string): OwnAddresses | null => {
  const interfaces = readJson<readonly Interface[]>(text)
  if (!Array.isArray(interfaces)) return null
  const own = interfaces
    .filter(({ ifname = '' }) => !CONTAINERS.test(ifname))
    .flatMap(({ addr_info }): readonly IpAddress[] => addr_info ?? [])
    .filter(({ scope, temporary }) => scope === 'global' && temporary !== true)
  const attached = own.flatMap(({ local, prefixlen }) => parseNetwork(`${local}/${prefixlen}`) ?? [])
  const links = attached
    .filter((network) => !isIPv4(network) && !isHost(network))
    .map((network) => [formatCidr(networkOf(network)), networkOf(network)] as const)
  return {
    addresses: ownHosts(own.flatMap(({ local }) => local ?? [])),
    links: [...new Map(links).values()],
    broadcasts: ownHosts(
      attached.flatMap((network) => {
        const last = broadcastOf(network)
        return last === null ? [] : [formatAddress(last)]
      }),
    ),
  }
}

interface NextHop {
  readonly gateway?: string
  readonly via?: { readonly host?: string }
}

interface DefaultRoute extends NextHop {
  readonly nexthops?: readonly NextHop[]
}

const LINK_LOCAL_IPV6 = /^fe[89ab]/i

/**
 * The routers in what `ip -json -4 route show default` or the same with -6 says: several routes, or several next hops
 * of one. A gateway of the other family stands in `via`. Link-local ones of IPv6 left out: all of those are protected.
 */
export const parseGateways = (text: string): Network[] => {
  const routes = readJson<readonly DefaultRoute[]>(text)
  const hops = (Array.isArray(routes) ? routes : []).flatMap((route: DefaultRoute): readonly NextHop[] => [
    route,
    ...(route.nexthops ?? []),
  ])
  const gateways = hops.flatMap(({ gateway, via }) => gateway ?? via?.host ?? [])
  return ownHosts(gateways.filter((address) => !LINK_LOCAL_IPV6.test(address)))
}
