import { expect, it } from 'vitest'
import type { DaemonProcess, Liveness } from '../../src/facts/daemons.ts'
import type { Fail2banAnswers } from '../../src/facts/fail2ban-config.ts'
import { BANS_UNIT } from '../../src/policy/ban-set.ts'
import type { Desired } from '../../src/policy/desired.ts'
import { checkRunning } from '../../src/verify/running-checks.ts'
import { LIVENESS, portsentry } from '../plan/live.ts'
import { type Changes, examined, expectLine, native } from './servers.ts'

/** As `fail2ban-client -d` shows these jails. */
const dumpOf = ({ jails }: Desired): string[] =>
  [...jails].flatMap(([jail, options]) => {
    const option = (name: string) => options.get(name) ?? ''
    if (option('enabled') === 'false') return []
    const set = (name: string, value: string) => `['set', '${jail}', '${name}', ${value}]`
    return [
      `['add', '${jail}', '${option('backend')}']`,
      set('addlogpath', `'${option('logpath')}', 'head'`),
      set(
        'addignoreip',
        option('ignoreip')
          .split(' ')
          .map((address) => `'${address}'`)
          .join(', '),
      ),
      set('addaction', `'${option('banaction').split('[')[0]}'`),
      set('bantime', `'${option('bantime')}'`),
      set('findtime', `'${option('findtime')}'`),
      set('maxretry', option('maxretry')),
      `['start', '${jail}']`,
    ]
  })

const NOW_MS = Date.parse('2026-11-21T19:16:32Z')

const check = (changes: Changes, answers: Partial<Fail2banAnswers>, config: string) => {
  const { desired, facts } = examined(changes, config)
  if (facts.live === null) throw new Error('a tree is not running')
  const healthy: Fail2banAnswers = {
    logpath: `Current monitored log file(s):\n\`- ${desired.historyPath}\n`,
    actions: desired.notices.map(({ name }) => name).join('\n'),
    dump: { lines: dumpOf(desired) },
    filter: { matched: true, message: '' },
  }
  return checkRunning(desired, facts, facts.live, { ...healthy, ...answers }, NOW_MS)
}

it('has only praise for a server where everything runs', () => {
  const passed = [
    'daemons',
    'watching',
    'boot',
    'ban-set',
    'bans-in-force',
    'jail',
    'effective',
    'filter',
  ].map((code) => `pass ${code}`)
  for (const changes of [{}, native()]) {
    expect(check(changes, {}, '').map(({ code, result }) => `${result} ${code}`)).toEqual(passed)
  }
})

const daemon = (...args: string[]) => portsentry(1, ...args)
const running = (...daemons: DaemonProcess[]): Changes => ({ live: { daemons } })
const showing = (liveness: Partial<Liveness>, ...args: string[]) => ({
  ...daemon(...args),
  liveness: { ...LIVENESS, ...liveness },
})
const off = { jails: [] } as const

/** Bans that fail2ban has, in force for a day and with a day to go, and whether the kernel has them. */
const banned = (hosts: Readonly<Record<string, boolean>>, ageMs = 86_400_000): Changes => ({
  live: {
    jailed: Object.keys(hosts).map((address) => {
      return { address, sinceMs: NOW_MS - ageMs, untilMs: NOW_MS + 86_400_000, note: null }
    }),
    bans: Object.entries(hosts).flatMap(([address, isInKernel]) =>
      isInKernel ? [{ address, where: 'ipset portward', undo: [], untilMs: null, isOwn: true }] : [],
    ),
  },
})

const FINDINGS: [
  what: string,
  changes: Changes,
  answers: Partial<Fail2banAnswers>,
  line: string | RegExp,
  config?: string,
][] = [
  ['the ban set is loaded', {}, {}, 'pass ban-set: ipset, DROP'],
  [
    'its rules are not in force',
    { live: { hasBanSet: false } },
    {},
    'fail ban-set: its rules are not in force, or the unit that loads them is not running',
  ],
  ['only root can check this', { live: { hasBanSet: null } }, {}, 'skip ban-set: only root can check this'],
  [
    'another bans.conf',
    { texts: { '/etc/portward/bans.conf': '' } },
    {},
    'fail ban-set: /etc/portward/bans.conf: not as portward wrote it',
  ],
  [
    'no ban set is wanted',
    { live: { hasBanSet: false } },
    {},
    'pass ban-set: not needed: portward does not ban here',
    'BAN_BACKEND=none\n',
  ],

  ...(
    [
      [
        'metrics that are fresh',
        { modifiedMs: NOW_MS - 61_000 },
        'pass metrics: /srv/x.prom was written 1m 1s ago',
      ],
      [
        'metrics of the future',
        { modifiedMs: NOW_MS + 1000 },
        'pass metrics: /srv/x.prom was written 0s ago',
      ],
      ['stale metrics', { modifiedMs: NOW_MS - 900_001 }, 'fail metrics: /srv/x.prom was written 15m 1s ago'],
      ['no metrics', {}, 'fail metrics: /srv/x.prom does not exist'],
      ['no directory', { hasDirectory: false }, 'fail metrics: /srv/x.prom: its directory does not exist'],
    ] as const
  ).map(([what, file, line]): (typeof FINDINGS)[number] => [
    what,
    { live: { metricsFile: { hasDirectory: true, modifiedMs: null, ...file } } },
    {},
    line,
    'METRICS=/srv/x.prom\n',
  ]),
  [
    'metrics that only root can see',
    { live: { asRoot: false, metricsFile: { hasDirectory: true, modifiedMs: null } } },
    {},
    'skip metrics: /srv/x.prom: only root can check this',
    'METRICS=/srv/x.prom\n',
  ],
  ['no bans', {}, {}, 'pass bans-in-force: 0 bans'],
  ['a ban in force', banned({ '203.0.113.9': true }), {}, 'pass bans-in-force: 1 ban'],
  [
    'bans that fail2ban alone has',
    banned({ '203.0.113.9': true, '203.0.113.10': false, '203.0.113.11': false }),
    {},
    'warn bans-in-force: fail2ban has banned 203.0.113.10, 203.0.113.11, but the kernel lets them in',
  ],
  [
    'a ban that has been made this second',
    banned({ '203.0.113.9': false }, 1000),
    {},
    'pass bans-in-force: 0 bans',
  ],
  [
    'fail2ban was not asked',
    { live: { jailed: null } },
    {},
    'skip bans-in-force: not checked: fail2ban was not asked',
  ],
  [
    'the firewall could not be read',
    { live: { bansUnread: 'ipset: failed' } },
    {},
    'skip bans-in-force: not checked: ipset: failed',
  ],
  [
    'fail2ban bans with another action',
    banned({ '203.0.113.9': false }),
    {},
    'pass bans-in-force: not needed: fail2ban bans with iptables-allports',
    'BANACTION=iptables-allports\n',
  ],

  ['both daemons', {}, {}, 'pass daemons: -atcp and -audp'],
  [
    'one of them',
    running(daemon('-atcp')),
    {},
    'fail daemons: portsentry runs as -atcp, should run as -atcp and -audp',
  ],
  ['none', running(), {}, 'fail daemons: portsentry is not running, should run as -atcp and -audp'],
  [
    'another mode',
    running(daemon('-stcp'), daemon('-audp')),
    {},
    'fail daemons: portsentry runs as -audp and -stcp, should run as -atcp and -audp',
  ],
  [
    'one twice',
    running(daemon('-atcp'), daemon('-atcp'), daemon('-audp')),
    {},
    /^fail daemons: portsentry runs as -atcp and -atcp and -audp/,
  ],
  ['2.x', native(), {}, 'pass daemons: portsentry without arguments'],
  [
    '2.x that is not running',
    { ...native(), ...running() },
    {},
    'fail daemons: portsentry is not running, should run as portsentry without arguments',
  ],
  [
    '2.x on sockets',
    { ...native(), ...running(daemon('--connect')) },
    {},
    'fail daemons: portsentry runs as --connect, should run as portsentry without arguments',
  ],
  ['one protocol off', running(daemon('-audp')), {}, 'pass daemons: -audp', 'TCP_MODE=\n'],

  ['what they have open', {}, {}, 'pass watching: -atcp: 1 raw TCP socket; -audp: 1 raw UDP socket'],
  ['nothing to look at', running(), {}, 'skip watching: not checked: it is not running'],
  [
    'one that is stopped',
    running(showing({ state: 'T' }, '-atcp'), daemon('-audp')),
    {},
    'fail watching: -atcp does not watch: it is stopped by a signal (SIGSTOP)',
  ],
  [
    '2.x that hangs in opening a FIFO',
    { ...native(), ...running(showing({ sockets: [], wchan: 'wait_for_partner' })) },
    {},
    'fail watching: portsentry without arguments does not watch: it has no packet socket open, and waits in wait_for_partner',
  ],
  [
    '2.x that misses an interface',
    {
      ...native(),
      ...running(
        showing({
          interfaces: new Map([
            [2, 'eth0'],
            [3, 'eth1'],
          ]),
        }),
      ),
    },
    {},
    'warn watching: it has no packet socket on eth1: a scan that comes in there is not noticed',
  ],
  [
    'who may not look',
    running(showing({ sockets: null }, '-atcp'), daemon('-audp')),
    {},
    'skip watching: not checked: only root can see which sockets it has open',
  ],

  ['both start at boot, and what loads the bans', {}, {}, 'pass boot: portsentry, fail2ban, portward-bans'],
  [
    'only that does not',
    { live: { enabled: new Set(['portsentry', 'fail2ban']) } },
    {},
    'fail boot: not started at boot: portward-bans',
  ],
  [
    'nothing else is needed where nothing is banned',
    { live: { enabled: new Set(['portsentry', 'fail2ban']) } },
    {},
    'pass boot: portsentry, fail2ban',
    'OBSERVE_ONLY=1\n',
  ],
  [
    'one does not',
    { live: { enabled: new Set(['portsentry', BANS_UNIT]) } },
    {},
    'fail boot: not started at boot: fail2ban',
  ],
  [
    'neither does',
    { live: { enabled: new Set([BANS_UNIT]) } },
    {},
    'fail boot: not started at boot: portsentry, fail2ban',
  ],

  ['the jail', {}, {}, 'pass jail: on /var/lib/portsentry/portsentry.history'],
  ['who may not ask', { live: { asRoot: false, jails: null } }, {}, 'skip jail: only root can ask fail2ban'],
  ['no answer', { live: { jails: null } }, {}, 'fail jail: fail2ban is not running, or does not answer'],
  ['another jail', { live: { jails: ['sshd'] } }, {}, 'fail jail: it is not loaded; loaded jails: sshd'],
  ['no jail', { live: off }, {}, 'fail jail: it is not loaded; loaded jails: none'],
  [
    'another log',
    {},
    { logpath: 'No file is currently monitored\n' },
    'fail jail: the jail does not read /var/lib/portsentry/portsentry.history, but No file is currently monitored',
  ],
  ['no word on logs', {}, { logpath: null }, /^fail jail: .* but nothing$/],
  ['off, as it should be', { live: off }, {}, /^pass jail: it is not loaded/, 'OBSERVE_ONLY=1\n'],
  ['on, and should be off', {}, {}, /^fail jail: it is loaded, although/, 'OBSERVE_ONLY=1\n'],

  ['the dump', {}, {}, 'pass effective: every option'],
  ['no dump', {}, { dump: { failure: 'no [x]' } }, 'fail effective: fail2ban-client -d: no [x]'],
  [
    'a dump without the jail',
    {},
    { dump: { lines: [] } },
    /^fail effective: it lacks portsentry: enabled = true, portsentry: backend = polling and \d+ more$/,
  ],
  [
    'a dump that another file decides',
    { texts: { '/etc/fail2ban/jail.local': '[portsentry]\nbantime = 10\n' } },
    { dump: { lines: dumpOf(examined().desired).map((line) => line.replace("'1d'", "'10'")) } },
    'fail effective: it lacks portsentry: bantime = 1d; decided by /etc/fail2ban/jail.local:2',
  ],
  [
    'a dump without it, as it should be',
    { live: off },
    {},
    'pass effective: every option',
    'OBSERVE_ONLY=1\n',
  ],

  ['the filter', {}, {}, 'pass filter: filter portsentry'],
  ["2.x's filter", native(), {}, 'pass filter: filter portsentry-2'],
  ['a filter that cannot be tried', {}, { filter: null }, /^skip filter/],
  ['no filter needed', { live: off }, { filter: null }, /^pass filter: not needed/, 'OBSERVE_ONLY=1\n'],
  [
    'a filter that does not match',
    {},
    { filter: { matched: false, message: 'LINE (0 matched)' } },
    /^fail filter: filter portsentry does not match a line of portsentry 1\.2 .*: LINE \(0 matched\)$/,
  ],
]

it.each(FINDINGS)('%s', (_what, changes, answers, line, config = '') => {
  expectLine(check(changes, answers, config), line)
})
