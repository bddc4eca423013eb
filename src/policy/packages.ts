import type { Settings } from '../settings/settings.ts'

/**
 * Packages that the outcome needs, each named so that nothing hangs on apt's idea of recommended ones:
 * Debian 12's fail2ban recommends `nftables | iptables`, which gives nftables and no ban; without
 * python3-systemd it cannot read the journal; tcpd brings libwrap's files and tcpdmatch.
 */
export const requiredPackages = (settings: Settings, init: 'systemd' | 'sysv'): string[] => [
  'portsentry',
  'fail2ban',
  'tcpd',
  ...(settings.banBackend === 'iptables' ? ['iptables'] : []),
  ...(settings.banBackend === 'nft' ? ['nftables'] : []),
  ...(settings.banBackend === 'route' ? ['iproute2'] : []),
  ...(init === 'systemd' ? ['python3-systemd'] : []),
]
