import { expect, it } from 'vitest'
import { renderOverview } from '../../src/plan/overview.ts'
import type { Step } from '../../src/plan/plan.ts'
import { describeStep } from '../../src/plan/words.ts'
import { columnsOf, withoutStyles } from '../../src/styled.ts'

const write = (path: string, reasons: readonly string[], before: string | null = null): Step => ({
  ...{ kind: 'write', path, before, after: '', mode: 0o644, fromPackage: false, reasons },
})
const remove = (path: string): Step => ({
  ...{ kind: 'remove', path, before: '', reasons: ['not needed here any more'] },
})
const enable = (unit: string): Step => ({ kind: 'enable', unit })

const install: Step = {
  kind: 'install',
  requested: ['portsentry', 'fail2ban', 'tcpd', 'iptables', 'ipset', 'python3-systemd'],
  packages: [
    ...['portsentry', 'fail2ban', 'tcpd', 'iptables', 'ipset', 'python3-systemd', 'libwrap0', 'netbase'],
  ].map((name) => ({ name, version: '1.0', download: 1_000_000 })),
}
const conf = write('/etc/portsentry/portsentry.conf', ['sets KILL_ROUTE', 'turns KILL_HOSTS_DENY off'], '')
const bansConf = (before: string | null) =>
  write(
    '/etc/portward/bans.conf',
    ['settings of the ban set', 'with ipset: its bans take the least time (BAN_BACKEND is auto)'],
    before,
  )
const rules = (name: string, before: string | null = null) =>
  write(`/etc/portward/rules.${name}`, ['rules of the ban set'], before)
const history: Step = {
  ...{ kind: 'touch', path: '/var/lib/portsentry/portsentry.history', mode: 0o600 },
  reasons: ['fail2ban does not start without it'],
}
const restart = (reasons: readonly string[]): Step => ({
  ...{ kind: 'restart', service: 'portsentry', units: ['portsentry@atcp', 'portsentry@audp'], reasons },
})
const changes = (...names: readonly string[]) => names.map((name) => `/etc/${name} changes`)

/** Each kind of step in one line, and in the overview. */
it.each<[Step, line: string, overview: string]>([
  [
    { kind: 'preseed', selections: ['portsentry portsentry/warn_no_block note'] },
    'preseed  debconf, so that it asks nothing',
    'packages     preseed debconf, so that it asks nothing',
  ],
  [
    install,
    'install  portsentry, fail2ban, tcpd, iptables, ipset, python3-systemd, and 2 more that they need',
    'packages     install portsentry, fail2ban, tcpd, iptables, ipset, python3-systemd, and 2 more that they need: 8 packages, 8.0 MB to download',
  ],
  [
    conf,
    'edit     /etc/portsentry/portsentry.conf: sets KILL_ROUTE, turns KILL_HOSTS_DENY off',
    'portsentry   sets KILL_ROUTE; turns KILL_HOSTS_DENY off',
  ],
  [
    write('/etc/hosts.allow', ['lets in 2 networks']),
    'create   /etc/hosts.allow: lets in 2 networks',
    'hosts.allow  lets in 2 networks',
  ],
  [
    write('/etc/fail2ban/jail.d/portsentry.conf', ['new jail portsentry, bans for 1 day (BANTIME)']),
    'create   /etc/fail2ban/jail.d/portsentry.conf: new jail portsentry, bans for 1 day (BANTIME)',
    'fail2ban     new jail portsentry, bans for 1 day (BANTIME)',
  ],
  [
    history,
    'create   /var/lib/portsentry/portsentry.history, empty: fail2ban does not start without it',
    'portsentry   new empty portsentry.history: fail2ban does not start without it',
  ],
  [
    { kind: 'touch', path: '/var/log/auth.log', mode: 0o640, reasons: ['fail2ban needs it'] },
    'create   /var/log/auth.log, empty: fail2ban needs it',
    'fail2ban     new empty auth.log: fail2ban needs it',
  ],
  [
    remove('/etc/fail2ban/jail.d/portward-sshd.local'),
    'remove   /etc/fail2ban/jail.d/portward-sshd.local: not needed here any more',
    'fail2ban     removed: portward-sshd.local, not needed here any more',
  ],
  [
    write('/etc/portward/addresses', ["records this server's addresses"]),
    "create   /etc/portward/addresses: records this server's addresses",
    "protected    records this server's addresses",
  ],
  [enable('portward-bans'), 'enable   portward-bans at boot', 'services     start portward-bans at boot'],
  [
    { kind: 'disable', unit: 'portsentry@tcp' },
    'disable  portsentry@tcp, and stop it',
    'services     disable portsentry@tcp, and stop it',
  ],
  [
    { kind: 'start-timer', unit: 'portward-metrics.timer', reasons: ['METRICS asks for it'] },
    'start    portward-metrics.timer: METRICS asks for it',
    'services     start portward-metrics.timer: METRICS asks for it',
  ],
  [
    { kind: 'load-bans', reasons: changes('a', 'b', 'c') },
    'load     the ban set into the kernel: 3 files change',
    'bans         load the ban set into the kernel: 3 files change',
  ],
  [
    { kind: 'remove-bans', backend: 'nft', target: 'DROP', isLast: true, reasons: ['it is off'] },
    'remove   the ban set of nft, and all bans in it: it is off',
    'bans         remove the ban set of nft, and all bans in it: it is off',
  ],
  [
    { kind: 'remove-bans', backend: 'nft', target: 'DROP', isLast: false, reasons: ['ipset is used now'] },
    'remove   the ban set of nft: ipset is used now',
    'bans         remove the ban set of nft: ipset is used now',
  ],
  [
    { kind: 'hand-over-bans', hosts: ['192.0.2.1'], reasons: ['fail2ban now stores all bans'] },
    'stop     the timer of the old ban program, and pass its 1 ban to fail2ban: fail2ban now stores all bans',
    'bans         stop the timer of the old ban program, and pass its 1 ban to fail2ban: fail2ban now stores all bans',
  ],
  [
    { kind: 'remove-ban-program', hosts: [], reasons: ['the ban set replaces it'] },
    'remove   the rules, units and record of the old ban program: the ban set replaces it',
    'bans         remove the rules, units and record of the old ban program: the ban set replaces it',
  ],
  [
    restart(changes('a', 'b')),
    'restart  portsentry@atcp, portsentry@audp: /etc/a and /etc/b change',
    'services     restart portsentry@atcp, portsentry@audp: /etc/a and /etc/b change',
  ],
  [
    restart(['newly installed']),
    'restart  portsentry@atcp, portsentry@audp: newly installed',
    'services     restart portsentry@atcp, portsentry@audp: newly installed',
  ],
  [
    { kind: 'reload', service: 'fail2ban', paths: ['/etc/a'], reasons: changes('a') },
    'reload   fail2ban: /etc/a changes',
    'services     reload fail2ban: /etc/a changes',
  ],
  [
    { kind: 'release', address: '192.168.1.20', undo: [], jailed: true },
    'release  192.168.1.20, which is protected but banned',
    'bans         release 192.168.1.20, which is protected but banned',
  ],
])('a step in words: %#', (step, line, overview) => {
  expect(describeStep(step)).toBe(line)
  const shown = renderOverview([step], { columns: Number.POSITIVE_INFINITY, isVerbose: false })
  expect(withoutStyles(shown)).toBe(`${overview}\n`)
})

const ALL = [
  install,
  history,
  conf,
  bansConf(null),
  ...['ipset', 'iptables'].map((name) => rules(name)),
  ...['nft', 'route'].map((name) => remove(`/etc/portward/rules.${name}`)),
  ...['portward-bans', 'portsentry@atcp', 'portsentry@audp'].map(enable),
]

it.each<[string, number, boolean, readonly Step[], string[]]>([
  [
    'steps of a topic together, and files of the ban set in one item',
    200,
    false,
    ALL,
    [
      'packages     install portsentry, fail2ban, tcpd, iptables, ipset, python3-systemd, and 2 more that they need: 8 packages, 8.0 MB to download',
      'portsentry   sets KILL_ROUTE; turns KILL_HOSTS_DENY off',
      '             new empty portsentry.history: fail2ban does not start without it',
      'bans         new settings and rules of the ban set',
      '             with ipset: its bans take the least time (BAN_BACKEND is auto)',
      '             removed: rules.nft and rules.route, not needed here any more',
      'services     start portward-bans, portsentry@atcp and portsentry@audp at boot',
    ],
  ],
  [
    'wrapped',
    80,
    false,
    ALL,
    [
      'packages     install portsentry, fail2ban, tcpd, iptables, ipset,',
      '             python3-systemd, and 2 more that they need: 8 packages, 8.0 MB to',
      '             download',
      'portsentry   sets KILL_ROUTE; turns KILL_HOSTS_DENY off',
      '             new empty portsentry.history: fail2ban does not start without it',
      'bans         new settings and rules of the ban set',
      '             with ipset: its bans take the least time (BAN_BACKEND is auto)',
      '             removed: rules.nft and rules.route, not needed here any more',
      'services     start portward-bans, portsentry@atcp and portsentry@audp at boot',
    ],
  ],
  [
    'versions with --verbose',
    200,
    true,
    [install],
    [
      'packages     install portsentry, fail2ban, tcpd, iptables, ipset, python3-systemd, and 2 more that they need: 8 packages, 8.0 MB to download',
      '             versions: portsentry 1.0, fail2ban 1.0, tcpd 1.0, iptables 1.0, ipset 1.0, python3-systemd 1.0, libwrap0 1.0, netbase 1.0',
    ],
  ],
  [
    'what is edited and what is new',
    200,
    false,
    [bansConf(''), rules('iptables', ''), rules('ip6tables')],
    [
      'bans         edited settings and rules of the ban set',
      '             with ipset: its bans take the least time (BAN_BACKEND is auto)',
      '             new rules of the ban set',
    ],
  ],
])('an overview: %s, %d columns', (_, columns, isVerbose, steps, expected) => {
  const shown = withoutStyles(renderOverview(steps, { columns, isVerbose }))
  expect(shown.split('\n')).toEqual([...expected, ''])
  expect(Math.max(...shown.split('\n').map(columnsOf))).toBeLessThanOrEqual(columns)
})
