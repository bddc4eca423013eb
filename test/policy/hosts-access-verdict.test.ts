import { expect, test } from 'vitest'
import { parseHostsAccess } from '../../src/documents/hosts-access.ts'
import { parseNetwork } from '../../src/network.ts'
import { judgeHost } from '../../src/policy/hosts-access-verdict.ts'

const ALLOW = '# LAN\nALL: 192.168.1.0/255.255.255.0\n'
/** A real admin's file: what sshd is told is not what any other daemon is told. */
const SSHD_CLOSED = 'sshd: 198.51.100.0/24 203.0.113.0/24 : ALLOW\nsshd: ALL : DENY\nALL: ALL : ALLOW\n'
const CLOSED = 'ALL: ALL\n'

test.each<[string, string, string, string, string]>([
  ['203.0.113.9', 'sshd', '', '', 'nothing'],
  ['203.0.113.9', 'sshd', ALLOW, '', 'nothing'],
  ['192.168.1.20', 'sshd', ALLOW, '', 'allow /etc/hosts.allow:2'],
  ['203.0.113.9', 'sshd', ALLOW, '\nALL: 203.0.113.9 : DENY\n', 'deny /etc/hosts.deny:2'],
  // hosts.allow comes first.
  ['192.168.1.20', 'sshd', ALLOW, CLOSED, 'allow /etc/hosts.allow:2'],
  ['203.0.113.9', 'sshd', ALLOW, CLOSED, 'deny /etc/hosts.deny:1'],
  ['203.0.113.9', 'sshd', 'sshd: ALL\n', CLOSED, 'allow /etc/hosts.allow:1'],
  ['203.0.113.9', 'vsftpd', 'sshd: ALL\n', CLOSED, 'deny /etc/hosts.deny:1'],
  ['203.0.113.9', 'vsftpd', '', 'sshd: ALL\n', 'nothing'],
  ['192.168.1.20', 'sshd', SSHD_CLOSED, '', 'deny /etc/hosts.allow:2'],
  ['192.168.1.20', 'vsftpd', SSHD_CLOSED, CLOSED, 'allow /etc/hosts.allow:3'],
  ['203.0.113.9', 'sshd', SSHD_CLOSED, CLOSED, 'allow /etc/hosts.allow:1'],
  ['2001:db8::9', 'sshd', '', 'ALL: [2001:db8::9]\n', 'deny /etc/hosts.deny:1'],
  // As 2.x writes it.
  ['2001:db8::9', 'sshd', '', 'ALL: 2001:db8::9 : DENY\n', 'nothing'],
  // libwrap gives the file up, and refuses everybody.
  ['203.0.113.9', 'sshd', '', 'ALL: 192.0.2.1', 'deny /etc/hosts.deny:null'],
])('%s and %s, %j, %j', (address, daemon, allow, deny, expected) => {
  const host = parseNetwork(address)
  const verdict = host && judgeHost(parseHostsAccess(allow), parseHostsAccess(deny), host, daemon)
  expect(verdict === null ? 'nothing' : `${verdict.outcome} ${verdict.path}:${verdict.line}`).toBe(expected)
})
