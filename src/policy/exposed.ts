import type { Topology } from '../facts/ip.ts'
import { contains, formatCidr, isIPv4, isWithin, type Network, parseNetwork } from '../network.ts'
import type { Problem, SourceLocation } from '../problem.ts'
import type { Facts } from './facts.ts'
import { isPrivate } from './lan-check.ts'
import { type OnLink, onLink } from './on-link.ts'
import { type Release, sees } from './release.ts'

/** RFC 4193 */
export const UNIQUE_LOCAL: Network = { bytes: [0xfc, ...Array.from({ length: 15 }, () => 0)], prefix: 7 }

/** A global network on an interface whose IPv4 addresses are all public: its other hosts are not the admin's. */
export const isPublic = ({ network, device }: OnLink, topology: Topology | null): boolean => {
  const interfaces = (topology?.interfaces ?? []).filter(({ name }) => name === device)
  const besides = interfaces.flatMap(({ addresses }) => addresses).filter(isIPv4)
  return !contains(UNIQUE_LOCAL, network) && besides.length > 0 && !besides.some(isPrivate)
}

/** The admin's SSH clients and the server's IPv6 networks that are not protected. */
export const findExposed = (
  facts: Facts,
  release: Release,
  networks: readonly Network[],
  untrusted: readonly Network[],
  whitelist: SourceLocation,
): Problem[] => {
  const exposed = (facts.live?.sshClients ?? []).filter((address) => {
    const client = parseNetwork(address)
    return client !== null && sees(release, client) && !isWithin(networks, client)
  })
  const clients = exposed.map((address) => ({
    // apply stops because of this one, unless --allow-lockout is given.
    code: 'ssh-client' as const,
    message: `an SSH session comes from ${address}, which is not protected: a packet to a watched port can get it banned`,
    hint: `add ${address} to WHITELIST`,
  }))
  // LAN_IP names the IPv4 network only; its hosts have IPv6 addresses, too.
  const topology = facts.live?.topology ?? null
  const links = onLink(topology)
    .filter((link) => !isIPv4(link.network) && !isPublic(link, topology))
    .map(({ network }) => network)
    .filter((link) => !isWithin([...networks, ...untrusted], link))
  const neighbours = (release.seesIPv6 ? links : []).map(formatCidr).map((link) => ({
    code: 'ipv6-lan' as const,
    message: `this server is on ${link}, which is not protected: a host there that scans is banned`,
    hint: `add ${link} to WHITELIST if that is your LAN, else to UNTRUSTED`,
  }))
  return [...clients, ...neighbours].map((found) => ({ severity: 'warning', ...found, at: whitelist }))
}
