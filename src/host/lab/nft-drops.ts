import { isIPv4, parseNetwork } from '../../network.ts'
import { judge } from '../../policy/filter.ts'
import { parseNft } from '../../policy/nft-filter.ts'
import { type Firewall, nftTables, showsInput } from './firewall-copy.ts'

/** Chains whose policy drops what no rule accepts, as `nft list` prints them. */
const droppingPolicies = (tables: string): string[] =>
  tables
    .split('\n')
    .filter((line) => /hook (?:input|prerouting).*policy drop/.test(line))
    .map((line) => line.trim())

/** Rules that drop or reject all, or some, of what a host sends here. The lab's handles are not the server's. */
const droppingRules = (firewall: Firewall, json: string, address: string): string[] => {
  const host = parseNetwork(address)
  if (host === null) return []
  const family = isIPv4(host) ? 'ipv4' : 'ipv6'
  const isShown = showsInput(family === 'ipv4' ? firewall.iptables : firewall.ip6tables)
  return judge(parseNft(json, family, isShown), host)
    .flatMap(({ outcome, by, unless }) => (outcome === 'accept' ? unless : [by, ...unless]))
    .filter((text) => !text.includes(': policy '))
    .map((text) => text.replace(/ # handle \d+$/, ''))
    .filter((text) => /[: ](?:drop|reject)$/.test(text))
}

/**
 * What of nft's own tables keeps packets of these hosts from a portsentry behind the firewall; what iptables shows is
 * told elsewhere. `json`: the ruleset that was rebuilt from `firewall`, as `nft -j` prints it. Pure.
 */
export const nftDrops = (firewall: Firewall, json: string, addresses: readonly string[]): string[] => [
  ...new Set([
    ...droppingPolicies(nftTables(firewall)),
    ...addresses.flatMap((address) => droppingRules(firewall, json, address)),
  ]),
]
