import { CLASSIC_DRIFTS, describePromises, OWN_FILES } from './promises.ts'

describePromises({
  suite: 'trixie',
  release: 'template-1.2',
  portsentry: /versions: .*portsentry 1\.2-16/,
  node: /^v20\./,
  changed: [
    '/etc/default/portsentry',
    '/etc/fail2ban/jail.d/portsentry.conf',
    '/etc/hosts.allow',
    '/etc/portsentry/portsentry.conf',
    '/etc/portsentry/portsentry.ignore.static',
    ...OWN_FILES,
  ],
  steps: ['preseed', 'install', 'write', 'enable', 'load-bans', 'restart'],
  units: ['portsentry@atcp', 'portsentry@audp'],
  history: '/var/lib/portsentry/portsentry.history',
  filter: '/etc/fail2ban/filter.d/portsentry.conf',
  triggering: /Blocked$/,
  seesIPv6: false,
  drifts: CLASSIC_DRIFTS,
})
