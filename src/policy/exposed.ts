import { formatCidr, isWithin, type Network, parseNetwork } from '../network.ts'
import type { Place, Problem } from '../problem.ts'
import type { Facts } from './facts.ts'
import { type Release, sees } from './release.ts'

/** Who is near to the server or its administrator, and could be banned. */
export const findExposed = (
  facts: Facts,
  release: Release,
  networks: readonly Network[],
  whitelist: Place,
): Problem[] => {
  const exposed = (facts.live?.sshClients ?? []).filter((address) => {
    const client = parseNetwork(address)
    return client !== null && sees(release, client) && !isWithin(networks, client)
  })
  const clients = exposed.map((address) => ({
    // Over this one apply does not go on, unless it is told to.
    code: 'ssh-client',
    message: `an SSH session comes from ${address}, which is not protected: one packet to a watched port bans it`,
    hint: `add ${address} to WHITELIST`,
  }))
  // LAN_IP says the IPv4 network only; the same neighbours have addresses here.
  const links = (facts.live?.links ?? []).filter((link) => release.seesIPv6 && !isWithin(networks, link))
  const neighbours = links.map(formatCidr).map((link) => ({
    code: 'ipv6-lan',
    message: `this server is on ${link}, which is not protected: a neighbour there that scans is banned`,
    hint: `add ${link} to WHITELIST if that is your LAN`,
  }))
  return [...clients, ...neighbours].map((found) => ({ severity: 'warning', ...found, at: whitelist }))
}
