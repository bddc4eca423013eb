import { expect, it } from 'vitest'
import { notLookedAt } from '../../src/plan/planner.ts'
import { pendingProblem } from '../../src/policy/confirmation.ts'
import type { Problem } from '../../src/problem.ts'
import { checkFor } from '../../src/verify/check.ts'
import { checkConfiguration } from '../../src/verify/configuration-checks.ts'
import { CONF, JAIL } from '../paths.ts'
import { type Changes, examined, expectLine, native } from './servers.ts'

const BUILT = '/etc/portsentry/portsentry.ignore'
const STATIC = '/etc/portsentry/portsentry.ignore.static'
const ALLOW = '/etc/hosts.allow'
const JAIL_LOCAL = '/etc/fail2ban/jail.local'

/** Networks that every list has without configuration: link-local addresses, and those that no host has. */
const ALWAYS = '169.254.0.0/16\n0.0.0.0/8\n224.0.0.0/3\n'
const IN_ORDER = '127.0.0.0/8, 192.168.1.0/24, 169.254.0.0/16, 0.0.0.0/8, 224.0.0.0/3'

const check = (changes: Changes, config: string) => {
  const { desired, facts, plan, problems } = examined(changes, config)
  return checkConfiguration(desired, facts, plan, problems)
}

it('has only praise for a server that is as config.env says', () => {
  const codes = ['drift', 'conf', 'ignore-list', 'hosts-allow', 'jail-files', 'wrapped']
  const passed = codes.map((code) => `pass ${code}`)
  expect(check({}, '').map(({ code, result }) => `${result} ${code}`)).toEqual(passed)
  const native2 = { ...native(), live: null }
  expect(check(native2, '').map(({ code, result }) => `${result} ${code}`)).toEqual(
    passed.map((line) => (line === 'pass drift' ? expect.stringMatching(/^\w+ drift$/) : line)),
  )
})

it.each([
  ['warn', pendingProblem({ generation: 3, leftMs: 9000 }), /^in sync, but generation 3 is not confirmed/],
  ['skip', notLookedAt('not root: the firewall was not checked'), /^in sync, but not root: the firewall/],
] as const)('does not pass a server in sync: %s', (result, problem, message) => {
  const { desired, facts, plan, problems } = examined({}, '')
  expect(checkConfiguration(desired, facts, plan, [problem, ...problems])[0]).toMatchObject({
    result,
    message: expect.stringMatching(message),
  })
})

/** The changed text of a file of the small server. */
const changed = (path: string, from: string | RegExp, to: string, of: Changes = {}): Changes => {
  const text = examined(of).facts.files.get(path)?.text ?? ''
  const result = text.replace(from, to)
  if (result === text) throw new Error(`nothing to change in ${path}: ${text}`)
  return { ...of, texts: { ...of.texts, [path]: result } }
}
const texts = (path: string, text: string | null): Changes => ({ texts: { [path]: text } })
const conf = (from: string | RegExp, to: string): Changes => changed(CONF, from, to)
const conf2 = (from: string | RegExp, to: string): Changes => changed(CONF, from, to, native())
const list2 = (from: string | RegExp, to: string): Changes => changed(BUILT, from, to, native())
const jail = (from: string | RegExp, to: string): Changes => changed(JAIL, from, to)
const LAN_ENTRY = '192.168.1.0/255.255.255.0'

it('does not say again what another check says of why no plan can be made', () => {
  const { desired, facts } = examined()
  const error = (message: string): Problem => ({
    severity: 'error',
    code: 'lan-elsewhere',
    message,
    hint: 'fix it',
    at: { path: '/root/config.env', line: 1 },
  })
  const others = [checkFor('networks').fail('this server is not in it; and more')]
  const drift = (...messages: string[]) =>
    checkConfiguration(desired, facts, null, messages.map(error), others)[0]?.message
  expect(drift('this server is not in it')).toBe('unknown: no plan can be made')
  expect(drift('this server is not in it', 'another')).toBe('/root/config.env:1: another — fix it')
})

const FINDINGS: [what: string, changes: Changes, line: string | RegExp, config?: string][] = [
  ['in sync', {}, 'pass drift: in sync'],
  ['something is pending', {}, /^warn drift: \d+ changes are pending$/, 'BLOCK_TCP=0\n'],
  [
    'cannot make an exact plan',
    { unknown: ['apt reaches no mirror'] },
    'warn drift: unknown: apt reaches no mirror',
  ],
  [
    'no plan can be made',
    texts(JAIL_LOCAL, '[portsentry]\nbantime = 10\n'),
    /^warn drift: \/etc\/fail2ban\/jail\.local:2: .*bantime = 10/,
  ],

  ['all keys', {}, `pass conf: ${CONF}: 8 keys`],
  [
    'a key with another value',
    conf('BLOCK_TCP="1"', 'BLOCK_TCP="0"'),
    `fail conf: ${CONF}: portsentry reads BLOCK_TCP as "0", config.env asks for "1"`,
  ],
  [
    'two keys with other values',
    conf(/BLOCK_(...)="1"/g, 'BLOCK_$1="2"'),
    /^fail conf: .* reads BLOCK_TCP as "2", config\.env asks for "1" \(and 1 more\)$/,
  ],
  [
    'a key that is not there',
    conf(/^KILL_ROUTE/m, '#KILL_ROUTE'),
    /^fail conf: .* does not read KILL_ROUTE, config\.env asks for "ipset add portward-hosts4 .*"$/,
  ],
  [
    'a key that hides behind a tab',
    conf('BLOCK_TCP=', 'BLOCK_TCP\t='),
    /^fail conf: .* does not read BLOCK_TCP, config\.env asks for "1"$/,
  ],
  [
    'a key that is not wanted',
    {},
    /^fail conf: .* reads KILL_ROUTE as ".*", config\.env asks for none/,
    'BAN_BACKEND=none\n',
  ],
  [
    'a value that a quote cuts off',
    conf(/^KILL_ROUTE=.*/m, 'KILL_ROUTE="/sbin/x --comment "scan" $TARGET$"'),
    `fail conf: ${CONF}:7: of KILL_ROUTE portsentry reads only "/sbin/x --comment ", not "/sbin/x --comment \\"scan\\" $TARGET$"`,
  ],
  [
    'a value of 2.x that a quote cuts off',
    conf2(/^KILL_ROUTE=.*/m, 'KILL_ROUTE="/sbin/x --comment "scan" $TARGET$"'),
    /^fail conf: \S+:\d+: of KILL_ROUTE portsentry reads only "\/sbin\/x --comment ", not "/,
  ],
  [
    'a value that a tab cuts off',
    conf(/^KILL_ROUTE=.*/m, 'KILL_ROUTE="/sbin/x\t$TARGET$"'),
    `fail conf: ${CONF}:7: of KILL_ROUTE portsentry reads only "/sbin/x", not "/sbin/x\\t$TARGET$"`,
  ],
  [
    'a long value that is cut off, shortened',
    conf(/^KILL_ROUTE=.*/m, `KILL_ROUTE="${'x'.repeat(90)}" ${'y'.repeat(90)}"`),
    new RegExp(`^fail conf: .* reads only "${'x'.repeat(70)}…", not "${'x'.repeat(70)}…"$`),
  ],
  ['no file', texts(CONF, null), `fail conf: ${CONF} does not exist: portsentry does not start`],
  [
    'a value that 1.2 takes for another',
    conf('RESOLVE_HOST', 'SCAN_TRIGGER="many"\nRESOLVE_HOST'),
    `warn conf: ${CONF}:4: SCAN_TRIGGER is "many", which portsentry reads as 0`,
  ],
  [
    'lines that 1.2 does not read',
    conf(/^/, ' PORT_BANNER="x"\n\tSCAN_TRIGGER="1"\n'),
    /^warn conf: \S+:1: portsentry ignores .*: it begins with a blank \(and 1 more\)$/,
  ],
  [
    'a value over which 2.x does not start',
    conf2('# 2.x', 'KILL_RUN_CMD_FIRST = "yes"'),
    `fail conf: ${CONF}:1: portsentry does not start with "yes" for KILL_RUN_CMD_FIRST`,
  ],
  [
    'a line over which 2.x does not start',
    conf2('# 2.x', '# 2.x\nADVANCED_PORTS_TCP="1024"'),
    `fail conf: ${CONF}:2: portsentry does not start over this line`,
  ],

  ['the list', {}, `pass ignore-list: ${BUILT}: ${IN_ORDER}`],
  [
    'a list that lacks the LAN',
    texts(BUILT, `${ALWAYS}127.0.0.0/8\n`),
    `fail ignore-list: ${BUILT} lacks 192.168.1.0/24`,
  ],
  [
    'a list that lacks more',
    {},
    `fail ignore-list: ${BUILT} lacks 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16 and 1 more`,
    'WHITELIST=10.1.0.0/16,10.2.0.0/16,10.3.0.0/16,10.4.0.0/16,10.5.0.0/16\n',
  ],
  [
    'host bits, which 1.2 does not mind',
    texts(BUILT, `${ALWAYS}127.0.0.0/8\n192.168.1.10/24\n`),
    /^pass ignore-list/,
  ],
  [
    'a last line without a newline, which 1.2 may not read',
    texts(BUILT, `${ALWAYS}127.0.0.0/8\n192.168.1.0/24`),
    `warn ignore-list: ${BUILT}:5: the last line does not end with a newline, so portsentry may not read it; it has 192.168.1.0/24`,
  ],
  [
    'one that another line makes up for',
    texts(BUILT, `192.168.1.0/24\n127.0.0.0/8\n${ALWAYS}192.168.1.7`),
    `pass ignore-list: ${BUILT}: ${IN_ORDER}`,
  ],
  ['a comment without one', texts(BUILT, `${ALWAYS}127.0.0.0/8\n192.168.1.0/24\n# end`), /^pass ignore-list/],
  ['no list', texts(BUILT, null), `fail ignore-list: ${BUILT} is missing: portsentry acts on every host`],
  [
    'a tree that no daemon has been started in',
    { live: null, texts: { [BUILT]: null } },
    `pass ignore-list: ${STATIC}: ${IN_ORDER}`,
  ],
  [
    'a tree that lacks the LAN',
    { live: null, texts: { [BUILT]: null, [STATIC]: `${ALWAYS}127.0.0.0/8\n` } },
    `fail ignore-list: ${STATIC} lacks 192.168.1.0/24`,
  ],
  [
    'host bits, which match nobody in 2.x',
    list2(/^192\.168\.1\.0/m, '192.168.1.10'),
    new RegExp(
      `^fail ignore-list: ${BUILT}:\\d+: 192\\.168\\.1\\.10/24 has host bits set .*; 192\\.168\\.1\\.0/24 is missing$`,
    ),
  ],
  [
    'a line over which 2.x does not start',
    list2(/^/, '192.168.1.0/24 # the LAN\n'),
    `fail ignore-list: ${BUILT}:1: portsentry does not start because of this line: a character other than 0-9, a-f, ".", ":" and "/"`,
  ],

  ['hosts.allow', {}, `pass hosts-allow: ${ALLOW}: 127.0.0.0/8, ::1/128, 192.168.1.0/24`],
  ['none', texts(ALLOW, null), `fail hosts-allow: ${ALLOW} lacks 127.0.0.0/8, ::1/128, 192.168.1.0/24`],
  [
    'one that lacks the LAN',
    changed(ALLOW, ` ${LAN_ENTRY}`, ''),
    `fail hosts-allow: ${ALLOW} lacks 192.168.1.0/24`,
  ],
  [
    'host bits with a dotted mask',
    changed(
      ALLOW,
      `ALL: 127`,
      `# mine\nALL: 192.168.1.10/255.255.255.0 127`,
      changed(ALLOW, ` ${LAN_ENTRY}`, ''),
    ),
    `fail hosts-allow: ${ALLOW}:2: 192.168.1.10/255.255.255.0 has host bits set and matches no host; 192.168.1.0/24 is missing`,
  ],
  [
    'host bits with a number of bits',
    changed(ALLOW, LAN_ENTRY, '192.168.1.10/24'),
    /^fail hosts-allow: \S+:1: 192\.168\.1\.10\/24 has host bits set/,
  ],
  [
    'host bits of IPv6, which libwrap does not mind',
    changed(ALLOW, '[::1]', '[::1] [fd00::10]/64'),
    /^pass hosts-allow: .*, fd00::\/64$/,
    'WHITELIST=fd00::/64\n',
  ],
  [
    'host bits of another network',
    changed(ALLOW, LAN_ENTRY, '10.0.0.7/24'),
    `fail hosts-allow: ${ALLOW} lacks 192.168.1.0/24`,
  ],
  [
    'a refusal ahead of it',
    changed(ALLOW, /^/, 'ALL: 192.168.0.0/255.255.0.0: DENY\n'),
    `fail hosts-allow: ${ALLOW}:1: this rule keeps 192.168.1.0/24 out of every daemon`,
  ],
  [
    'a refusal by a daemon that uses libwrap',
    { ...changed(ALLOW, /^/, 'sshd: ALL : DENY\n'), wrapped: ['sshd'] },
    `fail hosts-allow: ${ALLOW}:1: this rule keeps 127.0.0.0/8 out of sshd`,
  ],
  [
    'a refusal by a daemon that does not use libwrap',
    changed(ALLOW, /^/, 'sshd: ALL : DENY\n'),
    /^pass hosts-allow/,
  ],
  [
    'a rule that is weaker than hosts.deny',
    { ...changed(ALLOW, /$/, 'sshd: ALL\n'), wrapped: ['sshd'] },
    `warn hosts-allow: ${ALLOW}:2: this rule opens sshd to everybody, so bans in hosts.deny have no effect on it`,
  ],
  ['the same without a daemon that uses libwrap', changed(ALLOW, /$/, 'sshd: ALL\n'), /^pass hosts-allow/],

  ['a copy of /etc', { wrapped: null }, /^skip wrapped: a copy of \/etc does not show which daemons/],
  ['the jail', {}, 'pass jail-files: no other file overrides it'],
  [
    'an option in our own file',
    jail('bantime = 1d', 'bantime = 10'),
    `fail jail-files: ${JAIL}:9: bantime of the portsentry jail is "10", not "1d"`,
  ],
  [
    'an option that is not there',
    jail('backend = polling\n', ''),
    'fail jail-files: /etc/fail2ban: backend of the portsentry jail is not set, not "polling"',
  ],
  [
    'an option of a later file',
    texts(JAIL_LOCAL, '[DEFAULT]\nbantime = 1h\n\n[portsentry]\nenabled = false\n'),
    `fail jail-files: ${JAIL_LOCAL}:5: enabled of the portsentry jail is "false", not "true"`,
  ],
  [
    'several of them',
    texts('/etc/fail2ban/jail.d/zz.local', '[portsentry]\nbackend = systemd\nmaxretry = 5\n'),
    'fail jail-files: /etc/fail2ban/jail.d/zz.local:2: backend of the portsentry jail is "systemd", not "polling" (and 1 more)',
  ],
  [
    'what [DEFAULT] says to others',
    texts(JAIL_LOCAL, '[DEFAULT]\nbackend = systemd\nbantime = 1h\n'),
    'pass jail-files: no other file overrides it',
  ],
  [
    'a jail that is off, whatever else it says',
    jail('enabled = true', 'enabled = false\nignored = 1'),
    'pass jail-files: no other file overrides it',
    'OBSERVE_ONLY=1\n',
  ],
  [
    'a jail that should be off',
    {},
    `fail jail-files: ${JAIL}:2: enabled of the portsentry jail is "true", not "false"`,
    'OBSERVE_ONLY=1\n',
  ],

  ['no daemon uses libwrap', {}, /^pass wrapped: .*bans work by the firewall only$/],
  ['sshd uses libwrap', { wrapped: ['sshd', 'vsftpd'] }, 'pass wrapped: sshd, vsftpd'],
]

it.each(FINDINGS)('%s', (_what, changes, line, config = '') => {
  expectLine(check(changes, config), line)
})

it('says what to do about everything that is not as it should be', () => {
  const silent = FINDINGS.flatMap(([, changes, , config = '']) => check(changes, config))
    .filter(({ result }) => result !== 'pass')
    .filter(({ hint }) => hint === '')
  expect(silent).toEqual([])
})
