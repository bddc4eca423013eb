import { describePromises } from './promises.ts'

describePromises({
  suite: 'trixie',
  release: 'template-1.2',
  portsentry: /install .*portsentry 1\.2-16/,
  node: /^v20\./,
  changed: [
    '/etc/default/portsentry',
    '/etc/fail2ban/jail.d/portsentry.conf',
    '/etc/hosts.allow',
    '/etc/portsentry/portsentry.conf',
    '/etc/portsentry/portsentry.ignore.static',
  ],
  steps: [
    ...['preseed', 'install', 'write', 'write', 'write', 'write', 'write'],
    ...['enable', 'enable', 'restart', 'restart'],
  ],
  units: ['portsentry@atcp', 'portsentry@audp'],
  history: '/var/lib/portsentry/portsentry.history',
  filter: '/etc/fail2ban/filter.d/portsentry.conf',
  triggering: /Blocked$/,
  seesIPv6: false,
  drifts: [
    ['/etc/default/portsentry', 's/"atcp"/"stcp"/', 'TCP_MODE="atcp"'],
    ['/etc/portsentry/portsentry.conf', 's/^BLOCK_TCP="1"/BLOCK_TCP="0"/', 'BLOCK_TCP="1"'],
    ['/etc/hosts.allow', '/192.168.1.0/d', 'ALL: 192.168.1.0/255.255.255.0'],
    ['/etc/portsentry/portsentry.ignore.static', '/^192.168.1.0/d', '192.168.1.0/24'],
    ['/etc/fail2ban/jail.d/portsentry.conf', 's/^bantime.*/bantime = 10/', 'bantime = 1d'],
  ],
})
