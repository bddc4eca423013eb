import { expect, test } from 'vitest'
import { parseHostsAccess } from '../../src/documents/hosts-access.ts'
import { parseNetwork } from '../../src/network.ts'
import { judgeHost } from '../../src/policy/hosts-access-verdict.ts'

const ALLOW = '# LAN\nALL: 192.168.1.0/255.255.255.0\n'

test.each<[string, string, string, string]>([
  ['203.0.113.9', '', '', 'nothing'],
  ['203.0.113.9', ALLOW, '', 'nothing'],
  ['192.168.1.20', ALLOW, '', 'allow /etc/hosts.allow:2'],
  ['203.0.113.9', ALLOW, '\nALL: 203.0.113.9 : DENY\n', 'deny /etc/hosts.deny:2'],
  // hosts.allow comes first.
  ['192.168.1.20', ALLOW, 'ALL: ALL\n', 'allow /etc/hosts.allow:2'],
  ['203.0.113.9', ALLOW, 'ALL: ALL\n', 'deny /etc/hosts.deny:1'],
  ['2001:db8::9', '', 'ALL: [2001:db8::9]\n', 'deny /etc/hosts.deny:1'],
  // As 2.x writes it.
  ['2001:db8::9', '', 'ALL: 2001:db8::9 : DENY\n', 'nothing'],
  // libwrap gives the file up, and refuses everybody.
  ['203.0.113.9', '', 'ALL: 192.0.2.1', 'deny /etc/hosts.deny:null'],
])('%s, %j, %j', (address, allow, deny, expected) => {
  const host = parseNetwork(address)
  const verdict = host && judgeHost(parseHostsAccess(allow), parseHostsAccess(deny), host)
  expect(verdict === null ? 'nothing' : `${verdict.outcome} ${verdict.path}:${verdict.line}`).toBe(expected)
})
