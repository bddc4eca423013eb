import { CLASSIC_DRIFTS, describePromises, OWN_FILES } from './promises.ts'

describePromises({
  suite: 'bookworm',
  release: 'sysv-1.2',
  portsentry: /versions: .*portsentry 1\.2-14/,
  node: /^v18\./,
  changed: [
    '/etc/default/portsentry',
    '/etc/fail2ban/jail.d/portsentry.conf',
    '/etc/fail2ban/jail.d/portward-sshd.local',
    '/etc/hosts.allow',
    '/etc/portsentry/portsentry.conf',
    '/etc/portsentry/portsentry.ignore.static',
    ...OWN_FILES,
    '/var/lib/portsentry/portsentry.history',
  ],
  steps: ['preseed', 'install', 'touch', 'write', 'enable', 'load-bans', 'restart'],
  units: ['portsentry'],
  history: '/var/lib/portsentry/portsentry.history',
  filter: '/etc/fail2ban/filter.d/portsentry.conf',
  triggering: /Blocked$/,
  seesIPv6: false,
  drifts: CLASSIC_DRIFTS,
})
