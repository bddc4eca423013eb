import type { Settings } from '../settings/settings.ts'
import { BACKENDS } from './backends/backends.ts'
import type { Backend } from './backends/definition.ts'
import { packagesOf } from './jail-actions.ts'
import { isMail } from './notifications.ts'

/**
 * Packages that are needed, each named so that nothing depends on apt's recommended ones: Debian 12's fail2ban recommends
 * `nftables | iptables`, which installs nftables, so that bans fail; without python3-systemd it cannot read the journal; tcpd
 * provides libwrap's files and tcpdmatch; `ip`, which a minimal Debian lacks, is needed to find the gateway and for `verify`.
 * `ofJails`: what other jails need.
 */
export const requiredPackages = (
  settings: Pick<Settings, 'banBackend' | 'banaction' | 'notify' | 'abuseipdbKeyFile'>,
  backend: Backend,
  init: 'systemd' | 'sysv',
  ofJails: readonly string[] = [],
): string[] => {
  const { banBackend, banaction = '', notify, abuseipdbKeyFile } = settings
  const packages = [
    'portsentry',
    'fail2ban',
    'tcpd',
    'iproute2',
    ...(banBackend === 'none' ? [] : BACKENDS[backend].packages),
    // A ban action whose program is missing fails, but fail2ban lists the ban nevertheless.
    ...packagesOf(banaction),
    ...ofJails,
    ...(notify.some((each) => !isMail(each)) ? ['apprise'] : []),
    ...(abuseipdbKeyFile === undefined ? [] : ['curl', 'ca-certificates']),
    ...(init === 'systemd' ? ['python3-systemd'] : []),
  ]
  return [...new Set(packages)]
}
