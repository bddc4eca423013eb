import type { Route, Topology } from '../facts/ip.ts'
import {
  contains,
  formatAddress,
  formatCidr,
  isHost,
  isIPv4,
  isWithin,
  type Network,
  networkOf,
  overlap,
  parseNetwork,
} from '../network.ts'
import { shortList } from '../phrases.ts'
import type { Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import type { Settings } from '../settings/settings.ts'
import { type OnLink, onLink } from './on-link.ts'

/** RFC 1918. Not RFC 6598, 100.64.0.0/10: its other hosts are the provider's customers. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].flatMap((text) => parseNetwork(text) ?? [])

const UNPROTECTED = 'unprotected-network'

/** The codes of these problems, and the result of `verify` for each. */
export const LAN_PROBLEMS: ReadonlyMap<ProblemCode, 'fail' | 'warn'> = new Map([
  ['lan-elsewhere', 'fail'],
  [UNPROTECTED, 'fail'],
  ['lan-routed', 'warn'],
  ['lan-internet', 'warn'],
  ['lan-wide', 'warn'],
])

/** The most addresses that a message lists. */
const MOST = 8

export const isPrivate = (network: Network): boolean => isWithin(PRIVATE, network)

/** LAN_NM is at least /8; VPNs split the default route into two of /1. */
export const isDefaultRoute = ({ to }: Route): boolean => to.prefix < 8

const describe = ({ device, network }: OnLink): string => `${formatCidr(network)} (${device})`

/** `lan0 192.168.1.10/24, wan0 203.0.113.1/24` */
const describeInterfaces = ({ interfaces }: Topology): string => {
  const all = interfaces.flatMap(({ name, addresses }) =>
    addresses.filter(isIPv4).map((address) => `${name} ${formatCidr(address)}`),
  )
  return shortList(all, MOST)
}

const describeRoute = ({ to, via, device }: Route): string =>
  `${formatCidr(to)} ${via === null ? '' : `via ${via} `}dev ${device}`

/** Every IPv4 address with its network, including those of virtual interfaces and /32. */
export const findHomes = ({ interfaces }: Topology): OnLink[] =>
  interfaces.flatMap(({ name, addresses }) =>
    addresses
      .filter(isIPv4)
      .map((address) => ({ network: networkOf(address), device: name, address: { ...address, prefix: 32 } })),
  )

/** Whether the router of the default route is in this network or, if it is in none, the route uses its interface. */
export const isOfDefaultRoute = (home: OnLink, homes: readonly OnLink[], { routes }: Topology): boolean =>
  routes.filter(isDefaultRoute).some(({ via, device }) => {
    const router = via === null ? null : parseNetwork(via)
    const near = router === null ? [] : homes.filter(({ network }) => contains(network, router))
    return near.length === 0 ? device === home.device : near.includes(home)
  })

type Found = Pick<Problem, 'severity' | 'code' | 'message' | 'hint'>

/** Whether an interface has an IPv4 address: in an installer, or before DHCP has answered, none may have. */
export const hasIPv4 = ({ interfaces }: Topology): boolean =>
  interfaces.some(({ addresses }) => addresses.some(isIPv4))

/** The networks of this server if `lan` is none of them, and no route leads to it; else null. */
export const networksInstead = (lan: Network, topology: Topology): string | null => {
  const isNear =
    findHomes(topology).some(({ network }) => overlap(network, lan)) ||
    topology.routes.some((route) => !isDefaultRoute(route) && overlap(route.to, lan))
  return isNear || !hasIPv4(topology) ? null : describeInterfaces(topology)
}

/** Compares LAN_IP and LAN_NM with the server's interfaces and routes; null if they match. */
const judgeLan = (lan: Network, topology: Topology): Found | null => {
  const cidr = formatCidr(lan)
  const named = `LAN_IP and LAN_NM name ${cidr}`
  const homes = findHomes(topology)
  // Only an address of the server itself: it is always protected, and the hosts around it are not meant to be.
  if (isHost(lan) && homes.some(({ address }) => contains(lan, address))) return null
  const near = homes.filter(({ network }) => overlap(network, lan))
  const routes = topology.routes.filter((route) => !isDefaultRoute(route) && overlap(route.to, lan))
  const [route] = routes
  const instead = networksInstead(lan, topology)
  if (instead !== null) {
    return {
      severity: 'error',
      code: 'lan-elsewhere',
      message: `${named}, but this server is not in it: it has ${instead}`,
      hint: `name one of these networks; if ${cidr} is to be protected as well, put it into WHITELIST`,
    }
  }
  if (near.length === 0 && route !== undefined) {
    return {
      severity: 'warning',
      code: 'lan-routed',
      message: `${named}, but this server is not in it: it reaches it through the route ${describeRoute(route)}`,
      hint: `put ${cidr} into WHITELIST instead; LAN_IP and LAN_NM are for a network that this server is on, and may be left out`,
    }
  }
  const outside = near.find((home) => !isPrivate(home.network) && isOfDefaultRoute(home, homes, topology))
  if (outside !== undefined) {
    return {
      severity: 'warning',
      code: 'lan-internet',
      message: `${named}, but the default route uses ${describe(outside)}: hosts of others there would never be banned`,
      hint: `name your LAN, or leave out both LAN_IP and LAN_NM if there is none; if all of ${cidr} is yours, put it into WHITELIST instead`,
    }
  }
  const isWider = near.every(({ network }) => !isHost(network) && network.prefix > lan.prefix)
  if (isWider && !routes.some(({ to }) => contains(to, lan))) {
    return {
      severity: 'warning',
      code: 'lan-wide',
      message: `${named}, which is wider than ${near.map(describe).join(', ')}, the network of this server`,
      hint: `set LAN_NM=${near[0]?.network.prefix}; if all of ${cidr} is to be protected, put it into WHITELIST`,
    }
  }
  return null
}

type Given = Pick<Settings, 'lan' | 'whitelist' | 'untrusted' | 'observeOnly' | 'locations' | 'path'>

/** Private networks that this server is on and that config.env does not mention as a whole. */
const findUnprotected = (
  { lan, whitelist, untrusted }: Given,
  topology: Topology,
  protectedNetworks: readonly Network[],
): (Found & { readonly variable: string })[] =>
  onLink(topology)
    .filter(({ network }) => isIPv4(network) && isPrivate(network))
    .filter(({ network }) => !isWithin([...protectedNetworks, ...untrusted], network))
    // LAN_NM=32 with an address of the server: the hosts around it are not meant to be protected.
    .filter(({ network }) => lan === null || !isHost(lan) || !contains(network, lan))
    .map((link, index) => {
      const { network, address } = link
      const cidr = formatCidr(network)
      const isPartly = lan !== null && contains(network, lan)
      const parts = (isPartly ? [lan] : whitelist.filter((given) => contains(network, given))).map(formatCidr)
      const [variable, protecting] =
        lan === null && index === 0
          ? ['LAN_IP', `set LAN_IP=${formatAddress(address.bytes)} and LAN_NM=${network.prefix}`]
          : isPartly
            ? ['LAN_NM', `set LAN_NM=${network.prefix}`]
            : ['WHITELIST', `add ${cidr} to WHITELIST`]
      return {
        variable,
        severity: 'warning',
        code: UNPROTECTED,
        message: `this server is on ${describe(link)}, ${
          parts.length > 0 ? `of which only ${parts.join(', ')} is protected` : 'which is not protected'
        }: a host there that scans is banned`,
        hint: `${protecting}, or add ${cidr} to UNTRUSTED if its hosts are to be banned like any other`,
      }
    })

/** Problems with LAN_IP, LAN_NM and WHITELIST for the networks that this server is on; none if those are unknown. */
export const findLanProblems = (
  settings: Given,
  topology: Topology | null,
  protectedNetworks: readonly Network[],
): Problem[] => {
  if (topology === null || !hasIPv4(topology)) return []
  const at = (name: string) => settings.locations.get(name) ?? { path: settings.path }
  const wrong = settings.lan === null ? null : judgeLan(settings.lan, topology)
  const lan = wrong === null ? [] : [{ ...wrong, at: at('LAN_IP') }]
  // The error lists all networks already; without bans no protection is needed.
  if (wrong?.severity === 'error' || settings.observeOnly) return lan
  const unprotected = findUnprotected(settings, topology, protectedNetworks)
  return [...lan, ...unprotected.map(({ variable, ...found }) => ({ ...found, at: at(variable) }))]
}
