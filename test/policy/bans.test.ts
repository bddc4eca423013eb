import { expect, it } from 'vitest'
import { type Ban, failureOf, parseChainBans, parseNftBans, parseRouteBans } from '../../src/policy/bans.ts'

const shown = (bans: readonly Ban[]) => bans.map(({ address, undo }) => [address, undo.join('|')])

const RULES: [string, string[][]][] = [
  ['-P INPUT ACCEPT', []],
  ['-A INPUT -s 192.0.2.1/32 -j DROP', [['192.0.2.1', 'iptables|-w|-D|INPUT|-s|192.0.2.1/32|-j|DROP']]],
  [
    '-A INPUT -s 192.0.2.1/32 -p tcp -j TARPIT --tarpit',
    [['192.0.2.1', 'iptables|-w|-D|INPUT|-s|192.0.2.1/32|-p|tcp|-j|TARPIT|--tarpit']],
  ],
  [
    String.raw`-A INPUT -s 192.0.2.1/32 -m comment --comment "a \"b c" -j REJECT --reject-with icmp-port-unreachable`,
    [
      [
        '192.0.2.1',
        'iptables|-w|-D|INPUT|-s|192.0.2.1/32|-m|comment|--comment|a "b c|-j|REJECT|--reject-with|icmp-port-unreachable',
      ],
    ],
  ],
  [
    '-A INPUT -s 192.0.2.1/32 -p tcp -m tcp -m comment --comment x -j DROP',
    [['192.0.2.1', 'iptables|-w|-D|INPUT|-s|192.0.2.1/32|-p|tcp|-m|tcp|-m|comment|--comment|x|-j|DROP']],
  ],
  ['-A INPUT -s 192.0.2.0/24 -j DROP', []],
  ['-A INPUT ! -s 192.0.2.1/32 -j DROP', []],
  ['-A INPUT -s 192.0.2.1/32 -j ACCEPT', []],
  ['-A INPUT -s 192.0.2.1/32 -j f2b-sshd', []],
  ['-A INPUT -s 192.0.2.1/32', []],
  ['-A INPUT -s 192.0.2.1/32 -p tcp -m tcp --dport 25 -j DROP', []],
  ['-A INPUT -s 192.0.2.1/32 -i eth1 -j DROP', []],
  ['-A FORWARD -s 192.0.2.1/32 -j DROP', []],
  ['', []],
]

it.each(RULES)('INPUT: %s', (rule, expected) => {
  expect(shown(parseChainBans('iptables', 'INPUT', `-P INPUT ACCEPT\n${rule}\n`))).toEqual(expected)
})

it('reads the chain that is portward’s own, where whoever is protected returns', () => {
  const rules = '-N PORTWARD\n-A PORTWARD -s 192.0.2.7/32 -j RETURN\n-A PORTWARD -s 192.0.2.1/32 -j DROP\n'
  expect(parseChainBans('iptables', 'PORTWARD', rules)).toEqual([
    {
      address: '192.0.2.1',
      place: 'iptables',
      isOwn: true,
      undo: ['/bin/sh', '/etc/portward/firewall', 'del', '192.0.2.1'],
    },
  ])
  expect(parseChainBans('iptables', 'INPUT', rules)).toEqual([])
})

it('reads IPv6 with its own program', () => {
  const bans = parseChainBans('ip6tables', 'INPUT', '-A INPUT -s 2001:db8::1/128 -j DROP\n')
  expect(shown(bans)).toEqual([['2001:db8::1', 'ip6tables|-w|-D|INPUT|-s|2001:db8::1/128|-j|DROP']])
})

it.each([
  [
    '{"nftables":[{"metainfo":{"version":"1.0.6"}},{"set":{"name":"banned","elem":["192.0.2.1",{"elem":{"val":"192.0.2.2","timeout":9}}]}}]}',
    [
      ['192.0.2.1', '/bin/sh|/etc/portward/firewall|del|192.0.2.1'],
      ['192.0.2.2', '/bin/sh|/etc/portward/firewall|del|192.0.2.2'],
    ],
  ],
  ['{"nftables":[{"set":{"name":"banned"}}]}', []],
  ['{"nftables":[{"set":{"elem":[{"prefix":{"addr":"192.0.2.0","len":24}}]}}]}', []],
  ['', []],
])('nft: %s', (text, expected) => {
  expect(shown(parseNftBans(text))).toEqual(expected)
})

it.each([
  [
    '-4',
    '[{"type":"blackhole","dst":"192.0.2.4","metric":1,"flags":[]},{"type":"blackhole","dst":"192.0.2.5"}]',
    [
      ['192.0.2.4', '/bin/sh|/etc/portward/firewall|del|192.0.2.4'],
      ['192.0.2.5', 'ip|-4|route|del|blackhole|192.0.2.5'],
    ],
  ],
  [
    '-6',
    '[{"type":"blackhole","dst":"2001:db8::4","dev":"lo","metric":1}]',
    [['2001:db8::4', '/bin/sh|/etc/portward/firewall|del|2001:db8::4']],
  ],
  ['-4', '[{"type":"blackhole","dst":"192.0.2.0/24"},{"dst":"default"},{}]', []],
  ['-4', 'nonsense', []],
  ['-4', '', []],
] as const)('routes %s: %s', (family, text, expected) => {
  expect(shown(parseRouteBans(family, 'blackhole', text))).toEqual(expected)
})

it.each<[string, number, string, string | null]>([
  ['what it has', 0, '', null],
  ['nothing, since it is not installed', 127, '', null],
  ['no chain', 1, 'iptables: No chain/target/match by that name.\n', null],
  ['no set', 1, 'Error: No such file or directory\nlist set inet portward banned\n', null],
  ['no table', 3, "iptables v1.8.9 (legacy): can't initialize: Table does not exist\n", null],
  [
    'nothing to root without capabilities',
    4,
    'Could not fetch rule set generation id: Permission denied (you must be root)\n',
    'nft failed: Could not fetch rule set generation id: Permission denied (you must be root)',
  ],
  ['nothing', 2, '', 'nft failed: exit code 2'],
])('a program says %s', (_, exitCode, stderr, expected) =>
  expect(failureOf('nft', exitCode, stderr)).toBe(expected),
)
