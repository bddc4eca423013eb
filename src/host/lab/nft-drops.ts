import { isIPv4, parseNetwork } from '../../network.ts'
import { judge } from '../../policy/filter.ts'
import { parseNft } from '../../policy/nft-filter.ts'

/** Chains whose policy drops what no rule accepts, as `nft list` prints them. */
const droppingPolicies = (tables: string): string[] =>
  tables
    .split('\n')
    .filter((line) => /hook (?:input|prerouting).*policy drop/.test(line))
    .map((line) => line.trim())

/** Rules that drop or reject all, or some, of what a host sends here. The lab's handles are not the server's. */
const droppingRules = (json: string, hasIptables: boolean, address: string): string[] => {
  const host = parseNetwork(address)
  if (host === null) return []
  return judge(parseNft(json, isIPv4(host) ? 'ipv4' : 'ipv6', hasIptables), host)
    .flatMap(({ outcome, by, unless }) => (outcome === 'accept' ? unless : [by, ...unless]))
    .filter((text) => !text.includes(': policy '))
    .map((text) => text.replace(/ # handle \d+$/, ''))
    .filter((text) => /[: ](?:drop|reject)$/.test(text))
}

/**
 * What of nft's own tables keeps packets of these hosts from a portsentry behind the firewall. `tables` and `json`
 * are the same ruleset, as nft prints it and with `-j`; `hasIptables`: what iptables shows is told elsewhere. Pure.
 */
export const nftDrops = (
  tables: string,
  json: string,
  hasIptables: boolean,
  addresses: readonly string[],
): string[] => [
  ...new Set([
    ...droppingPolicies(tables),
    ...addresses.flatMap((address) => droppingRules(json, hasIptables, address)),
  ]),
]
