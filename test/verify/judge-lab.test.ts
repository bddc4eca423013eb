import { expect, it } from 'vitest'
import type { ActionOutcome } from '../../src/detector/decision.ts'
import { parseHostsAccess } from '../../src/documents/hosts-access.ts'
import { type Network, parseNetwork } from '../../src/network.ts'
import { judgeLab } from '../../src/verify/judge-lab.ts'
import type { EventReport, HostReport, LabReport } from '../../src/verify/lab/report.ts'
import type { LabHost } from '../../src/verify/lab/specification.ts'
import type { Expectation } from '../../src/verify/lab-view.ts'
import { expectLine } from './servers.ts'

const ROUTE = '/usr/sbin/iptables -I INPUT -s 198.51.100.254 -j DROP'

const command = (changes: Partial<ActionOutcome> = {}): ActionOutcome => ({
  action: { kind: 'command', option: 'KILL_ROUTE', command: ROUTE },
  result: 'done',
  exitCode: 0,
  message: '',
  ...changes,
})
const hostsDeny = (result: ActionOutcome['result']): ActionOutcome => ({
  action: { kind: 'hosts-deny', option: 'KILL_HOSTS_DENY', line: 'ALL: 198.51.100.254' },
  result,
  exitCode: null,
  message: result === 'done' ? '' : 'EROFS',
})

const event = (changes: Partial<EventReport> = {}): EventReport => ({
  verdict: 'act',
  ignoredByLine: null,
  outcomes: [hostsDeny('done'), command()],
  blocked: true,
  ...changes,
})
const ignored = event({ verdict: 'ignored', ignoredByLine: 2, outcomes: [], blocked: null })

const hosts: readonly LabHost[] = [
  ['SYN scan', 'attacker', '198.51.100.254', 'syn'] as const,
  ['UDP scan', 'attacker', '198.51.100.253', 'udp'] as const,
  ['a host that is only in the history', 'logged', '198.51.100.252', null] as const,
  ['the LAN 192.168.1.0/24', 'allowlisted', '192.168.1.254', 'syn'] as const,
].map(([name, role, address, kind]) => ({
  name,
  role,
  address,
  device: 'lan0',
  destination: '192.168.1.10',
  probes: kind === null ? [] : [{ kind, port: 11 }],
}))

const seen = (address: string, changes: Partial<HostReport>): HostReport => ({
  address,
  openBefore: [8080],
  openAfter: [],
  noticed: true,
  events: [event()],
  rules: [`-A INPUT -s ${address}/32 -j DROP`],
  wrappers: { sshd: 'denied' },
  jailed: false,
  ...changes,
})

const OPEN = [8080]
const CLOSED: readonly number[] = []

/** The report of a lab in which everything is as it should be. */
const fine: Readonly<Record<string, HostReport>> = {
  'SYN scan': seen('198.51.100.254', {}),
  'UDP scan': seen('198.51.100.253', { events: [event()] }),
  'a host that is only in the history': seen('198.51.100.252', { noticed: false, events: [], jailed: true }),
  'the LAN 192.168.1.0/24': seen('192.168.1.254', {
    openAfter: OPEN,
    events: [ignored],
    rules: [],
    wrappers: { sshd: 'granted' },
  }),
}

interface Changes {
  readonly syn?: Partial<HostReport>
  readonly udp?: Partial<HostReport>
  readonly logged?: Partial<HostReport>
  readonly lan?: Partial<HostReport>
  /** For every host. */
  readonly all?: Partial<HostReport>
  /** Roles without hosts. */
  readonly without?: LabHost['role']
  readonly report?: Partial<LabReport>
  readonly fail2ban?: Partial<LabReport['fail2ban']>
  readonly expected?: Partial<Expectation>
  readonly libwrapDaemons?: readonly string[]
  readonly hostsAllow?: string
}

/** With a hosts.deny that names the file of fail2ban's bans. */
const BY_FILE = { hasHostsDeny: false, writesDenied: true } as const

const LAN_ALLOWED = 'ALL: 192.168.1.0/255.255.255.0\n'

const judge = ({ without, libwrapDaemons = ['sshd'], hostsAllow = LAN_ALLOWED, ...changes }: Changes) => {
  const { syn, udp, logged, lan, all, report = {}, fail2ban = {}, expected = {} } = changes
  const own = [syn, udp, logged, lan]
  const reports = Object.entries(fine).map(([name, one], index) => [name, { ...one, ...all, ...own[index] }])
  return judgeLab(
    { hosts: hosts.filter(({ role }) => role !== without), libwrapDaemons },
    {
      gaps: [],
      hosts: Object.fromEntries(reports),
      dropping: [],
      wrapperGap: null,
      fail2ban: { startFailure: null, unproven: null, jails: ['portsentry'], complaints: [], ...fail2ban },
      ...report,
    },
    {
      block: { tcp: 1, udp: 1 },
      hasKillRoute: true,
      hasHostsDeny: true,
      writesDenied: false,
      jailBans: true,
      confPath: '/etc/portsentry/portsentry.conf',
      ignorePath: '/etc/portsentry/portsentry.ignore',
      jailPath: '/etc/fail2ban/jail.d/portsentry.conf',
      isBehindFirewall: true,
      hostsDenyObstacle: null,
      hostsAllow: parseHostsAccess(hostsAllow),
      protectedNetworks: [parseNetwork('192.168.1.0/24') as Network],
      ...expected,
    },
  )
}

it('has only praise for a lab where everything is as it should be', () => {
  expect(judge({}).map(({ code, result, message }) => `${result} ${code}: ${message}`)).toEqual([
    'pass lab: with its firewall, programs and files; nothing in it reaches the server',
    'pass noticed: SYN scan, UDP scan',
    'pass commands: KILL_HOSTS_DENY, KILL_ROUTE for 2 scanners',
    'pass rule: -A INPUT -s 198.51.100.254/32 -j DROP',
    'pass cut-off: SYN scan, UDP scan: port 8080 no longer answers',
    'pass allowlisted: the LAN 192.168.1.0/24: same scans, still let in',
    'pass wrappers: tcpdmatch: 2 scanners refused, 1 others let in',
    'pass jail-bans: -A INPUT -s 198.51.100.252/32 -j DROP',
    'pass jail-allowlisted: the LAN 192.168.1.0/24',
  ])
})

const drops = (...dropping: string[]) => ({ dropping })
const TWO_OPEN = [22, 443]
const ONE_SHUT = [443]
const unnoticed = { noticed: false } as const
const observing = { block: { tcp: 0, udp: 0 } } as const
const commanding = { block: { tcp: 2, udp: 2 } } as const
const commanded = {
  events: [
    event({ outcomes: [command({ action: { kind: 'command', option: 'KILL_RUN_CMD', command: 'true' } })] }),
  ],
  rules: [],
  openAfter: OPEN,
} as const
const ran = (exitCode: number | null, message: string): Partial<HostReport> => ({
  events: [
    event({
      outcomes: [
        command(),
        {
          action: { kind: 'command', option: 'KILL_RUN_CMD', command: 'report' },
          result: 'failed',
          exitCode,
          message,
        },
      ],
    }),
  ],
})
/** BLOCK_* 0: 1.2 acts, with nothing to do. */
const logging = { events: [event({ outcomes: [] })], rules: [], openAfter: OPEN } as const

type Outcome = [what: string, changes: Changes, ...lines: (string | RegExp)[]]

const OUTCOMES: Outcome[] = [
  ['gaps in the copy', { report: { gaps: ['nft: no such table'] } }, /^warn lab: .*nft: no such table$/],
  [
    'no scan can be noticed',
    { without: 'attacker' },
    /^skip noticed: no scan could be tried: no port is watched, or/,
    'skip cut-off: no scan could be tried',
  ],
  ['one is not', { syn: unnoticed }, 'fail noticed: not noticed: SYN scan'],
  [
    'a policy drops it first',
    { syn: unnoticed, report: drops('iptables -P INPUT DROP') },
    /^warn noticed: the firewall drops SYN scan before this .*: iptables -P INPUT DROP$/,
  ],
  [
    'a chain of nft drops it first',
    { syn: unnoticed, udp: unnoticed, report: drops('nft inet own in: policy drop') },
    /^warn noticed: .*SYN scan, UDP scan .*policy drop$/,
  ],
  [
    'a policy does not excuse a daemon that reads the wire',
    { syn: unnoticed, report: drops('iptables -P INPUT DROP'), expected: { isBehindFirewall: false } },
    'fail noticed: not noticed: SYN scan',
  ],
  [
    'hosts.deny cannot be written, which is known',
    {
      syn: { events: [event({ outcomes: [hostsDeny('failed'), command()] })] },
      expected: { hostsDenyObstacle: '/etc/hosts.deny is immutable' },
    },
    'warn commands: KILL_HOSTS_DENY could not be done — EROFS; the file cannot be written: /etc/hosts.deny is immutable',
  ],
  [
    'no scan is acted on',
    { all: { events: [ignored] } },
    /^skip commands: .*no scan was acted on$/,
    'fail cut-off: /etc/portsentry/portsentry.ignore:2: because of this line portsentry ignores 198.51.100.254, 198.51.100.253, and all other hosts that it covers',
  ],
  [
    'a command fails and says why',
    {
      syn: {
        events: [event({ outcomes: [command({ result: 'failed', exitCode: 2, message: 'no CHAOS' })] })],
      },
    },
    `fail commands: KILL_ROUTE ended with exit code 2: ${ROUTE} — no CHAOS; portsentry logs the host as blocked nevertheless`,
  ],
  [
    'KILL_RUN_CMD fails, as what needs the network does in the lab',
    { syn: ran(6, 'Could not resolve host') },
    'warn commands: KILL_RUN_CMD ended with exit code 6: report — Could not resolve host; the lab has no network, so it may still work on the server',
  ],
  ['KILL_RUN_CMD hangs', { syn: ran(137, 'did not end') }, /^warn commands: KILL_RUN_CMD ended with/],
  [
    'the program of KILL_RUN_CMD is missing',
    { syn: ran(127, 'report: not found') },
    /^fail commands: KILL_RUN_CMD ended with exit code 127: report — report: not found; portsentry logs/,
  ],
  ['it may not be run', { syn: ran(126, '') }, /^fail commands: KILL_RUN_CMD ended with exit code 126/],
  [
    'it ended with no code',
    { syn: ran(null, '') },
    /^fail commands: KILL_RUN_CMD ended without an exit code/,
  ],
  [
    'KILL_ROUTE fails after KILL_RUN_CMD',
    {
      syn: ran(6, ''),
      udp: { events: [event({ outcomes: [command({ result: 'failed', exitCode: 1 })] })] },
    },
    /^fail commands: KILL_ROUTE ended with exit code 1/,
  ],
  [
    'a command is killed without a word',
    { udp: { events: [event({ outcomes: [command({ result: 'failed', exitCode: null })] })] } },
    /^fail commands: KILL_ROUTE ended without an exit code: \S+iptables [^—]*; portsentry logs/,
  ],
  [
    'hosts.deny cannot be written',
    { syn: { events: [event({ outcomes: [hostsDeny('failed')], blocked: false })] } },
    'fail commands: KILL_HOSTS_DENY could not be done — EROFS; portsentry does not log the host as blocked, so fail2ban may not see it',
  ],
  [
    'hosts.deny cannot be written, but KILL_ROUTE works, which is enough for 2.x',
    { syn: { events: [event({ outcomes: [hostsDeny('failed'), command()] })] } },
    'fail commands: KILL_HOSTS_DENY could not be done — EROFS; portsentry logs the host as blocked nevertheless',
  ],
  [
    'an action that the daemon cannot do',
    {
      syn: {
        events: [
          event({
            outcomes: [
              {
                action: { kind: 'impossible', option: 'KILL_ROUTE', reason: 'no $TARGET$' },
                result: 'not-run',
                exitCode: null,
                message: 'no $TARGET$',
              },
            ],
          }),
        ],
      },
    },
    /^fail commands: KILL_ROUTE could not be done — no \$TARGET\$;/,
  ],
  [
    'nothing to do',
    { syn: logging, udp: logging, expected: observing },
    'pass commands: nothing to do: BLOCK_TCP and BLOCK_UDP are 0',
    'pass rule: portsentry should not ban: BLOCK_TCP and BLOCK_UDP are 0',
    'pass observes: BLOCK_TCP and BLOCK_UDP are 0; fail2ban bans the hosts that it logs',
  ],
  [
    'nothing is to be listed',
    { expected: { hasKillRoute: false } },
    /^skip rule: no KILL_ROUTE/,
    'warn cut-off: without KILL_ROUTE portsentry itself only writes hosts.deny; fail2ban bans the hosts that it logs',
  ],
  [
    'hosts for which only KILL_RUN_CMD was run are not listed',
    { syn: commanded, udp: commanded, expected: commanding },
    'skip rule: KILL_ROUTE was not run for any scan',
    'skip cut-off: no scan was blocked: BLOCK_TCP and BLOCK_UDP are not 1',
  ],
  [
    'nobody is to be listed',
    { all: { events: [] } },
    'skip rule: KILL_ROUTE was not run for any scan',
    'fail cut-off: no scan was acted on',
  ],
  [
    'one ban is not listed',
    { udp: { rules: [] } },
    'warn rule: no rule, set or route names 198.51.100.253 after KILL_ROUTE',
  ],
  [
    'one still gets through',
    { syn: { openAfter: OPEN } },
    'fail cut-off: still gets through after SYN scan: KILL_ROUTE has no effect on port 8080',
  ],
  [
    'one still gets through to another port than the first',
    {
      all: { openBefore: TWO_OPEN, openAfter: TWO_OPEN },
      syn: { openAfter: ONE_SHUT },
      udp: { openAfter: ONE_SHUT },
    },
    'fail cut-off: still gets through after SYN scan, UDP scan: KILL_ROUTE has no effect on port 443',
  ],
  [
    'no port answers any more',
    { all: { openBefore: TWO_OPEN, openAfter: [] } },
    'pass cut-off: SYN scan, UDP scan: ports 22, 443 no longer answer',
  ],
  [
    'one protocol only logs',
    { syn: { ...logging, openAfter: OPEN }, expected: { block: { tcp: 0, udp: 1 } } },
    'pass cut-off: UDP scan: port 8080 no longer answers; not expected after TCP scans, as /etc/portsentry/portsentry.conf has BLOCK_TCP="0"',
  ],
  [
    'some are ignored',
    { syn: { events: [ignored] } },
    'fail cut-off: /etc/portsentry/portsentry.ignore:2: because of this line portsentry ignores 198.51.100.254, and all other hosts that it covers',
  ],
  [
    'a scan is not enough',
    { all: { events: [event({ verdict: 'below-trigger', outcomes: [], blocked: null })] } },
    'fail cut-off: no scan was acted on: none had as many packets as SCAN_TRIGGER requires',
  ],
  [
    'a protocol that does not block may be ignored',
    { udp: { events: [ignored] }, expected: { block: { tcp: 1, udp: 2 } } },
    'pass cut-off: SYN scan: port 8080 no longer answers; not expected after UDP scans, as /etc/portsentry/portsentry.conf has BLOCK_UDP="2"',
  ],
  [
    'nobody bans',
    { expected: { hasKillRoute: false, hasHostsDeny: false, jailBans: false } },
    'warn cut-off: without KILL_ROUTE portsentry itself does not ban, and the fail2ban jail is off',
  ],
  [
    'no port is open to anybody',
    { all: { openBefore: CLOSED } },
    /^warn cut-off: not proven: the firewall does not let any host reach an open port/,
  ],
  [
    'a protocol that does not block may get through',
    { udp: { openAfter: OPEN }, expected: { block: { tcp: 1, udp: 0 } } },
    'pass cut-off: SYN scan: port 8080 no longer answers; not expected after UDP scans, as /etc/portsentry/portsentry.conf has BLOCK_UDP="0"',
  ],
  [
    'observing does not cut hosts off',
    { syn: logging, udp: logging, expected: { ...observing, jailBans: false } },
    'pass observes: BLOCK_TCP and BLOCK_UDP are 0',
  ],
  [
    'observing, and no port is open to anybody',
    { syn: logging, udp: logging, all: { openBefore: CLOSED }, expected: observing },
    'skip observes: not proven: no scanner could reach an open port before its scan',
  ],
  [
    'observing cuts somebody off',
    { udp: logging, expected: observing },
    'fail observes: SYN scan: cut off, although BLOCK_TCP and BLOCK_UDP are 0',
  ],
  [
    'the LAN is acted on',
    { lan: { events: [event()] } },
    'fail allowlisted: portsentry acts on 192.168.1.254 (the LAN 192.168.1.0/24)',
  ],
  [
    'the LAN is cut off',
    { lan: { openAfter: CLOSED } },
    'fail allowlisted: the LAN 192.168.1.0/24 is cut off from port 8080',
  ],
  [
    'the LAN is cut off from one port of two',
    { all: { openBefore: TWO_OPEN, openAfter: [] }, lan: { openAfter: [22] } },
    'fail allowlisted: the LAN 192.168.1.0/24 is cut off from port 443',
  ],
  [
    'the LAN could reach nothing before',
    { lan: { openBefore: CLOSED, openAfter: CLOSED } },
    /^pass allowlisted: the LAN 192\.168\.1\.0\/24: same scans, not acted on; the firewall does not let them reach an open port anyway/,
  ],
  [
    'no host is allowlisted',
    { without: 'allowlisted' },
    /^skip allowlisted: no host that config\.env protects/,
    /^skip jail-allowlisted: no host that config\.env/,
  ],
  ['libwrap says nothing', { all: { wrappers: {} } }, /^skip wrappers: tcpdmatch .* did not answer$/],
  [
    'libwrap cannot be asked',
    { all: { wrappers: {} }, report: { wrapperGap: "libwrap's tcpdmatch is not installed" } },
    "skip wrappers: libwrap's tcpdmatch is not installed",
  ],
  [
    'hosts.deny cannot be written',
    { all: { wrappers: {} }, report: { wrapperGap: '/etc/hosts.deny cannot be written (EPERM)' } },
    'skip wrappers: /etc/hosts.deny cannot be written (EPERM)',
  ],
  [
    'no ban gets into hosts.deny',
    { expected: { hostsDenyObstacle: 'it is immutable' } },
    'skip wrappers: not tried, since no ban gets into hosts.deny: it is immutable',
  ],
  [
    'no daemon asks libwrap',
    { all: { wrappers: {} }, libwrapDaemons: [], hostsAllow: 'sshd: ALL\n' },
    'pass wrappers: not needed: no daemon here is known to use these files',
  ],
  [
    'libwrap would refuse the LAN',
    { lan: { wrappers: { sshd: 'denied' } }, hostsAllow: '' },
    /^fail wrappers: with a line in hosts.deny 192\.168\.1\.254 would be refused by sshd: .*does not match the LAN 192\.168\.1\.0\/24$/,
  ],
  [
    'a line of hosts.allow keeps the LAN out',
    { lan: { wrappers: { sshd: 'denied' } }, hostsAllow: `#\nsshd: ALL : DENY\n${LAN_ALLOWED}` },
    'fail wrappers: 192.168.1.254 would be refused by sshd: /etc/hosts.allow:2 keeps the LAN 192.168.1.0/24 out',
  ],
  [
    'a line of hosts.allow keeps one host of the LAN out',
    { lan: { wrappers: { sshd: 'denied' } }, hostsAllow: `sshd: 192.168.1.254 : DENY\n${LAN_ALLOWED}` },
    'warn wrappers: /etc/hosts.allow:1 keeps 192.168.1.254 of the LAN 192.168.1.0/24 out of sshd',
  ],
  [
    'libwrap lets the scanner in',
    { syn: { wrappers: { sshd: 'granted' } } },
    'fail wrappers: SYN scan: hosts.deny does not refuse the scanner to sshd',
  ],
  [
    'a line of hosts.allow lets the scanner in',
    { syn: { wrappers: { sshd: 'granted' } }, hostsAllow: `${LAN_ALLOWED}sshd: ALL\n` },
    'warn wrappers: /etc/hosts.allow:2 lets the scanner in to sshd before hosts.deny is read',
  ],
  [
    'it lets it in to one of two daemons',
    { syn: { wrappers: { sshd: 'denied', vsftpd: 'granted' } }, hostsAllow: 'vsftpd: 198.51.100.\n' },
    'warn wrappers: /etc/hosts.allow:1 lets the scanner in to vsftpd before hosts.deny is read',
  ],
  ...[0, 2].map(
    (udp): Outcome => [
      `libwrap lets in a host that should not be refused: BLOCK_UDP=${udp}`,
      { udp: { wrappers: { sshd: 'granted' } }, expected: { block: { tcp: 1, udp } } },
      'pass wrappers: tcpdmatch: 1 scanners refused, 1 others let in',
    ],
  ),
  [
    'libwrap refuses the host that fail2ban has banned',
    { all: { wrappers: { sshd: 'granted' } }, logged: { wrappers: { sshd: 'denied' } }, expected: BY_FILE },
    'pass wrappers: tcpdmatch: 1 scanners refused, 1 others let in',
  ],
  [
    'libwrap lets in the host that fail2ban has banned',
    { logged: { wrappers: { sshd: 'granted' } }, expected: BY_FILE },
    'fail wrappers: a host that is only in the history: hosts.deny does not refuse the scanner to sshd',
  ],
  [
    'libwrap lets the scanner in, where UDP alone blocks',
    { udp: { wrappers: { sshd: 'granted' } }, expected: { block: { tcp: 0, udp: 1 } } },
    'fail wrappers: UDP scan: hosts.deny does not refuse the scanner to sshd',
  ],
  [
    'libwrap is not to refuse anybody',
    { syn: { wrappers: { sshd: 'granted' } }, expected: { hasHostsDeny: false } },
    'pass wrappers: let in: the LAN 192.168.1.0/24',
  ],
  [
    'fail2ban does not start',
    { fail2ban: { startFailure: 'no log file', jails: [], complaints: ['Failed during configuration'] } },
    'fail jail-bans: fail2ban does not start with its configuration: no log file: Failed during configuration',
  ],
  [
    'fail2ban does not have the jail',
    { fail2ban: { jails: ['sshd'] } },
    'fail jail-bans: fail2ban does not load the portsentry jail',
  ],
  [
    'a line does not lead to a ban',
    { logged: { jailed: false } },
    'fail jail-bans: a new line in the history does not lead to a ban',
    'skip jail-allowlisted: not proven: in the lab fail2ban did not ban the host in the history',
  ],
  [
    'a ban is in name only',
    { logged: { openAfter: OPEN }, fail2ban: { complaints: ['nft: not found'] } },
    'fail jail-bans: fail2ban lists the host as banned, but it still gets through to port 8080: nft: not found',
  ],
  [
    'a ban of some ports',
    {
      all: { openBefore: TWO_OPEN, openAfter: [] },
      lan: { openAfter: TWO_OPEN },
      logged: { openAfter: ONE_SHUT },
    },
    'fail jail-bans: fail2ban lists the host as banned, but it still gets through to port 443',
  ],
  [
    'there was no time for a ban',
    { logged: { jailed: false }, fail2ban: { unproven: 'fail2ban does not answer' } },
    'skip jail-bans: not proven: fail2ban does not answer',
  ],
  [
    'a protected host was banned before the time was up',
    { logged: { jailed: false }, lan: { jailed: true }, fail2ban: { unproven: 'fail2ban does not answer' } },
    'fail jail-allowlisted: the jail has banned 192.168.1.254',
  ],
  [
    'there was no time for the action of a ban',
    { logged: { openAfter: OPEN }, fail2ban: { unproven: 'the action of the ban has not ended' } },
    'skip jail-bans: not proven: the action of the ban has not ended',
  ],
  [
    'there was no time for the start',
    { logged: { jailed: false }, fail2ban: { jails: [], unproven: 'fail2ban is not ready yet' } },
    'skip jail-bans: not proven: fail2ban is not ready yet',
  ],
  [
    'an action that has not ended, and the host is cut off',
    { fail2ban: { unproven: 'the action of the ban has not ended' } },
    'pass jail-bans: -A INPUT -s 198.51.100.252/32 -j DROP',
  ],
  ['the jail bans by what no list shows', { logged: { rules: [] } }, 'pass jail-bans: banned'],
  [
    'no host for the history',
    { without: 'logged' },
    /^skip jail-bans: not tried: all address ranges/,
    /^skip jail-allowlisted: not tried: all address ranges/,
  ],
  [
    'a ban that nothing shows',
    { logged: { openBefore: CLOSED, rules: [] } },
    /^skip jail-bans: fail2ban lists the host as banned; not proven: /,
  ],
  [
    'a ban that only a rule shows',
    { logged: { openBefore: CLOSED } },
    'pass jail-bans: -A INPUT -s 198.51.100.252/32 -j DROP',
  ],
  [
    'the jail has banned the LAN',
    { lan: { jailed: true } },
    'fail jail-allowlisted: the jail has banned 192.168.1.254',
  ],
]

it.each(OUTCOMES)('%s', (_what, changes, ...lines) => {
  for (const line of lines) expectLine(judge(changes), line)
})

it('says what to do about everything that has failed', () => {
  const failed = OUTCOMES.flatMap(([, changes]) => judge(changes)).filter(({ result }) => result === 'fail')
  expect(failed.length).toBeGreaterThan(10)
  // Except for the one that hosts were cut off although none should be: there is no general remedy.
  expect(failed.filter(({ code, hint }) => hint === '' && code !== 'observes')).toEqual([])
})

it('does not speak of fail2ban in the lab where the jail is off', () => {
  const codes = judge({ expected: { jailBans: false } }).map(({ code }) => code)
  expect(codes.filter((code) => code.startsWith('jail'))).toEqual([])
})
