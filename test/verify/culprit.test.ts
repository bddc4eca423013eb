import { expect, it } from 'vitest'
import type { MetRule } from '../../src/host/lab/report.ts'
import { acceptingRule } from '../../src/verify/culprit.ts'

const of = (program: MetRule['program'], rules: readonly string[]): MetRule[] =>
  rules.map((rule) => ({ program, rule }))

const SSH = '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'
const ALL = '-A INPUT -j ACCEPT'

/** Which of the rules is named for one who gets through to port 22. */
it.each<[what: string, rules: readonly string[], named: string | undefined]>([
  ['there is none', [], undefined],
  ['the port', [SSH], SSH],
  ['any port', [ALL], ALL],
  ['the port, ahead of any', [ALL, SSH], SSH],
  [
    'one of several ports',
    [ALL, '-A u -p tcp -m multiport --dports 80,22 -j ACCEPT'],
    '-A u -p tcp -m multiport --dports 80,22 -j ACCEPT',
  ],
  [
    'a range',
    [ALL, '-A INPUT -p tcp -m tcp --dport 20:30 -j ACCEPT'],
    '-A INPUT -p tcp -m tcp --dport 20:30 -j ACCEPT',
  ],
  ['another port', ['-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT'], undefined],
  [
    'all ports but one',
    ['-A INPUT -p tcp -m tcp ! --dport 443 -j ACCEPT'],
    '-A INPUT -p tcp -m tcp ! --dport 443 -j ACCEPT',
  ],
  ['another protocol', ['-A INPUT -p udp -j ACCEPT'], undefined],
  ['loopback', ['-A INPUT -i lo -j ACCEPT'], undefined],
  ['connections that are there', ['-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', ALL], ALL],
  [
    'new connections, too',
    ['-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT'],
    '-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT',
  ],
  ['another network', ['-A INPUT -s 192.168.1.0/24 -j ACCEPT'], undefined],
  ['its own network', ['-A INPUT -s 198.51.100.0/24 -j ACCEPT'], '-A INPUT -s 198.51.100.0/24 -j ACCEPT'],
  ['everybody but its network', ['-A INPUT ! -s 198.51.100.0/24 -j ACCEPT'], undefined],
])('%s', (_what, rules, named) => {
  expect(acceptingRule(of('iptables', rules), [{ address: '198.51.100.254', port: '22' }])?.rule).toBe(named)
})

it('looks at the family', () => {
  const rules = [...of('iptables', [SSH]), ...of('ip6tables', [ALL])]
  expect(acceptingRule(rules, [{ address: '2001:db8::1', port: '22' }])?.program).toBe('ip6tables')
})

it('looks at everybody who gets through', () => {
  const through = ['22', '443'].map((port) => ({ address: '198.51.100.254', port }))
  const rule = '-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT'
  expect(acceptingRule(of('iptables', [ALL, rule]), through)?.rule).toBe(rule)
})
