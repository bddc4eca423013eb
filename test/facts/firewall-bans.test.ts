import { expect, it } from 'vitest'
import { appliesTo, redoOf } from '../../src/bans/firewall.ts'
import { type Ban, failureOf } from '../../src/facts/ban.ts'
import { parseRouteBans, parseRoutes } from '../../src/facts/ip.ts'
import { parseInputBans } from '../../src/facts/iptables-input.ts'
import { ipsetBans } from './ban-sets.ts'

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
  expect(shown(parseInputBans('iptables', `-P INPUT ACCEPT\n${rule}\n`))).toEqual(expected)
})

it('reads IPv6 with its own program', () => {
  const bans = parseInputBans('ip6tables', '-A INPUT -s 2001:db8::1/128 -j DROP\n')
  expect(shown(bans)).toEqual([['2001:db8::1', 'ip6tables|-w|-D|INPUT|-s|2001:db8::1/128|-j|DROP']])
})

it('tells when a ban of a ban set ends, and that it is portward’s', () => {
  const said = 'add portward-hosts4 192.0.2.1 timeout 90\nadd portward-networks6 2001:db8::/64\n'
  const common = { where: 'ipset portward', isOwn: true }
  expect(ipsetBans(said, 1_000_000)).toEqual([
    {
      ...{ ...common, address: '192.0.2.1', untilMs: 1_090_000 },
      undo: ['ipset', 'del', 'portward-hosts4', '192.0.2.1'],
    },
    {
      ...{ ...common, address: '2001:db8::/64', untilMs: null },
      undo: ['ipset', 'del', 'portward-networks6', '2001:db8::/64'],
    },
  ])
})

it.each<[host: string, elements: string[]]>([
  ['2001:db8::7', ['2001:db8::7', '2001:db8::/64']],
  ['2001:db8::8', ['2001:db8::/64']],
  ['2001:db8:1::7', []],
  ['192.0.2.1', ['192.0.2.1']],
])('%s is kept out by its own ban, and by that of its network', (host, elements) => {
  const said = ['hosts6 2001:db8::7', 'networks6 2001:db8::/64', 'hosts4 192.0.2.1']
    .map((words) => `add portward-${words}\n`)
    .join('')
  const found = ipsetBans(said).filter((ban) => appliesTo(ban, new Set([host])))
  expect(found.map(({ address }) => address)).toEqual(elements)
})

it.each([
  [
    '[{"type":"blackhole","dst":"192.0.2.4","protocol":"211","flags":[]},{"type":"blackhole","dst":"192.0.2.5"}]',
    [
      ['192.0.2.4', 'ip|-4|route|del|blackhole|192.0.2.4|proto|211'],
      ['192.0.2.5', 'ip|-4|route|del|blackhole|192.0.2.5'],
    ],
  ],
  [
    '[{"type":"unreachable","dst":"2001:db8::4","dev":"lo","protocol":"boot","metric":1024}]',
    [['2001:db8::4', 'ip|-6|route|del|unreachable|2001:db8::4|proto|boot|metric|1024']],
  ],
  ['[{"type":"blackhole","dst":"192.0.2.0/24"},{"dst":"default"},{"dst":"192.0.2.9"},{}]', []],
  ['nonsense', []],
  ['', []],
])('routes that ban: %s', (text, expected) => {
  expect(shown(parseRouteBans(parseRoutes(text) ?? []))).toEqual(expected)
})

it.each<[string, number, string, string | null]>([
  ['what it has', 0, '', null],
  ['nothing, since it is not installed', 127, '', null],
  ['no chain', 1, 'iptables: No chain/target/match by that name.\n', null],
  ['no set', 1, 'Error: No such file or directory\nlist table inet portward\n', null],
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

it.each([
  [
    'iptables -w -D INPUT -s 192.0.2.1/32 -m comment --comment del -j DROP',
    'iptables -w -I INPUT -s 192.0.2.1/32 -m comment --comment del -j DROP',
  ],
  ['ip6tables -w -D INPUT -s 2001:db8::1/128 -j DROP', 'ip6tables -w -I INPUT -s 2001:db8::1/128 -j DROP'],
  [
    'ip -4 route del unreachable 192.0.2.4 proto static metric 7',
    'ip -4 route add unreachable 192.0.2.4 proto static metric 7',
  ],
  // Of the first version of portward, in the record of an apply.
  ['/bin/sh /etc/portward/firewall del 192.0.2.8', '/bin/sh /etc/portward/firewall add 192.0.2.8'],
  ['ipset del portward-hosts4 192.0.2.5', undefined],
  ['nft delete element inet portward hosts4 { 192.0.2.6 }', undefined],
])('what %s took away comes back by %s', (undo, redo) =>
  expect(redoOf(undo.split(' '))?.join(' ')).toBe(redo),
)
