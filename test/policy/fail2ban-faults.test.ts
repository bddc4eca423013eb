import { expect, it } from 'vitest'
import { fail2banFaults } from '../../src/policy/fail2ban-faults.ts'
import { renderProblem } from '../../src/problem.ts'
import { factsOf } from '../plan/live.ts'

const STOCK = {
  '/etc/fail2ban/jail.conf': [
    '[INCLUDES]',
    'before = paths-debian.conf',
    '[DEFAULT]',
    'ignorecommand =',
    'bantime = 10m',
    'findtime = 10m',
    'maxretry = 5',
    'backend = auto',
    'enabled = false',
    'mode = normal',
    'filter = %(__name__)s[mode=%(mode)s]',
    'action = iptables[port="%(port)s"]',
    'port = 0:65535',
    '[dropbear]',
    'logpath = /var/log/dropbear.log',
    '[pam-generic]',
    'logpath = %(syslog_authpriv)s',
    '[apache-fakegooglebot]',
    'ignorecommand = %(fail2ban_confpath)s/filter.d/ignorecommands/apache-fakegooglebot <ip>',
  ].join('\n'),
  '/etc/fail2ban/paths-debian.conf': '[DEFAULT]\nsyslog_authpriv = /var/log/auth.log\n',
  '/etc/fail2ban/fail2ban.conf': '[DEFAULT]\nloglevel = INFO\ndbpurgeage = 1d\n[Definition]\n',
}

/** An admin's jail that fail2ban accepts; `lines` change it. */
const mine = (...lines: string[]) =>
  ['[mine]', 'enabled = true', 'filter = sshd', 'logpath = /var/log/there.log', ...lines, ''].join('\n')

const MISSING = ['/var/log/gone.log', '/var/log/auth.log', '/var/log/none*/x.log', '/var/log/dropbear.log']

type Version = '1.0.2' | '1.1.0' | '1.1.1' | null

const problems = (files: Readonly<Record<string, string>>, version: Version = '1.1.0'): string[] => {
  const texts = Object.fromEntries(
    Object.entries(files).map(([path, text]) => [`/etc/fail2ban/${path}`, text]),
  )
  const facts = factsOf({
    texts: { ...STOCK, ...texts },
    packages: new Map(version === null ? [] : [['fail2ban', `${version}-1`]]),
    filters: new Set(['sshd', 'portsentry', 'dropbear', 'pam-generic', 'apache-fakegooglebot']),
    actions: new Set(['iptables', 'smtp']),
    missingLogs: new Set(MISSING),
  })
  return fail2banFaults(facts).map(renderProblem)
}

const FATAL: [string, Record<string, string>, string][] = [
  [
    'a duplicate key, even of a jail that is off',
    { 'jail.local': '[x]\nbantime = 60\nbantime = 3600\n' },
    'jail.local:3: fail2ban does not start because of this: bantime is set a second time in [x] — correct the line',
  ],
  [
    'a byte order mark',
    { 'jail.local': '\xef\xbb\xbf[DEFAULT]\nbackend = auto\n' },
    'jail.local:1: fail2ban does',
  ],
  ['a duplicate section', { 'jail.local': '[a]\nx=1\n[a]\ny=1\n' }, 'jail.local:3: '],
  ['no section', { 'jail.d/x.local': 'x=1\n' }, 'jail.d/x.local:1: '],
  ['a line that says nothing', { 'jail.local': '[a]\njunk\n' }, 'jail.local:2: '],
  [
    'a reference to nothing',
    { 'jail.local': mine('bantime = %(nonesuch)s') },
    'jail.local:5: fail2ban does not start because of this: bantime cannot be resolved: it refers to %(nonesuch)s, which nothing sets — correct the value',
  ],
  [
    'one in [DEFAULT], said once',
    { 'jail.local': `[DEFAULT]\nfindtime = %(x)s\n${mine()}` },
    'jail.local:2: ',
  ],
  ['one in what is read of every jail', { 'jail.local': '[dropbear]\nfilter = %(x)s\n' }, 'jail.local:2: '],
  ['a single percent sign', { 'jail.local': mine('ignorecommand = date +%s') }, 'jail.local:5: '],
  [
    'a circle',
    { 'jail.local': `[DEFAULT]\na = %(b)s\nb = %(a)s\n${mine('usedns = %(a)s')}` },
    'jail.local:8: ',
  ],
  [
    'a ban time that is none',
    { 'jail.local': mine('bantime = 1x') },
    'jail.local:5: fail2ban does not start because of this: bantime = 1x is not a time — write seconds, or a time such as 10m, 12h or 1d',
  ],
  ['a word for a time', { 'jail.local': mine('bantime = permanent') }, 'jail.local:5: '],
  ['an empty time', { 'jail.local': mine('findtime =') }, 'jail.local:5: '],
  ['a longest time that is none', { 'jail.local': mine('bantime.maxtime = 1x') }, 'jail.local:5: '],
  ['a count that is none', { 'jail.local': mine('maxretry = abc') }, 'jail.local:5: '],
  ['a time zone by its name', { 'jail.local': mine('logtimezone = Europe/Berlin') }, 'jail.local:5: '],
  ['an unknown backend', { 'jail.local': mine('backend = nonesuch') }, 'jail.local:5: '],
  ['an action in Python that is not there', { 'jail.local': mine('action = nonesuch.py') }, 'jail.local:5: '],
  [
    'a missing log',
    { 'jail.local': mine().replace('there', 'gone') },
    'jail.local:4: fail2ban does not start because of this: jail mine has no log to read: no file matches /var/log/gone.log — create the log, disable the jail, or set backend = systemd where the service logs to the journal',
  ],
  [
    'a missing log of a stock jail: where it is enabled',
    { 'jail.local': '[pam-generic]\nenabled = true\n' },
    'jail.local:2: fail2ban does not start because of this: jail pam-generic has no log to read: no file matches /var/log/auth.log',
  ],
  [
    'a pattern without a match',
    { 'jail.local': mine().replace('there.log', 'none*/x.log') },
    'jail.local:4: ',
  ],
  [
    'two logs on one line: fail2ban does not read the second',
    { 'jail.local': mine().replace('there.log', 'gone.log /var/log/there.log') },
    'jail.local:4: ',
  ],
  ['an empty logpath', { 'jail.local': mine().replace('/var/log/there.log', '') }, 'jail.local:4: '],
  [
    "the server's own file",
    { 'fail2ban.local': '[Definition]\nloglevel = INFO\nloglevel = DEBUG\n' },
    'fail2ban.local:3: ',
  ],
  [
    "a directory of the server's own files",
    { 'fail2ban.d/x.conf': 'loglevel = INFO\n' },
    'fail2ban.d/x.conf:1: ',
  ],
  ["a time of the server's", { 'fail2ban.local': '[Definition]\ndbpurgeage = 1x\n' }, 'fail2ban.local:2: '],
  [
    "a reference of the server's",
    { 'fail2ban.local': '[Definition]\ndbfile = %(x)s\n' },
    'fail2ban.local:2: ',
  ],
]

it.each(FATAL)('names what ends fail2ban: %s', (_, files, expected) => {
  const found = problems(files)
  expect(found).toHaveLength(1)
  expect(found[0]?.startsWith(`/etc/fail2ban/${expected}`), found[0]).toBe(true)
})

const HARMLESS: [string, Record<string, string>][] = [
  ['the stock files', {}],
  ['an own jail', { 'jail.local': mine() }],
  ['a bad reference in a jail that is off', { 'jail.local': '[dropbear]\nlogpath = %(x)s\nbantime = 1x\n' }],
  ['one that nobody reads', { 'jail.local': mine('foo = %(x)s', 'bar = 50%') }],
  ['what a filter adds, or fail2ban itself', { 'jail.local': mine('failregex = %(known/failregex)s') }],
  [
    'a stock jail with a reference to fail2ban',
    { 'jail.local': '[apache-fakegooglebot]\nenabled = true\nlogpath = /var/log/there.log\n' },
  ],
  [
    'times in words, sums and with a comment',
    { 'jail.local': mine('bantime = 1d 12h # x', 'findtime = 5*60') },
  ],
  ['a time zone', { 'jail.local': mine('logtimezone = UTC+0100') }],
  ['permanently', { 'jail.local': mine('bantime = -1') }],
  ['no longest time', { 'jail.local': mine('bantime.maxtime =') }],
  ['one log of two', { 'jail.local': mine().replace('there.log', 'gone.log\n  /var/log/there.log') }],
  ['where to begin reading', { 'jail.local': mine().replace('there.log', 'there.log tail') }],
  ['the journal', { 'jail.local': mine('backend = systemd').replace('there', 'gone') }],
  ['a backend with parameters', { 'jail.local': mine('backend = systemd[journalflags=1]') }],
  ['a file that nobody reads', { 'jail.local.bak': 'x', 'mine.conf': 'x=1\n' }],
  ['the jail file, which the plan fixes', { 'jail.d/portsentry.conf': '[portsentry]\nenabled = true\nx\n' }],
]

it.each(HARMLESS)('leaves alone what fail2ban gets along with: %s', (_, files) => {
  expect(problems(files)).toEqual([])
})

const SKIPPED: [string, string, string][] = [
  [
    'a filter',
    mine().replace('sshd', 'nonesuch'),
    'jail.local:3: warning: fail2ban does not load jail mine: there is no filter nonesuch',
  ],
  [
    'an action',
    mine('action = iptables', '  nonesuch[a="b c"]'),
    'jail.local:5: warning: fail2ban does not load jail mine: there is no action nonesuch',
  ],
]

it.each(SKIPPED)('warns of a jail that is left out for lack of %s', (_, text, expected) => {
  const found = problems({ 'jail.local': text })
  expect(found).toHaveLength(1)
  expect(found[0]?.startsWith(`/etc/fail2ban/${expected}`), found[0]).toBe(true)
})

const utf8 = { 'jail.local': '[a]\n# caf\xe9\n' }
const skips = { 'jail.local': mine('skip_if_nologs = true').replace('there', 'gone') }
const journal = { 'jail.local': mine('journalmatch = _COMM=x').replace('there', 'gone') }

it.each<[string, Record<string, string>, Version, RegExp | null]>([
  [
    'bytes that are not UTF-8',
    utf8,
    '1.0.2',
    /^\S+jail.local:2: warning: is not UTF-8 here: fail2ban ignores the whole file/,
  ],
  ['bytes that are not UTF-8', utf8, '1.1.1', /^\S+jail.local:2: fail2ban does not start because of this/],
  ['bytes that are not UTF-8', utf8, null, /^\S+jail.local:2: warning: .* before 1\.1\.1 ignores/],
  ['a jail without its log, skipped', skips, '1.1.0', /^\S+jail.local:4: fail2ban does not start/],
  ['a jail without its log, skipped', skips, '1.1.1', null],
  ['a jail without its log, skipped', skips, null, null],
  ['a jail that turns to the journal', journal, '1.1.0', /^\S+jail.local:4: fail2ban does not start/],
  ['a jail that turns to the journal', journal, '1.1.1', null],
])('%s: fail2ban %s, %j, %s', (_, files, version, expected) => {
  const found = problems(files, version)
  if (expected === null) expect(found).toEqual([])
  else expect(found.join('\n')).toMatch(expected)
})
