import {
  broadcastOf,
  formatAddress,
  formatCidr,
  isHost,
  type Network,
  networkOf,
  parseNetwork,
} from '../network.ts'
import { readJson } from '../read-json.ts'

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

/** An interface with its addresses, host bits and all: 192.168.1.10/24. Loopback's and link-local ones left out. */
interface NetworkInterface {
  readonly name: string
  readonly addresses: readonly Network[]
  /** Of containers or virtual machines on this server. */
  readonly isVirtual: boolean
}

/** A route of IPv4 that packets are sent by. A default route goes to 0.0.0.0/0. */
export interface Route {
  readonly to: Network
  /** The router; null where the hosts are on the link itself. */
  readonly via: string | null
  readonly device: string
}

/** Where this server is in its networks. */
export interface Topology {
  readonly interfaces: readonly NetworkInterface[]
  readonly routes: readonly Route[]
}

export interface OwnAddresses {
  /** Each as a host, in a stable order; those of virtual interfaces left out. */
  readonly addresses: readonly Network[]
  /** Null where only the addresses are known. */
  readonly interfaces: readonly NetworkInterface[] | null
}

const LINK_LOCAL_IPV4 = '169.254.'

const isLasting = (address = ''): boolean => !address.startsWith(LINK_LOCAL_IPV4)

/** These addresses as hosts, in a stable order; IPv4's link-local ones, which change by the hour, left out. */
export const ownHosts = (addresses: readonly string[]): Network[] =>
  [...new Set(addresses)]
    .filter(isLasting)
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
  const found = interfaces.map(
    ({ ifname = '', addr_info }: Interface): NetworkInterface => ({
      name: ifname,
      addresses: (addr_info ?? [])
        .filter(({ local, scope, temporary }) => scope === 'global' && temporary !== true && isLasting(local))
        .flatMap(({ local, prefixlen }) => parseNetwork(`${local}/${prefixlen}`) ?? []),
      isVirtual: CONTAINERS.test(ifname),
    }),
  )
  const own = found.filter(({ isVirtual }) => !isVirtual).flatMap(({ addresses }) => addresses)
  return {
    addresses: ownHosts(own.map(({ bytes }) => formatAddress(bytes))),
    interfaces: found.filter(({ addresses }) => addresses.length > 0),
  }
}

/** Broadcast addresses of the IPv4 networks that real interfaces are on, in a stable order. */
export const broadcastsOf = (interfaces: readonly NetworkInterface[]): Network[] =>
  ownHosts(
    interfaces
      .filter(({ isVirtual }) => !isVirtual)
      .flatMap(({ addresses }) => addresses)
      .flatMap((address) => {
        const last = broadcastOf(address)
        return last === null ? [] : [formatAddress(last)]
      }),
  )

/** A network that this server is on, and an interface in it. */
export interface OnLink {
  readonly network: Network
  readonly device: string
  /** This server's own address there. */
  readonly address: Network
}

/** The networks of both families that real interfaces are on, each once; where an address has no network, none. */
export const onLink = (topology: Topology | null): OnLink[] => {
  const found = (topology?.interfaces ?? [])
    .filter(({ isVirtual }) => !isVirtual)
    .flatMap(({ name, addresses }) =>
      addresses
        .filter((address) => !isHost(address))
        .map((address) => ({ network: networkOf(address), device: name, address })),
    )
  const first = new Map<string, OnLink>()
  for (const link of found) {
    const key = formatCidr(link.network)
    if (!first.has(key)) first.set(key, link)
  }
  return [...first.values()]
}

interface NextHop {
  readonly gateway?: string
  readonly via?: { readonly host?: string }
}

interface IpRoute extends NextHop {
  readonly dst?: string
  readonly dev?: string
  readonly nexthops?: readonly (NextHop & { readonly dev?: string })[]
}

const isDefault = ({ dst = 'default' }: IpRoute): boolean => dst === 'default'

const LINK_LOCAL_IPV6 = /^fe[89ab]/i

/**
 * The routers in what `ip -json -4 route show` or the same with -6 says: several default routes, or several next hops
 * of one. A gateway of the other family stands in `via`. Link-local ones of IPv6 left out: all of those are protected.
 */
export const parseGateways = (text: string): Network[] => {
  const routes = readJson<readonly IpRoute[]>(text)
  const hops = (Array.isArray(routes) ? routes : [])
    .filter(isDefault)
    .flatMap((route: IpRoute): readonly NextHop[] => [route, ...(route.nexthops ?? [])])
  const gateways = hops.flatMap(({ gateway, via }) => gateway ?? via?.host ?? [])
  return ownHosts(gateways.filter((address) => !LINK_LOCAL_IPV6.test(address)))
}

/** All routes in what `ip -json -4 route show type unicast` says; null where that is no such text. */
export const parseRoutes = (text: string): Route[] | null => {
  const routes = readJson<readonly IpRoute[]>(text)
  if (!Array.isArray(routes)) return null
  return routes.flatMap((route: IpRoute): Route[] => {
    const to = parseNetwork(isDefault(route) ? '0.0.0.0/0' : (route.dst ?? ''))
    if (to === null) return []
    return (route.nexthops ?? [route]).flatMap(({ gateway, via, dev }): Route[] =>
      dev === undefined ? [] : [{ to, via: gateway ?? via?.host ?? null, device: dev }],
    )
  })
}
