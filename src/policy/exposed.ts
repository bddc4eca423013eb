import { contains, formatAddress, formatCidr, type Network, parseNetwork } from '../network.ts'
import type { Place, Problem } from '../problem.ts'
import type { Facts } from './facts.ts'
import type { Release } from './release.ts'

/** Who is near to the server or its administrator, and could be banned. */
export const findExposed = (
  facts: Facts,
  release: Release,
  networks: readonly Network[],
  whitelist: Place,
): Problem[] => {
  const isProtected = (other: Network) => networks.some((network) => contains(network, other))
  const client = parseNetwork(facts.live?.sshClient ?? '')
  const problems: Problem[] = []
  if (client !== null && !isProtected(client)) {
    const address = formatAddress(client.bytes)
    problems.push({
      severity: 'warning',
      code: 'ssh-client',
      message: `this SSH session comes from ${address}, which is not protected: one packet to a watched port bans it`,
      hint: `add ${address} to WHITELIST`,
      at: whitelist,
    })
  }
  // LAN_IP says the IPv4 network only; the same neighbours have addresses here.
  const links = (facts.live?.links ?? []).filter((link) => release.seesIPv6 && !isProtected(link))
  for (const link of links.map(formatCidr)) {
    problems.push({
      severity: 'warning',
      code: 'ipv6-lan',
      message: `this server is on ${link}, which is not protected: a neighbour there that scans is banned`,
      hint: `add ${link} to WHITELIST if that is your LAN`,
      at: whitelist,
    })
  }
  return problems
}
