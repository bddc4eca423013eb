import { describe, expect, it, test } from 'vitest'
import { type Network, parseNetwork } from '../../src/network.ts'
import { judge } from '../../src/policy/filter.ts'
import { parseIptables } from '../../src/policy/iptables-filter.ts'
import { parseNft } from '../../src/policy/nft-filter.ts'

const host = (text: string): Network => {
  const network = parseNetwork(text)
  if (network === null) throw new Error(text)
  return network
}

const HOST = host('203.0.113.9')

describe('iptables', () => {
  /** The number of the rule that decides, from 1, or `policy`; what; and the numbers of those that may do so before. */
  const judged = (rules: string, policy = 'ACCEPT') => {
    const lines = rules === '' ? [] : rules.split('; ')
    const [verdict] = judge(parseIptables('iptables', `-P INPUT ${policy}\n${lines.join('\n')}\n`), HOST)
    const numberOf = (text: string) => lines.indexOf(text.replace(/^iptables /, '')) + 1 || 'policy'
    return [verdict?.outcome, verdict && numberOf(verdict.by), ...(verdict?.unless ?? []).map(numberOf)].join(
      ' ',
    )
  }
  const A = '-A INPUT'
  const F = '-N f; -A INPUT -j f'

  test.each<[string, string]>([
    ['', 'accept policy'],
    [`${A} -s 203.0.113.9/32 -j DROP`, 'drop 1'],
    [`${A} -s 203.0.113.0/24 -j REJECT --reject-with icmp-port-unreachable`, 'reject 1'],
    [`${A} -s 203.0.113.8/32 -j DROP`, 'accept policy'],
    [`${A} ! -s 203.0.113.0/24 -j DROP`, 'accept policy'],
    [`${A} ! -s 192.0.2.0/24 -j DROP`, 'drop 1'],
    [`${A} -j ACCEPT; ${A} -s 203.0.113.9/32 -j DROP`, 'accept 1'],
    [`${A} -s 203.0.113.9/32 -j ACCEPT; ${A} -s 203.0.113.9/32 -j DROP`, 'accept 1'],
    [`${A} -s 203.0.113.9/32 -p tcp -j TARPIT --tarpit; ${A} -s 203.0.113.9/32 -j DROP`, 'drop 2 1'],
    [`${A} -p tcp -m tcp --dport 22 -j ACCEPT; ${A} -s 203.0.113.9/32 -j DROP`, 'drop 2 1'],
    [`${A} -s 203.0.113.9/32 -m comment --comment "a -j b" -j DROP`, 'drop 1'],
    // What never fits a scan from outside.
    [`${A} -i lo -j ACCEPT; ${A} -j DROP`, 'drop 2'],
    [`${A} ! -i lo -j DROP`, 'drop 1'],
    [`${A} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; ${A} -j DROP`, 'drop 2'],
    [`${A} -m conntrack --ctstate INVALID -j DROP`, 'accept policy 1'],
    [`${A} -p icmp -j ACCEPT; ${A} -j DROP`, 'drop 2'],
    // What cannot be judged here is not known, whatever comes after it.
    [`${A} -m set --match-set f2b src -j DROP`, 'unknown 1 policy'],
    [`${A} -i eth0 -j ACCEPT; ${A} -j DROP`, 'unknown 1 2'],
    [`${A} -p tcp -j ACCEPT; ${A} -j DROP`, 'unknown 1 2'],
    [`${A} -p tcp -m tcp --dport 1:65535 -j ACCEPT; ${A} -j DROP`, 'unknown 1 2'],
    [`${A} -p tcp -m tcp ! --dport 22 -j DROP`, 'unknown 1 policy'],
    [`${A} -m limit --limit 9/min -j ACCEPT; ${A} -j DROP`, 'unknown 1 2'],
    [`${A} -m recent --update --seconds 60 --name x --rsource -j DROP`, 'unknown 1 policy'],
    [`${A} -m geoip --source-country AA -j DROP`, 'unknown 1 policy'],
    [`${A} -d 192.168.1.10/32 -j DROP`, 'unknown 1 policy'],
    [`${A} -m state --state NEW,ESTABLISHED -j ACCEPT; ${A} -j DROP`, 'unknown 1 2'],
    [`${A} -j NFQUEUE --queue-num 0`, 'unknown 1'],
    [`${A} -j NOSUCH`, 'unknown 1'],
    ['-N f; -A INPUT -m set --match-set f2b src -j f; -A f -j DROP', 'unknown 3 policy'],
    ['-N f; -A INPUT -j f; -A f -i eth0 -j RETURN; -A f -j DROP', 'unknown 4 policy'],
    ['-N f; -A INPUT -i eth0 -g f; -A f -j ACCEPT; -A INPUT -j DROP', 'unknown 4 3 policy'],
    // Where it would come to the same all the same, it is.
    [`${A} -m set --match-set f2b src -j DROP; ${A} -s 203.0.113.9/32 -j REJECT`, 'reject 2 1'],
    [`${A} -s 203.0.113.9/32 -j DROP; ${A} -i eth0 -j ACCEPT`, 'drop 1'],
    [`${A} -s 192.0.2.1/32 -i eth0 -j DROP`, 'accept policy'],
    [`${A} -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT; ${A} -j DROP`, 'drop 2 1'],
    [`${A} -p tcp -m multiport --dports 22,80 -j ACCEPT; ${A} -j DROP`, 'drop 2 1'],
    // Targets that decide nothing.
    [`${A} -j LOG --log-prefix "x "; ${A} -s 203.0.113.9/32`, 'accept policy'],
    // Chains.
    [`${F}; -A f -s 203.0.113.9/32 -j DROP; -A f -j RETURN`, 'drop 3'],
    [`${F}; -A f -j RETURN; -A f -s 203.0.113.9/32 -j DROP`, 'accept policy'],
    [`${F}; -A f -p tcp -m tcp --dport 22 -j RETURN; -A f -j DROP`, 'drop 4 3'],
    [`${F}; -A f -s 192.0.2.1/32 -j DROP; ${A} -s 203.0.113.9/32 -j REJECT`, 'reject 4'],
    ['-N f; -A INPUT -p tcp -m tcp --dport 22 -j f; -A f -s 203.0.113.9/32 -j DROP', 'accept policy 3'],
    ['-N f; -A INPUT -p tcp -m tcp --dport 22 -j f; -A f -j ACCEPT; -A INPUT -j DROP', 'drop 4 3'],
    ['-N f; -A INPUT -g f; -A f -s 192.0.2.1/32 -j ACCEPT; -A INPUT -j DROP', 'accept policy'],
    ['-N f; -N g; -A INPUT -j f; -A f -j g; -A g -s 203.0.113.9/32 -j DROP', 'drop 5'],
    ['-N f; -A INPUT -j f; -A f -j f', 'accept policy'],
    ['-N DROPS; -A INPUT -s 203.0.113.9/32 -j DROPS; -A DROPS -j DROP', 'drop 3'],
  ])('%s', (rules, expected) => expect(judged(rules)).toBe(expected))

  it('ends with the policy of INPUT', () => expect(judged('', 'DROP')).toBe('drop policy'))

  it('shows rules as its program does', () => {
    const [verdict] = judge(parseIptables('ip6tables', '-P INPUT DROP\n'), host('2001:db8::9'))
    expect(verdict).toEqual({ outcome: 'drop', by: 'ip6tables -P INPUT DROP', unless: [] })
  })

  it('says nothing where the program is not there', () => {
    expect(judge(parseIptables('iptables', ''), HOST)).toEqual([])
  })
})

describe('nft', () => {
  const inTable = { family: 'inet', table: 't' }
  const chain = (name: string, more: object = {}) => ({ chain: { ...inTable, name, ...more } })
  const input = (more: object = {}) =>
    chain('input', { type: 'filter', hook: 'input', prio: 0, policy: 'accept', ...more })
  const rule = (name: string, ...expr: object[]) => ({ rule: { ...inTable, chain: name, handle: 7, expr } })
  const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } })
  const saddr = (right: unknown, op?: string, protocol = 'ip') =>
    match({ payload: { protocol, field: 'saddr' } }, right, op)
  const verb = (name: string, value: unknown = null) => ({ [name]: value })
  const judged = (objects: object[], isShown = true) =>
    judge(parseNft(JSON.stringify({ nftables: objects }), 'ipv4', isShown), HOST).map(
      ({ outcome, by, unless }) => `${outcome} | ${by}${unless.map((text) => ` | ${text}`).join('')}`,
    )
  const hooked = (family: string, table: string, name: string) => ({
    chain: { family, table, name, type: 'filter', hook: 'input', prio: 0 },
  })
  const set = {
    set: { ...inTable, name: 'banned', elem: ['192.0.2.1', { elem: { val: '203.0.113.9', timeout: 9 } }] },
  }
  const POLICY = 'accept | nft inet t input: policy accept'
  const NOT_KNOWN = 'unknown | nft inet t input: drop # handle 7 | nft inet t input: policy accept'
  const DROPPED = 'drop | nft inet t input: ip saddr @banned drop # handle 7'

  test.each<[string, object[], string[]]>([
    ['nothing', [], []],
    ['a policy', [input({ policy: 'drop' })], ['drop | nft inet t input: policy drop']],
    ['a set', [set, input(), rule('input', saddr('@banned'), verb('counter'), verb('drop'))], [DROPPED]],
    ['not the set', [set, input(), rule('input', saddr('@banned', '!='), verb('drop'))], [POLICY]],
    ['IPv6', [set, input(), rule('input', saddr('@banned', '==', 'ip6'), verb('drop'))], [POLICY]],
    [
      'an address',
      [input(), rule('input', saddr('203.0.113.9'), verb('reject'))],
      ['reject | nft inet t input: ip saddr 203.0.113.9 reject # handle 7'],
    ],
    [
      'a prefix',
      [input(), rule('input', saddr({ prefix: { addr: '203.0.113.0', len: 24 } }), verb('drop'))],
      ['drop | nft inet t input: drop # handle 7'],
    ],
    [
      'a range',
      [input(), rule('input', saddr({ range: ['203.0.113.1', '203.0.113.20'] }), verb('drop'))],
      [NOT_KNOWN],
    ],
    [
      "fail2ban's own rule",
      [
        set,
        input(),
        rule(
          'input',
          match({ meta: { key: 'l4proto' } }, { set: ['tcp', 'udp'] }),
          saddr('@banned'),
          verb('drop'),
        ),
      ],
      [DROPPED],
    ],
    [
      'a port',
      [input(), rule('input', match({ payload: { protocol: 'tcp', field: 'dport' } }, 22), verb('accept'))],
      [`${POLICY} | nft inet t input: accept # handle 7`],
    ],
    ['loopback', [input(), rule('input', match({ meta: { key: 'iifname' } }, 'lo'), verb('drop'))], [POLICY]],
    [
      'connections that are there',
      [
        input(),
        rule('input', match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), verb('drop')),
      ],
      [POLICY],
    ],
    ['a limit', [input(), rule('input', verb('limit', { rate: 1 }), verb('drop'))], [NOT_KNOWN]],
    [
      'a limit on what is logged',
      [input(), rule('input', verb('limit', { rate: 1 }), verb('log'))],
      [POLICY],
    ],
    [
      'a verdict map before a policy that drops',
      [input({ policy: 'drop' }), rule('input', verb('vmap', { key: {}, data: '@v' }))],
      ['unknown | nft inet t input: vmap # handle 7 | nft inet t input: policy drop'],
    ],
    [
      'a verdict map that may jump to a chain that drops',
      [
        input(),
        chain('f'),
        rule('input', verb('vmap', { key: {}, data: { set: [['lo', { jump: { target: 'f' } }]] } })),
        rule('f', verb('drop')),
      ],
      [`unknown | nft inet t input: vmap # handle 7 | ${POLICY.replace('accept | ', '')}`],
    ],
    [
      'a verdict map for others',
      [input(), rule('input', saddr('192.0.2.1'), verb('vmap', { key: {}, data: '@v' }))],
      [POLICY],
    ],
    [
      'a set that packets add themselves to',
      [
        { set: { ...inTable, name: 'flood', flags: ['dynamic'], elem: [] } },
        input(),
        rule('input', saddr('@flood'), verb('drop')),
      ],
      ['unknown | nft inet t input: ip saddr @flood drop # handle 7 | nft inet t input: policy accept'],
    ],
    [
      'a set that is not there',
      [input(), rule('input', saddr('@gone'), verb('drop'))],
      ['unknown | nft inet t input: ip saddr @gone drop # handle 7 | nft inet t input: policy accept'],
    ],
    [
      'a set that fills by a rate',
      [input(), rule('input', verb('set', { op: 'add', stmt: [{ limit: {} }] }), verb('drop'))],
      ['unknown | nft inet t input: set drop # handle 7 | nft inet t input: policy accept'],
    ],
    [
      'a set that fills',
      [input(), rule('input', verb('set', { op: 'add', set: '@seen' }), verb('accept'))],
      ['accept | nft inet t input: accept # handle 7'],
    ],
    [
      'an extension of iptables',
      [input(), rule('input', verb('xt', { type: 'target', name: 'TARPIT' }))],
      ['unknown | nft inet t input: xt # handle 7 | nft inet t input: policy accept'],
    ],
    ['a queue', [input(), rule('input', verb('queue'))], ['unknown | nft inet t input: queue # handle 7']],
    [
      'an interface',
      [input(), rule('input', match({ meta: { key: 'iifname' } }, 'eth0'), verb('drop'))],
      [NOT_KNOWN],
    ],
    [
      'a range of ports',
      [
        input(),
        rule(
          'input',
          match({ payload: { protocol: 'tcp', field: 'dport' } }, { range: [1, 65535] }),
          verb('drop'),
        ),
      ],
      [NOT_KNOWN],
    ],
    [
      'one protocol',
      [input(), rule('input', match({ meta: { key: 'l4proto' } }, 'tcp'), verb('drop'))],
      [NOT_KNOWN],
    ],
    [
      'a doubt that changes nothing',
      [input({ policy: 'drop' }), rule('input', match({ meta: { key: 'iifname' } }, 'eth0'), verb('drop'))],
      ['drop | nft inet t input: policy drop | nft inet t input: drop # handle 7'],
    ],
    [
      'what comes before the chain input',
      [
        input(),
        chain('early', { type: 'filter', hook: 'prerouting', prio: -300, policy: 'accept' }),
        rule('early', saddr('203.0.113.9'), verb('drop')),
      ],
      ['drop | nft inet t early: ip saddr 203.0.113.9 drop # handle 7', POLICY],
    ],
    [
      'a chain',
      [
        set,
        input(),
        chain('f'),
        rule('input', verb('jump', { target: 'f' })),
        rule('f', saddr('@banned'), verb('drop')),
      ],
      ['drop | nft inet t f: ip saddr @banned drop # handle 7'],
    ],
    ['what only counts', [input(), rule('input', verb('counter'))], [POLICY]],
    ['other hooks', [chain('output', { type: 'filter', hook: 'output', policy: 'drop' })], []],
    ['what iptables shows', [hooked('ip', 'filter', 'INPUT')], []],
    [
      "a chain of the administrator's own in the table of iptables",
      [hooked('ip', 'filter', 'input')],
      ['accept | nft ip filter input: policy accept'],
    ],
    ['what the other family has', [hooked('ip6', 'filter', 'input'), hooked('arp', 'filter', 'INPUT')], []],
  ])('%s', (_, objects, expected) => expect(judged(objects)).toEqual(expected))

  it('reads a table that iptables would have made, where it is not there to show it', () => {
    expect(judged([hooked('ip', 'filter', 'INPUT')], false)).toEqual([
      'accept | nft ip filter INPUT: policy accept',
    ])
  })

  it('takes chains in the order of their priority', () => {
    const early = {
      chain: { family: 'inet', table: 'e', name: 'i', type: 'filter', hook: 'input', prio: -1 },
    }
    expect(judged([input(), early])).toEqual(['accept | nft inet e i: policy accept', POLICY])
  })

  it('reads nothing from what is no JSON', () =>
    expect(judge(parseNft('nft: not found', 'ipv4', false), HOST)).toEqual([]))
})
