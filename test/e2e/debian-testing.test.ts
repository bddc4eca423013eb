import { describePromises } from './promises.ts'

describePromises({
  suite: 'testing',
  release: 'native-2',
  portsentry: /install .*portsentry 2\.0\./,
  node: /^v2\d\./,
  changed: [
    '/etc/fail2ban/filter.d/portsentry-2.conf',
    '/etc/fail2ban/jail.d/portsentry.conf',
    '/etc/hosts.allow',
    '/etc/portsentry/portsentry.conf',
    '/etc/portsentry/portsentry.ignore',
  ],
  steps: [...['preseed', 'install', 'write', 'write', 'write', 'write', 'write'], ...['restart', 'restart']],
  units: ['portsentry'],
  history: '/var/log/portsentry.log',
  filter: '/etc/fail2ban/filter.d/portsentry-2.conf',
  triggering: /ignored: \[false\] triggered: \[true\]/,
  seesIPv6: true,
  drifts: [
    ['/etc/portsentry/portsentry.conf', 's/^BLOCK_TCP="1"/BLOCK_TCP="0"/', 'BLOCK_TCP="1"'],
    ['/etc/hosts.allow', '/192.168.1.0/d', 'ALL: 192.168.1.0/255.255.255.0'],
    ['/etc/portsentry/portsentry.ignore', '/^192.168.1.0/d', '192.168.1.0/24'],
    ['/etc/fail2ban/filter.d/portsentry-2.conf', 's/triggered: .*/triggered:/', 'triggered: '],
    ['/etc/fail2ban/jail.d/portsentry.conf', 's/^bantime.*/bantime = 10/', 'bantime = 1d'],
  ],
})
