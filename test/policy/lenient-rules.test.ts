import { expect, test } from 'vitest'
import { parseHostsAccess } from '../../src/documents/hosts-access.ts'
import { findLenientRules } from '../../src/policy/lenient-rules.ts'

const BANS: [string, string][] = [
  ['BLOCK_TCP', '1'],
  ['BLOCK_UDP', '1'],
]

const found = (
  text: string,
  libwrapDaemons: readonly string[],
  keys: readonly [string, string][] = [],
  writesDenied = true,
) =>
  findLenientRules(parseHostsAccess(text), {
    conf: new Map([...BANS, ...keys]),
    libwrapDaemons,
    writesDenied,
  }).map(({ at, message }) => `${at.line} ${/opens (.*) to everybody/.exec(message)?.[1]}`)

test.each<[string, string, readonly string[], string[]]>([
  ['ten public tutorials', 'sshd: ALL\n', ['sshd'], ['1 sshd']],
  ['nobody asks', 'sshd: ALL\n', [], []],
  ['another daemon asks', 'sshd: ALL\n', ['vsftpd'], []],
  ['all daemons', '#\nALL: ALL\n', ['sshd', 'vsftpd'], ['2 sshd, vsftpd']],
  ['all but one', 'ALL EXCEPT sshd: ALL\n', ['sshd', 'vsftpd'], ['1 vsftpd']],
  ['an address of the server', 'sshd@192.0.2.1: ALL\n', ['sshd'], ['1 sshd']],
  ['everybody but some', 'sshd: ALL EXCEPT 198.51.100.\n', ['sshd'], ['1 sshd']],
  ['whoever has a name', 'sshd: KNOWN\n', ['sshd'], ['1 sshd']],
  ['all of IPv4', 'sshd: 0.0.0.0/0.0.0.0\n', ['sshd'], ['1 sshd']],
  ['all of IPv6', 'sshd: [::]/0\n', ['sshd'], ['1 sshd']],
  ['with an option', 'sshd: ALL : severity auth.info : allow\n', ['sshd'], ['1 sshd']],
  ['a refusal', 'sshd: ALL : DENY\n', ['sshd'], []],
  ['behind a refusal of everybody', 'sshd: ALL : DENY\nALL: ALL\n', ['sshd', 'vsftpd'], ['2 vsftpd']],
  ['behind a refusal of some', 'sshd: 192.0.2. : DENY\nsshd: ALL\n', ['sshd'], ['2 sshd']],
  ['trusted networks', 'sshd: 203.0.113.0/24 .example.com\n', ['sshd'], []],
  ['unfinished: not read', 'sshd: ALL', ['sshd'], []],
])('%s: %j', (_, text, daemons, expected) => expect(found(text, daemons)).toEqual(expected))

const DENY: [string, string] = ['KILL_HOSTS_DENY', 'ALL: $TARGET$']
const LOG_ONLY: [string, string][] = [
  ['BLOCK_TCP', '0'],
  ['BLOCK_UDP', '0'],
]

test.each<[string, [string, string][], writesDenied: boolean, number]>([
  ["fail2ban's action does not", [], false, 0],
  ["fail2ban's action does", [], true, 1],
  ['portsentry logs only, and the jail bans', LOG_ONLY, true, 1],
  ['portsentry logs only, and would write the file', [...LOG_ONLY, DENY], false, 0],
  ['portsentry writes the file', [DENY], false, 1],
])('is said where a ban gets into hosts.deny: %s', (_, keys, writesDenied, count) => {
  expect(found('sshd: ALL\n', ['sshd'], keys, writesDenied)).toHaveLength(count)
})
