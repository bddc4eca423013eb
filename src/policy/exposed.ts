import { formatAddress, formatCidr, isWithin, type Network, parseNetwork } from '../network.ts'
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
  const client = parseNetwork(facts.live?.sshClient ?? '')
  const problems: Problem[] = []
  if (client !== null && sees(release, client) && !isWithin(networks, client)) {
    const address = formatAddress(client.bytes)
    problems.push({
      severity: 'warning',
      code: 'ssh-client',
      message: `this SSH session comes from ${address}, which is not protected: one packet to a watched port bans it`,
      hint: `add ${address} to WHITELIST`,
      at: whitelist,
    })
  }
  // portsentry 1.2 reads raw sockets behind netfilter: what INPUT drops, it never sees.
  if (facts.live?.inputPolicy === 'DROP' && !release.seesIPv6) {
    problems.push({
      severity: 'warning',
      code: 'blind-portsentry',
      message: 'INPUT drops what no rule accepts, before this portsentry could see it: scans stay unnoticed',
      hint: 'accept the watched ports in INPUT (nothing listens there), or count on the firewall alone',
      at: { path: 'iptables -S INPUT' },
    })
  }
  // LAN_IP says the IPv4 network only; the same neighbours have addresses here.
  const links = (facts.live?.links ?? []).filter((link) => release.seesIPv6 && !isWithin(networks, link))
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
