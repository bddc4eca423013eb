import { type BackendDefinition, DIRECTORY, KEPT, type Networks, SETS, timeout } from './definition.ts'

const nftFile = ({ ipv4, ipv6 }: Networks): string => `${KEPT}
# This chain sees packets before all others. Its accept ends this chain only.
add table inet portward
add chain inet portward decide { type filter hook prerouting priority raw; }
flush chain inet portward decide
table inet portward {
	set hosts4 { type ipv4_addr; flags timeout; }
	set hosts6 { type ipv6_addr; flags timeout; }
	set networks6 { type ipv6_addr; flags interval, timeout; }
	chain decide {
		ip saddr { ${ipv4.join(', ')} } accept
		ip6 saddr { ${ipv6.join(', ')} } accept
		ip saddr @hosts4 drop
		ip6 saddr @hosts6 drop
		ip6 saddr @networks6 drop
	}
}
`

export const nft: BackendDefinition = {
  packages: ['nftables'],
  files: (networks) => new Map([[`${DIRECTORY}/rules.nft`, nftFile(networks)]]),
  rules: `${DIRECTORY}/rules.nft`,
  script: 'nft -f -',
  add: 'add element inet portward {set} {{ {element} {timeout} }}',
  delete: 'delete element inet portward {set} {{ {element} }}',
  timeout: 'timeout {}s',
  flush: SETS.map((set) => `flush set inet portward ${set}`),
  hook: () => [],
  // `create` does not change the timeout of a ban that is in force.
  ban: (family, seconds) =>
    `nft create element inet portward hosts${family} { $TARGET$${timeout(seconds, 's')} }`,
  isInForce: (_, { nft }) => nft.includes('@networks6'),
  check: () => 'nft list chain inet portward decide | grep -q @networks6',
  remove: () => ['! nft list chain inet portward decide >/dev/null 2>&1 || nft delete table inet portward'],
}
