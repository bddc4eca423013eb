import { OPEN_PORT } from '../scenario.ts'

/** Chains of nft that let nobody in but to the open port, each by its protocol. The second one is in the table that iptables takes for its own. */
export const NFT_GATES = [
  { table: 'inet gate', chain: 'inet gate in', protocol: 'tcp', icmp: 'icmpx' },
  { table: 'ip filter', chain: 'ip filter input', protocol: 'udp', icmp: 'icmp' },
] as const

/** Commands that shut all of them, and open them again. */
export const gate = {
  shut: [
    'command -v nft || (cd /var/cache/apt/archives && dpkg -i nftables_* libnftables1_* libedit2_* libjansson4_*)',
    ...NFT_GATES.map(
      ({ table, chain, protocol, icmp }) =>
        `nft 'add table ${table}; add chain ${chain} { type filter hook input priority 0; }
              add rule ${chain} ct state established,related accept; add rule ${chain} iifname lo accept
              add rule ${chain} tcp dport ${OPEN_PORT} accept; add rule ${chain} meta l4proto ipv6-icmp accept
              add rule ${chain} meta l4proto ${protocol} reject with ${icmp} type admin-prohibited'`,
    ),
  ].join('\n'),
  open: NFT_GATES.map(({ chain }) => `nft 'flush chain ${chain}; delete chain ${chain}'`).join('\n'),
} as const
