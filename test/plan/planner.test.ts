import { expect, it } from 'vitest'
import { parseRouteBans } from '../../src/facts/ip.ts'
import { findInputBans, parseTables } from '../../src/facts/iptables-input.ts'
import { type Network, parseNetwork } from '../../src/network.ts'
import { isInSync, type Plan } from '../../src/plan/plan.ts'
import { plan } from '../../src/plan/planner.ts'
import { describeStep } from '../../src/plan/words.ts'
import type { Backend, Target } from '../../src/policy/backends/definition.ts'
import {
  ACTION,
  BAN_ACTION,
  BAN_SET_FILES,
  BANS_CONF,
  BANS_UNIT,
  BY_HAND,
  banSetFiles,
  LOADER,
  UNIT_PATH,
} from '../../src/policy/ban-set.ts'
import { JAIL_PATH } from '../../src/policy/jail.ts'
import { LEGACY_CONF, LEGACY_FILES, LEGACY_RECORD } from '../../src/policy/legacy-bans.ts'
import { isError, renderProblem } from '../../src/problem.ts'
import { ipsetBans } from '../facts/ban-sets.ts'
import { daemon, factsOf, ignoreList, jailed, LAN, LIVENESS, NATIVE, settingsOf } from './live.ts'
import { textOf } from './plan-text.ts'

type Changes = Parameters<typeof factsOf>[0]

/** Facts + config → steps in words, or the errors. */
const steps = (changes: Changes, config = LAN): string[] => {
  const result = plan(settingsOf(config), factsOf(changes))
  return result.plan === null
    ? result.problems.filter(isError).map(renderProblem)
    : result.plan.steps.map(describeStep)
}

it('has nothing to do on a server that is as it should be', () => {
  const result = plan(settingsOf(LAN), factsOf())
  expect(result.plan && isInSync(result.plan)).toBe(true)
})

const atcp = daemon('portsentry', 1, '/usr/sbin/portsentry', '-atcp')
const audp = daemon('portsentry', 2, '/usr/sbin/portsentry', '-audp')
const tcp = daemon('portsentry', 4, '/usr/sbin/portsentry', '-tcp')
const fail2ban = daemon('fail2ban', 3, '/usr/bin/python3', '/usr/bin/fail2ban-server')

const SERVICES: [string, Changes, string[]][] = [
  [
    'a daemon is missing',
    { live: { daemons: [atcp, fail2ban] } },
    ['restart  portsentry: runs as -atcp, should run as -atcp and -audp'],
  ],
  [
    'one too many runs',
    { live: { daemons: [atcp, tcp, audp, fail2ban] } },
    ['restart  portsentry: runs as -atcp and -audp and -tcp, should run as -atcp and -audp'],
  ],
  [
    'one is stopped by a signal',
    { live: { daemons: [{ ...atcp, liveness: { ...LIVENESS, state: 'T' } }, audp, fail2ban] } },
    ['restart  portsentry: -atcp does not watch: it is stopped by a signal (SIGSTOP)'],
  ],
  [
    'fail2ban is not running',
    { live: { daemons: [atcp, audp], jails: null } },
    ['restart  fail2ban: is not running'],
  ],
  ['portsentry is not running', { live: { daemons: [fail2ban] } }, ['restart  portsentry: is not running']],
  [
    'neither is, and files change',
    {
      live: { daemons: [], jails: null },
      texts: { '/etc/default/portsentry': '', '/etc/fail2ban/jail.d/portsentry.conf': '' },
    },
    [
      'edit     /etc/default/portsentry: watches TCP in mode atcp (TCP_MODE) and UDP in mode audp (UDP_MODE)',
      'edit     /etc/fail2ban/jail.d/portsentry.conf: new jail portsentry, bans for 1 day (BANTIME)',
      'restart  portsentry: is not running, /etc/default/portsentry changes',
      'restart  fail2ban: is not running, /etc/fail2ban/jail.d/portsentry.conf changes',
    ],
  ],
  ['fail2ban hangs', { live: { jails: null } }, ['restart  fail2ban: does not answer']],
  [
    'the list that 1.2 reads lacks the LAN',
    { texts: { '/etc/portsentry/portsentry.ignore': ignoreList('192.168.1.0/255.255.255.0') } },
    ['restart  portsentry: /etc/portsentry/portsentry.ignore lacks 192.168.1.0/24'],
  ],
  [
    'the list that 1.2 reads is gone',
    { texts: { '/etc/portsentry/portsentry.ignore': null } },
    ['restart  portsentry: /etc/portsentry/portsentry.ignore is missing'],
  ],
  [
    'a tree that no daemon was started in has no such list',
    { live: null, texts: { '/etc/portsentry/portsentry.ignore': null } },
    [],
  ],
  [
    'the jail is not loaded',
    { live: { jails: ['sshd'] } },
    ['restart  fail2ban: the portsentry jail is not loaded'],
  ],
  [
    'a file is newer than the daemon',
    { modifiedMs: { '/etc/portsentry/portsentry.conf': 12_000 } },
    ['restart  portsentry: started before /etc/portsentry/portsentry.conf was changed'],
  ],
  ['a file is as old as the daemon', { modifiedMs: { '/etc/portsentry/portsentry.conf': 10_500 } }, []],
  [
    'jail.local is newer than fail2ban',
    { texts: { '/etc/fail2ban/jail.local': '' }, modifiedMs: { '/etc/fail2ban/jail.local': 12_000 } },
    ['restart  fail2ban: started before /etc/fail2ban/jail.local was changed'],
  ],
  [
    'a service is not started at boot',
    { live: { enabled: new Set(['fail2ban']) } },
    ['enable   portward-bans at boot', 'enable   portsentry at boot'],
  ],
  [
    'somebody has disabled what loads the bans at boot',
    { live: { enabled: new Set(['portsentry', 'fail2ban']) } },
    ['enable   portward-bans at boot'],
  ],
  ['without root, jails and rules are unknown', { live: { asRoot: false, jails: null, bans: null } }, []],
  ['a tree has no services', { live: null }, []],
]

it.each(SERVICES)('services: %s', (_, changes, expected) => {
  expect(steps(changes)).toEqual(expected)
})

const MISSING = { texts: { '/var/lib/portsentry/portsentry.history': null, '/etc/hosts.deny': null } }

it.each([
  ['', ['fail2ban does not start without it']],
  // portsentry 2.x does not create hosts.deny.
  ["KILL_HOSTS_DENY='ALL: $TARGET$'\n", ['fail2ban does not start without it', 'bans are written to it']],
  // The jail is off, so no host is banned.
  ['OBSERVE_ONLY=1\n', ['portsentry logs scans in it']],
])('makes missing files for what needs them: %j', (config, expected) => {
  const { plan: found } = plan(settingsOf(LAN + config), factsOf(MISSING))
  const reasons = found?.steps.flatMap((step) => (step.kind === 'touch' ? step.reasons : []))
  expect(reasons).toEqual(expected)
})

const FILES: [string, Changes, string[]][] = [
  [
    'modes drifted',
    { texts: { '/etc/default/portsentry': 'TCP_MODE="tcp"\nUDP_MODE="audp"\n' } },
    [
      'edit     /etc/default/portsentry: watches TCP in mode atcp (TCP_MODE)',
      'restart  portsentry: /etc/default/portsentry changes',
    ],
  ],
  [
    'hosts.allow concerns no daemon',
    { texts: { '/etc/hosts.allow': '' } },
    ['edit     /etc/hosts.allow: lets in your LAN 192.168.1.0/24 and 2 more networks'],
  ],
  [
    'hosts.allow keeps the LAN out of a daemon that asks',
    {
      wrapped: ['sshd'],
      texts: { '/etc/hosts.allow': 'sshd: ALL : DENY\nALL: ALL : ALLOW\n' },
    },
    [
      'edit     /etc/hosts.allow: lets in your LAN 192.168.1.0/24 and 2 more networks',
      'edit     /etc/hosts.deny: names the file of banned hosts, /run/portward/denied',
      'edit     /etc/portward/bans.conf: settings of the ban set',
      'load     the ban set into the kernel: /etc/portward/bans.conf changes',
      'reload   fail2ban: /etc/portward/bans.conf changes',
    ],
  ],
  [
    'or out of sshd, which a copy of /etc is taken to have',
    {
      live: null,
      wrapped: null,
      texts: { '/etc/hosts.allow': 'sshd: ALL : DENY\nALL: ALL : ALLOW\n' },
    },
    [
      'edit     /etc/hosts.allow: lets in your LAN 192.168.1.0/24 and 2 more networks',
      'edit     /etc/hosts.deny: names the file of banned hosts, /run/portward/denied',
      'edit     /etc/portward/bans.conf: settings of the ban set',
    ],
  ],
  [
    'the jail drifted',
    { texts: { '/etc/fail2ban/jail.d/portsentry.conf': '[portsentry]\n' } },
    [
      'edit     /etc/fail2ban/jail.d/portsentry.conf: sets enabled, filter, backend, logpath, ignoreip, banaction, protocol, bantime, bantime.increment, bantime.maxtime, findtime and maxretry of the jail portsentry',
      'restart  fail2ban: /etc/fail2ban/jail.d/portsentry.conf changes',
    ],
  ],
  [
    'the conf is gone',
    { texts: { '/etc/portsentry/portsentry.conf': null } },
    [
      '/etc/portsentry/portsentry.conf: is missing, although its package is installed — apt-get install --reinstall -o Dpkg::Options::=--force-confmiss portsentry',
    ],
  ],
  [
    'the log of sshd is missing, and there is no journal',
    {
      texts: {
        '/etc/fail2ban/jail.conf': '[DEFAULT]\nbackend = auto\n[sshd]\nlogpath = /var/log/auth.log\n',
        '/etc/fail2ban/jail.d/defaults-debian.conf': '[sshd]\nenabled = true\n',
      },
      missingLogs: new Set(['/var/log/auth.log']),
      live: { init: 'sysv' },
    },
    ['create   /var/log/auth.log, empty: fail2ban does not start without it'],
  ],
]

it.each(FILES)('files: %s', (_, changes, expected) => {
  expect(steps(changes)).toEqual(expected)
})

/** The ban set of a server that bans by this backend with this target. */
const banSetOf = (backend: Backend, target: Target, config = ''): Record<string, string | null> => {
  const { desired } = plan(settingsOf(LAN + config), factsOf()).plan as Plan
  const { protectedNetworks } = desired
  const blockedPaths = [...desired.blockedPaths]
  const database = '/var/lib/fail2ban/fail2ban.sqlite3'
  const settings = settingsOf(LAN + config)
  return Object.fromEntries(
    banSetFiles({
      ...{ settings, backend, target, protectedNetworks, database, blockedPaths, writesDenied: false },
    }),
  )
}
const CHAOS = banSetOf('ipset', 'CHAOS')

const NO_CHAOS = 'target DROP: CHAOS is not supported here (BAN_TARGET is auto)'

it('bans by DROP where the kernel takes CHAOS no longer', () => {
  expect(steps({ texts: CHAOS })).toEqual([
    `edit     /etc/portward/bans.conf: settings of the ban set, ${NO_CHAOS}`,
    'edit     /etc/systemd/system/portward-bans.service: unit of the ban set',
    'edit     /etc/portward/rules.iptables: rules of the ban set',
    'edit     /etc/portward/rules.ip6tables: rules of the ban set',
    'load     the ban set into the kernel: 4 files change',
    'remove   the ban set of ipset: ipset with DROP is used now',
    'reload   fail2ban: /etc/portward/bans.conf changes',
  ])
})

// The server of live.ts has no CHAOS, and config.env does not set a target.
it.each<[what: string, config: string, before: Target | null, warnings: number, isNoted: boolean]>([
  ['auto, when the file is first written', '', null, 0, true],
  ['auto, on each run after that', '', 'DROP', 0, false],
  ['auto, when the file changes otherwise', 'BANTIME=2d\n', 'DROP', 0, false],
  ['auto, where CHAOS has gone', '', 'CHAOS', 0, true],
  ['CHAOS by name, on each run', 'BAN_TARGET=CHAOS\n', 'DROP', 1, false],
  ['auto without iptables', 'BAN_BACKEND=nft\n', null, 0, false],
])('says that CHAOS is missing: %s', (_, config, before, warnings, isNoted) => {
  const texts = before === null ? { [BANS_CONF]: null } : banSetOf('ipset', before)
  const { plan: made, problems } = plan(settingsOf(LAN + config), factsOf({ texts }))
  expect(problems.filter(({ code }) => code === 'ban-target')).toHaveLength(warnings)
  const notes = made?.steps.map(describeStep).filter((step) => step.includes('CHAOS'))
  expect(notes).toHaveLength(isNoted ? 1 : 0)
})

const peer = (address: string) => ({ '/etc/hosts.deny': `ALL: ${address} : DENY\n` })
const denied = 'edit     /etc/hosts.deny: protected hosts released'
const free = 'release  192.168.1.20, which is protected but banned'

const input = findInputBans(
  'iptables',
  parseTables('*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 192.168.1.20/32 -j DROP\nCOMMIT\n'),
)
const route = parseRouteBans([{ type: 'blackhole', dst: '192.168.1.20' }])
const set = ipsetBans('add portward-hosts4 192.168.1.20\nadd portward-hosts4 203.0.113.9\n')

const RELEASES: [string, Changes, string[]][] = [
  ['a LAN peer in hosts.deny', { texts: peer('192.168.1.20') }, [denied]],
  ['and in INPUT', { texts: peer('192.168.1.20'), live: { bans: input } }, [denied, free]],
  ['and in a route', { texts: peer('192.168.1.20'), live: { bans: route } }, [denied, free]],
  ['in INPUT alone: the admin may have meant it', { live: { bans: input } }, []],
  ['in a route alone: likewise', { live: { bans: route } }, []],
  ['in our own ban set alone', { live: { bans: set } }, [free]],
  ['in a route and in the jail', { live: { bans: route, jailed: jailed('192.168.1.20') } }, [free]],
  [
    'a line of hosts.deny that is more than a ban proves nothing',
    { texts: { '/etc/hosts.deny': 'ALL: 192.168.1.20 : spawn /bin/x\n' }, live: { bans: input } },
    [],
  ],
  ['in the jail', { live: { jailed: jailed('192.168.1.20', '203.0.113.9') } }, [free]],
  [
    'an unprotected host stays banned',
    {
      texts: peer('203.0.113.9'),
      live: { bans: set.filter(({ address }) => address === '203.0.113.9'), jailed: jailed('203.0.113.9') },
    },
    [],
  ],
]

it.each(RELEASES)('release: %s', (_, changes, expected) => {
  expect(steps(changes)).toEqual(expected)
})

it('releases a banned host everywhere, the jail included', () => {
  const bans = [...input, ...route, ...set]
  const result = plan(settingsOf(LAN), factsOf({ live: { bans, jailed: jailed('192.168.1.20') } }))
  expect(result.plan?.steps).toEqual([
    {
      kind: 'release',
      address: '192.168.1.20',
      jailed: true,
      undo: [
        ['iptables', '-w', '-D', 'INPUT', '-s', '192.168.1.20/32', '-j', 'DROP'],
        ['ip', '-4', 'route', 'del', 'blackhole', '192.168.1.20'],
        ['ipset', 'del', 'portward-hosts4', '192.168.1.20'],
      ],
    },
  ])
})

const TEMPLATE = {
  version: '1.2-16',
  files: ['/etc/init.d/portsentry', '/usr/lib/systemd/system/portsentry@.service'],
}

const kindsOf = (changes: Changes, config = LAN): string[] => {
  const { plan: made } = plan(settingsOf(config), factsOf(changes))
  return (made as Plan).steps.map((step) => ('path' in step ? `${step.kind} ${step.path}` : step.kind))
}

const BAN_SET: [string, Changes, string[], string?][] = [
  [
    'its rules were removed by another program',
    { live: { hasBanSet: false } },
    ['load     the ban set into the kernel: its rules are not in force'],
  ],
  ['without root that is not known', { live: { hasBanSet: null } }, []],
  [
    'other protected networks: loaded before fail2ban reads them',
    {},
    [
      'edit     /etc/hosts.allow: lets in your LAN 192.168.1.0/24 and 3 more networks',
      'edit     /etc/portsentry/portsentry.ignore.static: ignores your LAN 192.168.1.0/24 and 5 more networks',
      'edit     /etc/fail2ban/jail.d/portsentry.conf: sets ignoreip of the jail portsentry',
      'edit     /etc/portward/bans.conf: settings of the ban set',
      'edit     /etc/portward/rules.iptables: rules of the ban set',
      'load     the ban set into the kernel: /etc/portward/bans.conf and /etc/portward/rules.iptables change',
      'restart  portsentry: /etc/portsentry/portsentry.ignore.static changes',
      'reload   fail2ban: /etc/fail2ban/jail.d/portsentry.conf and /etc/portward/bans.conf change',
    ],
    'WHITELIST=203.0.113.0/24\n',
  ],
  [
    'another target in the same table: loaded again, nothing to remove',
    { texts: banSetOf('ipset', 'TARPIT'), live: { targets: new Map([['DELUDE', 'accepted']]) } },
    [
      'edit     /etc/portward/bans.conf: settings of the ban set',
      'edit     /etc/systemd/system/portward-bans.service: unit of the ban set',
      'edit     /etc/portward/rules.iptables: rules of the ban set',
      'load     the ban set into the kernel: 3 files change',
      'reload   fail2ban: /etc/portward/bans.conf changes',
    ],
    'BAN_TARGET=DELUDE\n',
  ],
  [
    'a target in another table: the old rules go when the new ones are loaded',
    {},
    [
      'edit     /etc/portward/bans.conf: settings of the ban set',
      'edit     /etc/systemd/system/portward-bans.service: unit of the ban set',
      'edit     /etc/portward/rules.iptables: rules of the ban set',
      'edit     /etc/portward/rules.ip6tables: rules of the ban set',
      'load     the ban set into the kernel: 4 files change',
      'remove   the ban set of ipset: ipset with REJECT is used now',
      'reload   fail2ban: /etc/portward/bans.conf changes',
    ],
    'BAN_TARGET=REJECT\n',
  ],
  [
    'another backend',
    {},
    [
      'edit     /etc/portsentry/portsentry.conf: sets KILL_ROUTE',
      'edit     /etc/portward/bans.conf: settings of the ban set, with nft (BAN_BACKEND)',
      'edit     /etc/systemd/system/portward-bans.service: unit of the ban set',
      'remove   /etc/portward/rules.ipset: not needed here any more',
      'remove   /etc/portward/rules.iptables: not needed here any more',
      'remove   /etc/portward/rules.ip6tables: not needed here any more',
      'create   /etc/portward/rules.nft: rules of the ban set',
      'load     the ban set into the kernel: 6 files change',
      'remove   the ban set of ipset: nft with DROP is used now',
      'restart  portsentry: /etc/portsentry/portsentry.conf changes',
      'reload   fail2ban: /etc/portward/bans.conf changes',
    ],
    'BAN_BACKEND=nft\n',
  ],
]

it.each(BAN_SET)('the ban set: %s', (_, changes, expected, config = '') => {
  const packages = new Map([...factsOf().packages, ['nftables', '1.0.6']])
  expect(steps({ packages, ...changes }, LAN + config)).toEqual(expected)
})

it.each(['OBSERVE_ONLY=1\n', 'BAN_BACKEND=none\n'])('%j removes the ban set, and adds nothing', (config) => {
  expect(steps({}, LAN + config)[0]).toBe(
    'remove   the ban set of ipset, and all bans in it: config.env turns bans off',
  )
  expect(kindsOf({}, LAN + config)).not.toContain('load-bans')
})

it.each<[path: string, kinds: readonly string[]]>([
  [BANS_CONF, ['load-bans', 'reload']],
  [LOADER, ['load-bans', 'reload']],
  // fail2ban's server has loaded its class already.
  [ACTION, ['restart']],
  [UNIT_PATH, ['load-bans']],
  ['/etc/portward/rules.iptables', ['load-bans']],
])('does no more than needed for another %s', (path, kinds) => {
  expect(kindsOf({ texts: { [path]: '# of before\n' } })).toEqual([`write ${path}`, ...kinds])
})

it.each<[string, Changes, string[]]>([
  [
    'named where a daemon asks',
    { wrapped: ['sshd'] },
    ['edit     /etc/hosts.deny: names the file of banned hosts, /run/portward/denied'],
  ],
  [
    'or could, in a copy of /etc',
    { wrapped: null, live: null },
    ['edit     /etc/hosts.deny: names the file of banned hosts, /run/portward/denied'],
  ],
  ['not named where none asks', { wrapped: [] }, []],
  [
    'and the line is removed with the last daemon that uses libwrap',
    { texts: { '/etc/hosts.deny': 'ALL: /run/portward/denied\n' } },
    ['edit     /etc/hosts.deny: no longer names /run/portward/denied'],
  ],
])('hosts.deny: the file of banned hosts is %s', (_, changes, expected) => {
  expect(steps(changes).filter((step) => step.includes('hosts.deny'))).toEqual(expected)
})

/** A server that an earlier portward has provisioned: with its files, and without a ban set. */
const legacy = (live: NonNullable<Changes>['live'] = {}): NonNullable<Changes> => ({
  texts: {
    ...Object.fromEntries(BAN_SET_FILES.map((path) => [path, null])),
    ...Object.fromEntries(LEGACY_FILES.map((path) => [path, '# of before\n'])),
    [LEGACY_CONF]: 'BACKEND=iptables\nTARGET=DROP\n',
    [LEGACY_RECORD]: '203.0.113.9 0\n198.51.100.7 1795000000\n',
    '/etc/hosts.deny': '# mine\nALL: 203.0.113.9 : DENY\nALL: 198.51.100.200 : DENY\n',
    [JAIL_PATH]: (factsOf().files.get(JAIL_PATH)?.text ?? '').replace(BAN_ACTION, 'portward'),
    '/etc/portsentry/portsentry.conf': (
      factsOf().files.get('/etc/portsentry/portsentry.conf')?.text ?? ''
    ).replace(/^KILL_ROUTE=.*$/m, 'KILL_ROUTE="/bin/sh /etc/portward/firewall add $TARGET$"'),
  },
  live: live && {
    hasBanSet: false,
    jailed: jailed('198.51.100.7'),
    enabled: new Set(['portsentry', 'fail2ban', 'portward-firewall', 'portward-sync.timer']),
    ...live,
  },
  wrapped: ['sshd'],
})

it('moves the bans of an earlier portward before it removes what held them', () => {
  expect(kindsOf(legacy())).toEqual([
    'hand-over-bans',
    'write /etc/portsentry/portsentry.conf',
    `write ${JAIL_PATH}`,
    'write /etc/hosts.deny',
    `write ${BANS_CONF}`,
    `write ${LOADER}`,
    `write ${ACTION}`,
    `write ${BY_HAND}`,
    `write ${UNIT_PATH}`,
    ...['ipset', 'iptables', 'ip6tables'].map((name) => `write /etc/portward/rules.${name}`),
    'enable',
    'load-bans',
    'restart',
    'restart',
    ...LEGACY_FILES.map((path) => `remove ${path}`),
    'remove-ban-program',
  ])
  const { plan: made } = plan(settingsOf(LAN), factsOf(legacy()))
  expect(made?.steps[0]).toMatchObject({ hosts: ['203.0.113.9', '198.51.100.7'] })
  const deny = made?.steps.find((step) => step.kind === 'write' && step.path === '/etc/hosts.deny')
  expect(deny).toMatchObject({
    after: '# mine\nALL: 198.51.100.200 : DENY\nALL: /run/portward/denied\n',
    reasons: ['bans moved to /run/portward/denied', 'names the file of banned hosts, /run/portward/denied'],
  })
})

it.each<[string, Changes, string, readonly string[]]>([
  [
    'all of which fail2ban knows',
    legacy({ jailed: jailed('198.51.100.7', '203.0.113.9') }),
    '',
    ['hand-over-bans', 'remove-ban-program'],
  ],
  ['in a copy of /etc, which has files alone', { ...legacy(), live: null }, '', []],
  ['which is to ban nobody any more', legacy(), 'OBSERVE_ONLY=1\n', ['hand-over-bans', 'remove-ban-program']],
])('migrates a server %s', (_, changes, config, expected) => {
  const kinds = kindsOf(changes, LAN + config)
  expect(kinds.filter((kind) => /^(?:hand-over|remove-ban)/.test(kind))).toEqual(expected)
  expect(kinds.filter((kind) => kind.startsWith('remove /') && LEGACY_FILES.includes(kind.slice(7)))).toEqual(
    LEGACY_FILES.map((path) => `remove ${path}`),
  )
})

it('keeps the backend and the target of the earlier portward', () => {
  const nft = { ...legacy().texts, [LEGACY_CONF]: 'BACKEND=nft\n' }
  const chaos = { ...legacy().texts, [LEGACY_CONF]: 'BACKEND=iptables\nTARGET=CHAOS\n' }
  const banSetFor = (texts: Record<string, string | null>) =>
    plan(settingsOf(LAN), factsOf({ ...legacy({ targets: new Map() }), texts })).plan?.desired.banSet
  expect(banSetFor(nft)).toEqual({ backend: 'nft', target: 'DROP' })
  expect(banSetFor(chaos)).toEqual({ backend: 'ipset', target: 'CHAOS' })
})

const UNITS: [string, Changes, string[]][] = [
  [
    'none enabled',
    { portsentry: TEMPLATE },
    ['enable   portsentry@atcp at boot', 'enable   portsentry@audp at boot'],
  ],
  [
    'those that an upgrade linked for other modes',
    {
      portsentry: TEMPLATE,
      live: {
        enabled: new Set(['fail2ban', BANS_UNIT, 'portsentry@tcp', 'portsentry@audp']),
        daemons: [tcp, audp, fail2ban],
      },
    },
    [
      'disable  portsentry@tcp, and stop it',
      'enable   portsentry@atcp at boot',
      'restart  portsentry@atcp, portsentry@audp: runs as -audp and -tcp, should run as -atcp and -audp',
    ],
  ],
  [
    'all right',
    {
      portsentry: TEMPLATE,
      live: { enabled: new Set(['fail2ban', BANS_UNIT, 'portsentry@atcp', 'portsentry@audp']) },
    },
    [],
  ],
  ['init scripts, where systemd is not running', { portsentry: TEMPLATE, live: { init: 'sysv' } }, []],
]

it.each(UNITS)('template units: %s', (_, changes, expected) => {
  expect(steps(changes)).toEqual(expected)
})

it('brings a server that was upgraded to 2.x to what 2.x reads', () => {
  const result = steps({
    portsentry: NATIVE,
    live: { enabled: new Set(['portsentry', 'portsentry@atcp', 'fail2ban', BANS_UNIT]) },
  })
  expect(result).toEqual([
    'create   /var/log/portsentry.log, empty: fail2ban does not start without it',
    'edit     /etc/portsentry/portsentry.conf: watches TCP in mode atcp (TCP_MODE) and UDP in mode audp (UDP_MODE), sets HISTORY_FILE, TCP_PORTS, UDP_PORTS and KILL_ROUTE',
    'edit     /etc/hosts.allow: lets in your LAN 192.168.1.0/24 and 3 more networks',
    'edit     /etc/portsentry/portsentry.ignore: ignores your LAN 192.168.1.0/24 and 8 more networks',
    'edit     /etc/fail2ban/jail.d/portsentry.conf: sets filter, logpath and ignoreip of the jail portsentry',
    'create   /etc/fail2ban/filter.d/portsentry-2.conf: filter for the history of portsentry 2.x',
    'edit     /etc/portward/bans.conf: settings of the ban set',
    'edit     /etc/portward/rules.ip6tables: rules of the ban set',
    'disable  portsentry@atcp, and stop it',
    'load     the ban set into the kernel: /etc/portward/bans.conf and /etc/portward/rules.ip6tables change',
    expect.stringMatching(/^restart {2}portsentry: /),
    expect.stringMatching(/^restart {2}fail2ban: /),
  ])
})

/** The problems and reasons of a plan for a portsentry.conf that begins with these lines. */
const saidOfConf = (lines: string, portsentry: typeof NATIVE, config = '') => {
  const path = '/etc/portsentry/portsentry.conf'
  const text = `${lines}\n${factsOf().files.get(path)?.text}`
  const { problems, plan: planned } = plan(
    settingsOf(LAN + config),
    factsOf({ portsentry, texts: { [path]: text } }),
  )
  const said = problems.filter(({ at }) => at.path === path).map(renderProblem)
  return { said: said.map((line) => line.slice(path.length)), conf: planned?.desired.conf }
}
const SYSV = { version: '1.2-14', files: ['/etc/init.d/portsentry'] }

it.each<
  [what: string, lines: string, portsentry: typeof NATIVE, config: string, said: string[], isPlanned: boolean]
>([
  ['one that the plan fixes', 'SCAN_TRIGGER="many"', NATIVE, 'SCAN_TRIGGER=2\n', [], true],
  [
    'one in an indented line, and behind a line that comes in',
    'UDP_PORTS="1"\n#TCP_PORTS="1"\n  SCAN_TRIGGER="many"',
    NATIVE,
    '',
    [
      ':3: warning: "  SCAN_TRIGGER=\\"many\\"" is not a setting of this portsentry, which would refuse to start — the plan rewrites it in the form that portsentry reads',
      ':3: portsentry does not start with "many" for SCAN_TRIGGER — give a number from 0 to 65535',
    ],
    false,
  ],
  [
    'what 1.2 takes for something else, and what it does not read',
    'SCAN_TRIGGER="many"\n\tPORT_BANNER="x"',
    SYSV,
    '',
    [
      ':1: warning: SCAN_TRIGGER is "many", which portsentry reads as 0 — give a number of packets from 0 to 50',
      ':2: warning: portsentry ignores "\\tPORT_BANNER=\\"x\\"": it begins with a blank — write it as "PORT_BANNER=\\"x\\"", or remove it',
    ],
    true,
  ],
])('judges portsentry.conf as it will be: %s', (_, lines, portsentry, config, expected, isPlanned) => {
  const { said, conf } = saidOfConf(lines, portsentry, config)
  expect(said).toEqual(expected)
  expect(conf !== undefined).toBe(isPlanned)
})

it('takes what config.env excludes before what portsentry.conf of 1.2 did', () => {
  const lines =
    'TCP_PORTS="1"\n# for TCP_PORTS in TCP_MODE=atcp (portward): ADVANCED_EXCLUDE_TCP="113,139,587"'
  expect(saidOfConf(lines, NATIVE, 'ADVANCED_EXCLUDE_TCP=1\n').conf?.get('TCP_PORTS')).toBe('2-1023')
})

const REFUSALS: [string, Changes, string, RegExp][] = [
  ['no portsentry anywhere', { portsentry: null }, LAN, /apt-get update/],
  [
    'an older portsentry',
    { portsentry: { version: '1.1-6', files: ['/etc/init.d/portsentry'] } },
    LAN,
    /portsentry 1\.1-6 .*nothing was changed; supported: portsentry 1\.2 .*portsentry 2\.x/,
  ],
  [
    'another portsentry',
    { portsentry: { version: '1.3-1', files: ['/usr/lib/systemd/system/portsentry.service'] } },
    LAN,
    /portsentry 1\.3-1 /,
  ],
  ['2.x without systemd', { portsentry: NATIVE, live: { init: 'sysv' } }, LAN, /no init script/],
  [
    'mixed modes on 2.x',
    { portsentry: NATIVE },
    `${LAN}TCP_MODE=tcp\n`,
    /^config\.env:3: TCP_MODE=tcp cannot be combined with UDP_MODE=audp/,
  ],
  [
    'a key that 2.x does not know',
    { portsentry: NATIVE },
    `${LAN}TCP_MODE=stcp\nADVANCED_PORTS_TCP=2000\n`,
    /^config\.env:4: ADVANCED_PORTS_TCP is not a key of portsentry 2\.x/,
  ],
  ['an unknown ban action', {}, `${LAN}BANACTION=fantasy\n`, /^config\.env:3: .*no action fantasy/],
  [
    'another IGNORE_FILE',
    { texts: { '/etc/portsentry/portsentry.conf': 'IGNORE_FILE="/srv/mine"\n' } },
    LAN,
    /IGNORE_FILE is "\/srv\/mine"/,
  ],
  [
    'an override in jail.local',
    { texts: { '/etc/fail2ban/jail.local': '# mine\n[portsentry]\nbantime = 60\n' } },
    LAN,
    /^\/etc\/fail2ban\/jail\.local:3: sets bantime = 60/,
  ],
  [
    'a jail file that cannot be fixed',
    { texts: { '/etc/fail2ban/jail.d/portsentry.conf': '[portsentry\nx\n' } },
    LAN,
    /^\/etc\/fail2ban\/jail\.d\/portsentry\.conf:\d: fail2ban would refuse/,
  ],
  [
    'modes in a file with a here-document',
    { texts: { '/etc/default/portsentry': 'TCP_MODE="atcp"\ncat <<EOF\nx\nEOF\n' } },
    LAN,
    /\/etc\/default\/portsentry:2: TCP_MODE and UDP_MODE cannot be set safely/,
  ],
  [
    'an over-long line',
    {
      texts: {
        '/etc/portsentry/portsentry.conf': `IGNORE_FILE="/etc/portsentry/portsentry.ignore"\n#${'x'.repeat(1100)}\n`,
      },
    },
    LAN,
    /portsentry\.conf:2: the line is too long/,
  ],
]

it.each(REFUSALS)('refuses: %s', (_, changes, config, expected) => {
  const result = plan(settingsOf(config), factsOf(changes))
  expect(result.plan).toBeNull()
  expect(result.problems.map(renderProblem).join('\n')).toMatch(new RegExp(expected.source, 'm'))
})

const network = (text: string) => parseNetwork(text) as Network
const lan0 = ['2001:db8:1::7/64', 'fd00::7/64'].map(network)
const topology = { interfaces: [{ name: 'lan0', addresses: lan0, isVirtual: false }], routes: [] }
const ignoreip = (list: string) => ({ '/etc/fail2ban/jail.local': `# mine\n[DEFAULT]\nignoreip = ${list}\n` })
const jailLocal = '/etc/fail2ban/jail.local:3: warning: exempts'

const WARNINGS: [string, string, Changes, string, string[]][] = [
  [
    'a rule that opens sshd to everybody, where sshd asks',
    'lenient-hosts-allow',
    { wrapped: ['sshd'], texts: { '/etc/hosts.allow': 'sshd: ALL\n' } },
    '',
    [
      '/etc/hosts.allow:1: warning: this rule opens sshd to everybody, so bans in hosts.deny have no effect on it — name only trusted hosts there so that hosts.deny has an effect; the firewall does not read this file',
    ],
  ],
  [
    'a look-up that 1.2 waits for',
    'resolves-first',
    {},
    'RESOLVE_HOST=1\n',
    [
      'config.env:3: warning: this portsentry bans a scanner only after DNS has answered or timed out, and detects nothing until then — leave RESOLVE_HOST out: the log then has addresses only',
    ],
  ],
  ['a look-up on 2.x', 'resolves-first', { portsentry: NATIVE }, 'RESOLVE_HOST=1\n', []],
  ['an IPv6 LAN on 1.2', 'ipv6-lan', { live: { topology } }, '', []],
  [
    'an IPv6 LAN on 2.x',
    'ipv6-lan',
    { portsentry: NATIVE, live: { topology } },
    'WHITELIST=fd00::/48\n',
    [
      'config.env:3: warning: this server is on 2001:db8:1::/64, which is not protected: a host there that scans is banned — add 2001:db8:1::/64 to WHITELIST if that is your LAN, else to UNTRUSTED',
    ],
  ],
  [
    'an IPv6 network that is not to be protected',
    'ipv6-lan',
    { portsentry: NATIVE, live: { topology } },
    'UNTRUSTED=2001:db8:1::/64,fd00::/48\n',
    [],
  ],
  ['a tree', 'ipv6-lan', { portsentry: NATIVE, live: null }, '', []],
  ["[DEFAULT]'s stock", 'ignoreip-lost', { texts: ignoreip('127.0.0.1/8 ::1') }, '', []],
  [
    'what [DEFAULT] exempts',
    'ignoreip-lost',
    { texts: ignoreip('192.168.1.7, 198.51.100.9 office.example.org 203.0.113.0/255.255.255.0 2001:db8::1') },
    'WHITELIST=203.0.113.0/25\n',
    [
      `${jailLocal} 198.51.100.9 with [DEFAULT] ignoreip, which does not apply to the portsentry jail — add 198.51.100.9 to WHITELIST`,
      `${jailLocal} 203.0.113.0/24 with [DEFAULT] ignoreip, which does not apply to the portsentry jail — add 203.0.113.0/24 to WHITELIST`,
    ],
  ],
  [
    'and on the whitelist',
    'ignoreip-lost',
    { texts: ignoreip('198.51.100.9') },
    'WHITELIST=198.51.100.9\n',
    [],
  ],
  ['a reference', 'ignoreip-lost', { texts: ignoreip('%(mine)s 198.51.100.9') }, '', []],
  [
    'our own file',
    'ignoreip-lost',
    { texts: { '/etc/fail2ban/jail.d/portsentry.conf': '[DEFAULT]\nignoreip = 198.51.100.9\n' } },
    '',
    [],
  ],
]

it.each(WARNINGS)('warns of %s: %s', (_, wanted, changes, config, expected) => {
  const { problems } = plan(settingsOf(LAN + config), factsOf(changes))
  expect(problems.filter(({ code }) => code === wanted).map(renderProblem)).toEqual(expected)
})

it('installs what is missing, in one go, and preseeds debconf first', () => {
  const installs = [{ name: 'portsentry', version: '1.2-14+b1', download: 70_976 }]
  const result = steps({
    packages: new Map([
      ['fail2ban', '1'],
      ['tcpd', '1'],
      ['iptables', '1'],
      ['iproute2', '1'],
      ['python3-systemd', '1'],
    ]),
    installs,
  })
  expect(result.slice(0, 2)).toEqual([
    'preseed  debconf, so that it asks nothing',
    'install  portsentry and ipset',
  ])
  expect(result.at(-1)).toBe('restart  portsentry: newly installed')
})

it('lists the settings where the packages are out of reach, for the release that the version tells', () => {
  const facts = factsOf({
    portsentry: { version: '1.2-16', files: null },
    packages: new Map(),
    installs: [{ name: 'portsentry', version: '1.2-16', download: 0 }],
    unknown: ['apt reaches no mirror'],
    texts: { '/etc/portsentry/portsentry.conf': null },
  })
  const result = plan(settingsOf(LAN), facts)
  expect(result.plan?.steps.map(({ kind }) => kind)).toEqual(['preseed', 'install'])
  const text = result.plan === null ? '' : textOf(result.plan)
  expect(text).toMatch(
    /template units[\s\S]*not exact: apt reaches no mirror[\s\S]*portsentry\.conf: BLOCK_TCP="1"/,
  )
})

it('tells what keeps apt from installing', () => {
  const { problems } = plan(
    settingsOf(LAN),
    factsOf({ portsentry: null, unknown: ['E: dpkg was interrupted'] }),
  )
  expect(problems.map(renderProblem).join()).toMatch(/not installed: E: dpkg was interrupted/)
})

it('lists the settings for the expected release where apt has no package lists', () => {
  const facts = factsOf({
    portsentry: null,
    assumedRelease: 'native-2',
    packages: new Map(),
    installs: null,
    texts: { '/etc/portsentry/portsentry.conf': null },
  })
  const { plan: made, problems } = plan(settingsOf(LAN), facts)
  expect(problems.filter(isError)).toEqual([])
  expect(made?.steps).toEqual([])
  const text = made === null ? '' : textOf(made)
  expect(text).toMatch(/not exact: apt has no package lists, .*: run apt-get update\n/)
  expect(text).toMatch(
    /not exact: that it would install portsentry 2.x.* is a guess based on Debian's version\n/,
  )
  expect(text).toMatch(/These settings would be made:\n[\s\S]*portsentry\.conf: BLOCK_TCP="1"/)
})

it('says that the plan is not exact where apt cannot say what it would install', () => {
  const result = plan(
    settingsOf(LAN),
    factsOf({ packages: new Map([['portsentry', '1.2-14']]), installs: null }),
  )
  expect(result.plan?.inexact.join()).toMatch(/apt cannot install fail2ban/)
})
