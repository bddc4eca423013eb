import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import {
  broadcastOf,
  canonicalNetwork,
  formatAddress,
  type Network,
  parseNetwork,
  ROUTE_PROTOCOL,
} from '../network.ts'
import { readJson } from '../read-json.ts'
import { NOT_RUN, type Query } from '../system/query.ts'
import { type Ban, failureOf } from './ban.ts'

// This server's interfaces, addresses and routes, as `ip` of iproute2 prints them.

/** Bridges and veth devices of containers and virtual machines: they are created and removed with these, and have no other host. */
const CONTAINERS = /^(?:docker\d|br-[0-9a-f]{12}$|veth|virbr|vnet|lxcbr|lxdbr|cni|podman)/

/** An interface other than loopback. */
export interface NetworkInterface {
  readonly name: string
  /** Permanent addresses of scope global, with their host bits: 192.168.1.10/24. */
  readonly addresses: readonly Network[]
  /** All addresses of scope global: also temporary (privacy) ones of IPv6, and IPv4's link-local ones. */
  readonly allAddresses: readonly Network[]
  /** Of containers or virtual machines on this server. */
  readonly isVirtual: boolean
}

interface IpAddress {
  readonly local?: string
  readonly prefixlen?: number
  readonly scope?: string
  readonly temporary?: boolean
}

interface IpInterface {
  readonly ifname?: string
  readonly flags?: readonly string[]
  readonly addr_info?: readonly IpAddress[]
}

const isLasting = (address = ''): boolean => !address.startsWith('169.254.')

/** These addresses as hosts, in a stable order; IPv4's link-local ones, which change by the hour, left out. */
export const lastingHosts = (addresses: readonly string[]): Network[] =>
  [...new Set(addresses)]
    .filter(isLasting)
    .flatMap((address) => parseNetwork(address) ?? [])
    .sort(byAddress)

/** IPv4 first, then by the bytes: the languages' own comparison of texts takes milliseconds to load. */
const byAddress = (a: Network, b: Network): number =>
  a.bytes.length - b.bytes.length || Buffer.compare(Buffer.from(a.bytes), Buffer.from(b.bytes))

/**
 * What `ip -json address` says, in the kernel's order, whether or not an interface has a carrier; null where that is not such
 * text. Temporary addresses change daily and are not used to reach a server: each change would look like drift.
 */
export const parseInterfaces = (text: string): NetworkInterface[] | null => {
  const interfaces = readJson<readonly IpInterface[]>(text)
  if (!Array.isArray(interfaces)) return null
  return interfaces.flatMap(({ ifname = '', flags, addr_info }: IpInterface): NetworkInterface[] => {
    if (flags?.includes('LOOPBACK')) return []
    const global = (addr_info ?? []).filter(({ scope }) => scope === 'global')
    const networks = (some: readonly IpAddress[]) =>
      some.flatMap(({ local, prefixlen }) => parseNetwork(`${local}/${prefixlen}`) ?? [])
    const lasting = global.filter(({ local, temporary }) => temporary !== true && isLasting(local))
    return [
      {
        name: ifname,
        addresses: networks(lasting),
        allAddresses: networks(global),
        isVirtual: CONTAINERS.test(ifname),
      },
    ]
  })
}

interface NextHop {
  readonly gateway?: string
  readonly via?: { readonly host?: string }
}

/** A route in what `ip -json route show table all` prints. */
export interface IpRoute extends NextHop {
  /** Absent: unicast. */
  readonly type?: string
  readonly dst?: string
  readonly dev?: string
  /** Absent: the main table. */
  readonly table?: string
  readonly metric?: number
  readonly protocol?: string
  /** Every route of IPv6 has a preference, none of IPv4. */
  readonly pref?: string
  readonly nexthops?: readonly (NextHop & { readonly dev?: string })[]
}

/** The routes of the main tables; null if `ip` could not be run. */
export interface RouteTables {
  readonly ipv4: readonly IpRoute[] | null
  readonly ipv6: readonly IpRoute[] | null
}

/** What `ip -json route show table all` prints; null where that is not such text. */
export const parseRoutes = (text: string): RouteTables => {
  const routes = readJson<readonly IpRoute[]>(text)
  if (!Array.isArray(routes)) return { ipv4: null, ipv6: null }
  const main = routes.filter(({ table }: IpRoute) => table === undefined)
  return {
    ipv4: main.filter(({ pref }: IpRoute) => pref === undefined),
    ipv6: main.filter(({ pref }: IpRoute) => pref !== undefined),
  }
}

const BLACKHOLES: ReadonlySet<string> = new Set(['blackhole', 'unreachable', 'prohibit'])

/** Routes that ban one host: those of the ban set, and others. */
export const parseRouteBans = (routes: readonly IpRoute[]): Ban[] =>
  routes.flatMap(({ type = '', dst = '', metric, protocol }): Ban[] => {
    const address = canonicalNetwork(dst)
    const isOwn = protocol === ROUTE_PROTOCOL
    if (address === null || (!isOwn && (!BLACKHOLES.has(type) || address.includes('/')))) return []
    const which = [
      ...(protocol === undefined ? [] : ['proto', protocol]),
      ...(metric === undefined || isOwn ? [] : ['metric', String(metric)]),
    ]
    const family = address.includes(':') ? '-6' : '-4'
    const undo = ['ip', family, 'route', 'del', type, address, ...which]
    return [{ address, where: 'blackhole route', isOwn, untilMs: null, undo }]
  })

const isUnicast = ({ type = 'unicast' }: IpRoute): boolean => type === 'unicast'
const isDefault = ({ dst = 'default' }: IpRoute): boolean => dst === 'default'

const LINK_LOCAL_IPV6 = /^fe[89ab]/i

/**
 * The routers of the default routes: there may be several, and several next hops of one. A gateway of the other family stands
 * in `via`. Link-local ones of IPv6 left out: all of those are protected.
 */
const gatewaysOf = (routes: readonly IpRoute[]): Network[] => {
  const hops = routes
    .filter((route) => isUnicast(route) && isDefault(route))
    .flatMap((route): readonly NextHop[] => [route, ...(route.nexthops ?? [])])
  const gateways = hops.flatMap(({ gateway, via }) => gateway ?? via?.host ?? [])
  return lastingHosts(gateways.filter((address) => !LINK_LOCAL_IPV6.test(address)))
}

/** A route of IPv4 that packets are sent by. A default route goes to 0.0.0.0/0. */
export interface Route {
  readonly to: Network
  /** The router; null where the hosts are on the link itself. */
  readonly via: string | null
  readonly device: string
}

const sendingRoutes = (routes: readonly IpRoute[]): Route[] =>
  routes.filter(isUnicast).flatMap((route): Route[] => {
    const to = parseNetwork(isDefault(route) ? '0.0.0.0/0' : (route.dst ?? ''))
    if (to === null) return []
    return (route.nexthops ?? [route]).flatMap(({ gateway, via, dev }): Route[] =>
      dev === undefined ? [] : [{ to, via: gateway ?? via?.host ?? null, device: dev }],
    )
  })

/** This server's interfaces and routes. */
export interface Topology {
  readonly interfaces: readonly Omit<NetworkInterface, 'allAddresses'>[]
  /** Of IPv4. */
  readonly routes: readonly Route[]
}

/** What follows from the server's interfaces and routes. */
export interface OwnNetworks {
  /** This server's addresses as hosts, in a stable order; those of virtual interfaces left out. */
  readonly addresses: readonly Network[]
  /** The routers of its default routes. */
  readonly gateways: readonly Network[]
  /** Broadcast addresses of the IPv4 networks that it is on. */
  readonly broadcasts: readonly Network[]
  /** Null if `ip` could not be run. */
  readonly topology: Topology | null
  readonly interfaces: readonly NetworkInterface[]
  /** The interface of the default route, IPv4's first; null where there is none. */
  readonly outside: string | null
}

/** Without `ip`: the IPv4 addresses as Node has them, without those of interfaces that are not running. */
const addressesByLibrary = (): Network[] =>
  lastingHosts(
    Object.values(networkInterfaces())
      .flatMap((interfaces) => interfaces ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
      .map(({ address }) => address),
  )

/** Pure, except for `byLibrary`, which is called if the interfaces are unknown. */
export const ownNetworks = (
  interfaces: readonly NetworkInterface[] | null,
  { ipv4, ipv6 }: RouteTables,
  byLibrary = addressesByLibrary,
): OwnNetworks => {
  const real = (interfaces ?? []).filter(({ isVirtual }) => !isVirtual).flatMap(({ addresses }) => addresses)
  const broadcasts = real.map(broadcastOf).filter((bytes) => bytes !== null)
  const defaults = [...(ipv4 ?? []), ...(ipv6 ?? [])].filter((route) => isUnicast(route) && isDefault(route))
  return {
    addresses:
      interfaces === null ? byLibrary() : lastingHosts(real.map(({ bytes }) => formatAddress(bytes))),
    gateways: [...gatewaysOf(ipv4 ?? []), ...gatewaysOf(ipv6 ?? [])],
    broadcasts: lastingHosts(broadcasts.map((bytes) => formatAddress(bytes))),
    interfaces: interfaces ?? [],
    topology: interfaces === null || ipv4 === null ? null : { interfaces, routes: sendingRoutes(ipv4) },
    outside: defaults.flatMap(({ dev, nexthops }) => dev ?? nexthops?.[0]?.dev ?? [])[0] ?? null,
  }
}

/** If IPv6 is disabled, there is nothing to ban, and `ip -6` and ip6tables fail. */
export const hasIPv6 = (): boolean => existsSync('/proc/net/if_inet6')

/** The interfaces and routes as `ip` prints them; null if it could not be run. */
export interface IpFacts extends RouteTables {
  readonly interfaces: readonly NetworkInterface[] | null
  /** Why something could not be read; null also if `ip` is not installed. */
  readonly failure: string | null
}

/**
 * One `ip` for all, since /proc does not show the type and protocol of a route, and the scope of an address. Only the list of the
 * routes of all tables has both families.
 */
export const ipQuery: Query<IpFacts> = {
  commands: [
    {
      program: 'ip',
      args: ['-json', '-force', '-batch', '-'],
      input: 'address show\nroute show table all\n',
    },
  ],
  parse: ([{ exitCode, stdout, stderr } = NOT_RUN]) => {
    const [interfaces = '', routes = ''] = stdout.split('\n')
    return {
      interfaces: parseInterfaces(interfaces),
      ...parseRoutes(routes),
      failure: failureOf('ip', exitCode, stderr),
    }
  },
}
