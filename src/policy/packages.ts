import type { Settings } from '../settings/settings.ts'
import { BACKENDS } from './backends/backends.ts'
import type { Backend } from './backends/definition.ts'

/**
 * Packages that the outcome needs, each named so that nothing hangs on apt's idea of recommended ones:
 * Debian 12's fail2ban recommends `nftables | iptables`, which gives nftables and no ban; without
 * python3-systemd it cannot read the journal; tcpd brings libwrap's files and tcpdmatch; without `ip` nothing can be
 * proved, nor the gateway be found, and a minimal Debian has none.
 */
export const requiredPackages = (
  { banBackend, banaction = '' }: Pick<Settings, 'banBackend' | 'banaction'>,
  backend: Backend,
  init: 'systemd' | 'sysv',
): string[] => {
  const packages = [
    'portsentry',
    'fail2ban',
    'tcpd',
    'iproute2',
    ...(banBackend === 'none' ? [] : BACKENDS[backend].packages),
    // A ban action whose program is missing fails, and fail2ban lists the ban all the same.
    ...(banaction.startsWith('iptables') ? ['iptables'] : []),
    ...(banaction.startsWith('nftables') ? ['nftables'] : []),
    ...(init === 'systemd' ? ['python3-systemd'] : []),
  ]
  return [...new Set(packages)]
}
