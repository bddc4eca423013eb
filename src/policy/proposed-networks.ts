import type { Topology } from '../facts/ip.ts'
import { contains, isIPv4, isWithin, type Network, networkOf, parseNetwork } from '../network.ts'
import { isPublic, UNIQUE_LOCAL } from './exposed.ts'
import type { Facts } from './facts.ts'
import { findHomes, isDefaultRoute, isOfDefaultRoute, isPrivate } from './lan-check.ts'
import { type OnLink, onLink } from './on-link.ts'

// What the networks of a server are, as far as its addresses and routes show: its LAN, a VPN, a provider's.

/** A network that may be the LAN. */
export interface LanCandidate {
  /** This server's own address there, with its prefix. */
  readonly address: Network
  readonly device: string
  readonly reason: string
  /** Whether it is so likely that it is proposed. */
  readonly isLikely: boolean
}

/** A network or host, and the variable that is proposed to name it; null: neither. */
export interface Choice {
  readonly network: Network
  /** The interface, if it is a network of this server; else null. */
  readonly device: string | null
  readonly variable: 'WHITELIST' | 'UNTRUSTED' | null
  readonly reason: string
}

/** RFC 6598 */
const SHARED: Network = { bytes: [100, 64, 0, 0], prefix: 10 }

const TUNNEL = /^(?:wg|tun|tap|tailscale|zt|ppp|ipsec|nebula)/

/** `shared`: on the interface that has the public address. `exit`: a tunnel with the default route. */
type Kind = 'lan' | 'tunnel' | 'shared' | 'exit'

/** As candidates for the LAN, the most likely first. */
const ORDER: readonly Kind[] = ['lan', 'tunnel', 'shared', 'exit']

const REASONS: Readonly<Record<Exclude<Kind, 'lan'>, string>> = {
  tunnel: 'a VPN, which only known hosts can join',
  shared: 'beside the public address, so it may be shared with other customers of the provider',
  exit: 'a VPN that leads to the Internet, with hosts of others',
}

interface View {
  readonly topology: Topology
  readonly links: readonly OnLink[]
  /** The interfaces of default routes. */
  readonly outside: ReadonlySet<string>
  readonly hasPublicAddress: boolean
}

const isPublicIPv4 = (network: Network): boolean =>
  isIPv4(network) && !isPrivate(network) && !contains(SHARED, network)

const viewOf = ({ live }: Facts): View | null => {
  if (live === null || live.topology === null) return null
  const { topology, outside } = live
  const devices = topology.routes.filter(isDefaultRoute).map(({ device }) => device)
  const real = topology.interfaces.filter(({ isVirtual }) => !isVirtual)
  return {
    topology,
    links: onLink(topology),
    outside: new Set(outside === null ? devices : [...devices, outside]),
    hasPublicAddress: real.some(({ addresses }) => addresses.some(isPublicIPv4)),
  }
}

const kindOf = ({ device }: OnLink, { topology, outside }: View): Kind => {
  if (TUNNEL.test(device)) return outside.has(device) ? 'exit' : 'tunnel'
  const besides = topology.interfaces.filter(({ name }) => name === device).flatMap((it) => it.addresses)
  return outside.has(device) && besides.some(isPublicIPv4) ? 'shared' : 'lan'
}

/** Whether the router of the default route is in this network. */
const isUplink = ({ device, network }: OnLink, { topology }: View): boolean => {
  const homes = findHomes(topology)
  return homes.some(
    (home) =>
      home.device === device && contains(network, home.address) && isOfDefaultRoute(home, homes, topology),
  )
}

/** The private IPv4 networks of this server, the most likely LAN first. */
export const rankLans = (facts: Facts): LanCandidate[] => {
  const view = viewOf(facts)
  const session = parseNetwork(facts.live?.sshSession ?? '')
  const ranked = (view?.links ?? [])
    .filter(({ network }) => isIPv4(network) && isPrivate(network))
    .map((link) => {
      const kind = view === null ? 'lan' : kindOf(link, view)
      const hasSession = session !== null && contains(link.network, session)
      const leadsOut = view !== null && isUplink(link, view)
      const local = hasSession
        ? 'private, and your SSH session comes from it'
        : leadsOut
          ? 'private, with the router of the default route'
          : 'private, and apart from the default route'
      // A server with a public address has its LAN on another interface.
      const points = (hasSession ? 2 : 0) + (leadsOut === view?.hasPublicAddress ? 0 : 1)
      return { ...link, kind, points, reason: kind === 'lan' ? local : REASONS[kind] }
    })
    .sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || b.points - a.points)
  return ranked.map(({ address, device, kind, reason }) => ({
    ...{ address, device, reason, isLikely: kind === 'lan' },
  }))
}

/** Why no network is proposed as the LAN. */
export const whyNoLan = (facts: Facts): string => {
  const view = viewOf(facts)
  if (view?.hasPublicAddress)
    return 'this server has a public address and no private network of its own, as a VPS does'
  return view?.links.some(({ network }) => contains(SHARED, network))
    ? 'its network is one that a provider shares among customers (100.64.0.0/10)'
    : 'it is in no private IPv4 network with other hosts'
}

/** Why the networks of the server cannot be known; null if they can. */
export const whyUnknown = ({ live }: Facts): string | null => {
  if (live === null) return 'a tree does not show the networks of its server'
  if (live.topology === null) return 'ip (of iproute2) could not be run, which lists the networks'
  const hasAddress = live.topology.interfaces.some(({ addresses }) => addresses.length > 0)
  return hasAddress ? null : 'no interface has an address at the moment'
}

/** What to do about a network that is not the LAN. `lanDevices`: the interfaces of the LAN; `deniesLan`: there is said to be none. */
const choose = (
  link: OnLink,
  view: View,
  lanDevices: readonly string[],
  deniesLan: boolean,
): Pick<Choice, 'variable' | 'reason'> | null => {
  const { network, device } = link
  const kind = kindOf(link, view)
  const isPrivateIPv4 = isIPv4(network) && isPrivate(network)
  if (isIPv4(network) && !isPrivateIPv4) return null
  if (!isIPv4(network) && lanDevices.includes(device)) {
    const reason = contains(UNIQUE_LOCAL, network)
      ? 'IPv6 in the LAN'
      : 'IPv6 in the LAN, until the provider assigns another network'
    return { variable: 'WHITELIST', reason }
  }
  if (!isIPv4(network) && isPublic(link, view.topology)) return null
  if (kind !== 'lan')
    return { variable: kind === 'tunnel' ? 'WHITELIST' : 'UNTRUSTED', reason: REASONS[kind] }
  if (deniesLan) return { variable: 'UNTRUSTED', reason: 'not a LAN, as you say' }
  if (!isIPv4(network) && view.outside.has(device))
    return { variable: 'UNTRUSTED', reason: 'IPv6 with the default route, and with hosts of others' }
  return { variable: 'WHITELIST', reason: 'another network of this server' }
}

/** What is proposed for each other network of this server. `lan`: null or undefined where there is none, or it is unknown. */
export const chooseNetworks = (
  facts: Facts,
  lan: Network | null | undefined,
  deniesLan: boolean,
  covered: readonly Network[],
): Choice[] => {
  const view = viewOf(facts)
  if (view === null) return []
  const inLan = view.links.filter(({ network }) => lan && contains(networkOf(lan), network))
  const lanDevices = inLan.map(({ device }) => device)
  return view.links
    .filter(({ network }) => !isWithin([...covered, ...(lan ? [networkOf(lan)] : [])], network))
    .flatMap((link): Choice[] => {
      const chosen = choose(link, view, lanDevices, deniesLan)
      return chosen === null ? [] : [{ network: link.network, device: link.device, ...chosen }]
    })
}

/** Whether a network is one of this server, in part or as a whole; true where its networks are unknown. */
export const isHere = (facts: Facts, network: Network): boolean => {
  const view = viewOf(facts)
  if (view === null || whyUnknown(facts) !== null) return true
  return findHomes(view.topology).some(
    (home) => contains(home.network, network) || contains(network, home.network),
  )
}
