import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { FirewallRules } from '../../src/facts/firewall-bans.ts'
import { parseTables } from '../../src/facts/iptables-input.ts'
import { BACKENDS, banCommand, isInForce } from '../../src/policy/backends/backends.ts'
import type { Backend, Target } from '../../src/policy/backends/definition.ts'
import { LISTS, membersOf } from '../facts/ban-sets.ts'

const NETWORKS = { ipv4: ['127.0.0.0/8', '192.168.1.0/24'], ipv6: ['::1/128', 'fd00::/64'] }

const fileOf = (backend: Backend, name: string, target: Target = 'DROP') =>
  BACKENDS[backend].files(NETWORKS, target).get(`/etc/portward/rules.${name}`)

describe('files', () => {
  it('of nft: protected networks first, then the sets, ahead of all other chains', () => {
    expect([...BACKENDS.nft.files(NETWORKS, 'DROP').keys()]).toEqual(['/etc/portward/rules.nft'])
    expect(fileOf('nft', 'nft')).toBe(`# Kept by portward from config.env.
# This chain sees packets before all others. Its accept ends this chain only.
add table inet portward
add chain inet portward decide { type filter hook prerouting priority raw; }
flush chain inet portward decide
table inet portward {
	set hosts4 { type ipv4_addr; flags timeout; }
	set hosts6 { type ipv6_addr; flags timeout; }
	set networks6 { type ipv6_addr; flags interval, timeout; }
	chain decide {
		ip saddr { 127.0.0.0/8, 192.168.1.0/24 } accept
		ip6 saddr { ::1/128, fd00::/64 } accept
		ip saddr @hosts4 drop
		ip6 saddr @hosts6 drop
		ip6 saddr @networks6 drop
	}
}
`)
  })

  it('of ipset: the sets, and the rules of each family that ask them', () => {
    expect(fileOf('ipset', 'ipset')).toBe(`# Kept by portward from config.env.
create portward-hosts4 hash:ip family inet timeout 0 maxelem 1000000
create portward-hosts6 hash:ip family inet6 timeout 0 maxelem 1000000
create portward-networks6 hash:net family inet6 timeout 0 maxelem 1000000
`)
    expect(fileOf('ipset', 'iptables')).toBe(`# Kept by portward from config.env.
*raw
:PORTWARD - [0:0]
-A PORTWARD -s 127.0.0.0/8 -j RETURN
-A PORTWARD -s 192.168.1.0/24 -j RETURN
-A PORTWARD -m set --match-set portward-hosts4 src -j DROP
COMMIT
`)
    expect(fileOf('ipset', 'ip6tables')).toBe(`# Kept by portward from config.env.
*raw
:PORTWARD - [0:0]
-A PORTWARD -s ::1/128 -j RETURN
-A PORTWARD -s fd00::/64 -j RETURN
-A PORTWARD -m set --match-set portward-hosts6 src -j DROP
-A PORTWARD -m set --match-set portward-networks6 src -j DROP
COMMIT
`)
  })

  it.each<[Target, ipv4: string[], ipv6: string]>([
    ['REJECT', ['-j REJECT'], 'REJECT'],
    ['CHAOS', ['-j CHAOS'], 'DROP'],
    // These two answer TCP alone.
    ['TARPIT', ['-p tcp -j TARPIT', '-j DROP'], 'DROP'],
    ['DELUDE', ['-p tcp -j DELUDE', '-j DROP'], 'DROP'],
  ])('of ipset with %s: in the table filter, for the family that has the target', (target, ipv4, ipv6) => {
    const rules = (name: string) => fileOf('ipset', name, target)?.match(/^(?:\*.*|-A .*--match-set.*)$/gm)
    const rule = (set: string) => `-A PORTWARD -m set --match-set portward-${set} src`
    expect(rules('iptables')).toEqual(['*filter', ...ipv4.map((words) => `${rule('hosts4')} ${words}`)])
    expect(rules('ip6tables')).toEqual([
      '*filter',
      ...['hosts6', 'networks6'].map((set) => `${rule(set)} -j ${ipv6}`),
    ])
  })

  it('of route: its routes are made anew, for they have no timeout', () => {
    expect(fileOf('route', 'route')).toBe(`# Kept by portward from config.env.
route flush table all proto 211
`)
  })
})

const DAY = 86_400
/** The longest timeout that the kernel takes. */
const LONGEST = 2_147_483

it.each<[Backend, seconds: number, seesIPv6: boolean, command: string]>([
  ['ipset', DAY, false, 'ipset add portward-hosts4 $TARGET$ timeout 86400'],
  ['ipset', LONGEST, false, 'ipset add portward-hosts4 $TARGET$ timeout 2147483'],
  ['ipset', LONGEST + 1, false, 'ipset add portward-hosts4 $TARGET$'],
  ['ipset', -1, false, 'ipset add portward-hosts4 $TARGET$'],
  [
    'ipset',
    DAY,
    true,
    'case $TARGET$ in *:*) exec ipset add portward-hosts6 $TARGET$ timeout 86400;; *) exec ipset add portward-hosts4 $TARGET$ timeout 86400;; esac',
  ],
  ['nft', DAY, false, 'nft create element inet portward hosts4 { $TARGET$ timeout 86400s }'],
  ['nft', LONGEST + 1, false, 'nft create element inet portward hosts4 { $TARGET$ }'],
  [
    'nft',
    -1,
    true,
    'case $TARGET$ in *:*) exec nft create element inet portward hosts6 { $TARGET$ };; *) exec nft create element inet portward hosts4 { $TARGET$ };; esac',
  ],
  ['route', DAY, false, 'ip route replace blackhole $TARGET$ proto 211'],
  ['route', -1, true, 'ip route replace blackhole $TARGET$ proto 211'],
])('KILL_ROUTE for %s, %d s, IPv6 %s', (backend, seconds, seesIPv6, command) => {
  expect(banCommand(backend, seconds, seesIPv6)).toBe(command)
})

const NFT = `{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, {"table": {"family": "inet", "name": "portward", "handle": 1}},
{"set": {"family": "inet", "name": "hosts4", "table": "portward", "type": "ipv4_addr", "handle": 2, "flags": ["timeout"], "elem": [{"elem": {"val": "192.0.2.1", "timeout": 86400, "expires": 86399}}, "192.0.2.2"]}},
{"set": {"family": "inet", "name": "hosts6", "table": "portward", "type": "ipv6_addr", "handle": 3, "flags": ["timeout"]}},
{"set": {"family": "inet", "name": "networks6", "table": "portward", "type": "ipv6_addr", "handle": 4, "flags": ["interval", "timeout"], "elem": [{"elem": {"val": {"prefix": {"addr": "2001:db8:1::", "len": 64}}, "timeout": 60, "expires": 59}}, {"prefix": {"addr": "2001:db8:2::", "len": 64}}]}},
{"set": {"family": "inet", "name": "mine", "table": "portward", "type": "ipv4_addr", "handle": 5, "elem": ["192.0.2.9"]}},
{"chain": {"family": "inet", "table": "portward", "name": "decide", "handle": 1, "type": "filter", "hook": "prerouting", "prio": -300, "policy": "accept"}}]}`

const IPSET = `create portward-hosts4 hash:ip family inet hashsize 1024 maxelem 1000000 timeout 0 bucketsize 12 initval 0xe67df09c
add portward-hosts4 192.0.2.2 timeout 0
add portward-hosts4 192.0.2.1 timeout 86399
create portward-networks6 hash:net family inet6 hashsize 1024 maxelem 1000000 timeout 0 bucketsize 12 initval 0x4f02f4c5
add portward-networks6 2001:db8:1::/64 timeout 59
create portward-hosts4-mine hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x0768684c
add portward-hosts4-mine 192.0.2.9
`

const ROUTES =
  '[{"type":"blackhole","dst":"192.0.2.1","protocol":"211","flags":[]},{"type":"blackhole","dst":"192.0.2.9","flags":[]},{"type":"blackhole","dst":"2001:db8::1","dev":"lo","protocol":"211","metric":1024,"flags":[],"pref":"medium"},{"dst":"192.0.2.0/24","dev":"eth0","protocol":"ospf"}]'

it.each<[Backend, said: string, members: [string, number | null, string][]]>([
  [
    'nft',
    NFT,
    [
      ['192.0.2.1', 86_399, 'nft delete element inet portward hosts4 { 192.0.2.1 }'],
      ['192.0.2.2', null, 'nft delete element inet portward hosts4 { 192.0.2.2 }'],
      ['2001:db8:1::/64', 59, 'nft delete element inet portward networks6 { 2001:db8:1::/64 }'],
      ['2001:db8:2::/64', null, 'nft delete element inet portward networks6 { 2001:db8:2::/64 }'],
    ],
  ],
  ['nft', '', []],
  ['nft', '{"nftables":[]}', []],
  [
    'ipset',
    IPSET,
    [
      ['192.0.2.2', null, 'ipset del portward-hosts4 192.0.2.2'],
      ['192.0.2.1', 86_399, 'ipset del portward-hosts4 192.0.2.1'],
      ['2001:db8:1::/64', 59, 'ipset del portward-networks6 2001:db8:1::/64'],
    ],
  ],
  ['ipset', '', []],
  [
    'route',
    ROUTES,
    [
      ['192.0.2.1', null, 'ip -4 route del blackhole 192.0.2.1 proto 211'],
      ['2001:db8::1', null, 'ip -6 route del blackhole 2001:db8::1 proto 211'],
    ],
  ],
  ['route', '{}', []],
  ['route', 'nonsense', []],
])('reads who is banned from what %s prints: %.40s', (backend, said, members) => {
  // Listed at 0: what ends later does so in so many ms.
  const read = membersOf(backend, said).map(({ address, untilMs, undo }) => {
    return [address, untilMs === null ? null : untilMs / 1000, undo.join(' ')]
  })
  expect(read).toEqual(members)
})

const isRoot = process.getuid?.() === 0
const hasAll = (...programs: readonly string[]) =>
  isRoot && programs.every((program) => spawnSync(program, ['-V']).error === undefined)
const skipped = (what: string) =>
  console.warn(`SKIPPED: ${what} is not asked - run as root with it installed`)

const REAL: readonly [Backend, Target, isThere: boolean][] = [
  ['nft', 'DROP', hasAll('nft')],
  ['ipset', 'DROP', hasAll('ipset', 'iptables', 'ip6tables')],
  ['ipset', 'REJECT', hasAll('ipset', 'iptables', 'ip6tables')],
  ['route', 'DROP', hasAll('ip')],
]
for (const [backend, , isThere] of REAL) if (!isThere) skipped(backend)

/** The lines of the backend's script that a verb makes of these hosts. */
const linesOf = (template: string, members: readonly (readonly [set: string, element: string])[]) =>
  members
    .map(([set, element]) =>
      template
        .replace('{set}', set)
        .replace('{element}', element)
        .replace('{timeout}', '')
        .replaceAll('{{', '{')
        .replaceAll('}}', '}'),
    )
    .join('\n')

/** Runs commands with the files of a backend in a network namespace; what they print. */
const runInNamespace = (backend: Backend, target: Target, commands: readonly string[]): string => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  for (const [path, text] of BACKENDS[backend].files(NETWORKS, target))
    writeFileSync(join(directory, basename(path)), text)
  const text = ['ip link set lo up', ...commands].join('\n').replaceAll('/etc/portward', directory)
  return execFileSync('unshare', ['--net', 'sh', '-ec', text], { encoding: 'utf8', stdio: 'pipe' })
}

it.each(REAL.filter(([, , isThere]) => isThere))(
  '%s with %s: the kernel takes all of it',
  (backend, target) => {
    const { rules, script, flush, hook, check, remove, ...lines } = BACKENDS[backend]
    const banned = [['hosts4', '192.0.2.1'] as const, ['hosts6', '2001:db8::1'] as const]
    const all = LISTS[backend].map((command) => command.join(' ')).join('; ')
    const load = (...more: readonly string[]) =>
      `{ cat ${rules}; cat <<'END'\n${more.join('\n')}\nEND\n} | ${script}\n${['set -e', ...hook(target)].join('\n')}`
    const said = runInNamespace(backend, target, [
      load(linesOf(lines.add, banned)),
      check(target),
      `echo MEMBERS; ${all}`,
      // Once more, as at each reload, with one of them released.
      load(linesOf(lines.add, banned), linesOf(lines.delete, banned.slice(0, 1))),
      check(target),
      `echo MEMBERS; ${all}`,
      `${script} <<'END'\n${flush.join('\n')}\nEND`,
      `echo MEMBERS; ${all}`,
      ...remove(target),
      // What is not there is removed as well.
      ...remove(target),
      `! { nft list tables; iptables-save; ip6tables-save; ipset save; ip route; } 2>/dev/null | grep -i portward`,
      backend === 'route' ? '' : `! { ${check(target)}; } 2>/dev/null`,
    ])
    const members = said
      .split('MEMBERS\n')
      .slice(1)
      .map((part) =>
        (backend === 'route' ? part.split('\n') : [part])
          .flatMap((each) => membersOf(backend, each))
          .map(({ address }) => address),
      )
    expect(members).toEqual([['192.0.2.1', '2001:db8::1'], ['2001:db8::1'], []])
  },
)

/** Prints the rules as portward reads them. */
const DUMP = `for program in iptables-save ip6tables-save 'nft -j list table inet portward'; do
  printf '\\036'; $program 2>/dev/null || :
done`

const rulesOf = (dump: string): FirewallRules => {
  const [iptables = '', ip6tables = '', nft = ''] = dump.split('\x1e').slice(1)
  return { iptables: parseTables(iptables), ip6tables: parseTables(ip6tables), nft }
}

/** What takes one rule away, and with it the effect of the whole set. */
const BREAKS: Readonly<Record<Exclude<Backend, 'route'>, (target: Target) => readonly string[]>> = {
  nft: () => ['nft flush chain inet portward decide'],
  ipset: (target) => [
    target === 'DROP' ? 'iptables -t raw -D PREROUTING -j PORTWARD' : 'iptables -D FORWARD -j PORTWARD',
    `ip6tables ${target === 'DROP' ? '-t raw ' : ''}-F PORTWARD`,
    `iptables ${target === 'DROP' ? '-t raw ' : ''}-R PORTWARD 3 -m set --match-set portward-hosts4 src -j ACCEPT`,
  ],
}

const BREAKABLE = REAL.flatMap(([backend, target, isThere]) =>
  backend !== 'route' && isThere
    ? BREAKS[backend](target).map((command) => [backend, target, command] as const)
    : [],
)

it.each(BREAKABLE)('%s with %s is in force as long as nobody runs %s', (backend, target, command) => {
  const { rules, script, hook } = BACKENDS[backend]
  const load = `${script} <${rules}\n${['set -e', ...hook(target)].join('\n')}`
  const said = runInNamespace(backend, target, [load, DUMP, 'echo BROKEN', command, DUMP])
  const [before = '', after = ''] = said.split('BROKEN\n')
  expect(isInForce({ backend, target }, rulesOf(before))).toBe(true)
  expect(isInForce({ backend, target }, rulesOf(after))).toBe(false)
})

it('asks for rules of IPv6 only where the kernel has it', () => {
  const ipv4 = parseTables(
    '*raw\n-A PREROUTING -j PORTWARD\n-A PORTWARD -m set --match-set portward-hosts4 src -j DROP\nCOMMIT\n',
  )
  const dropping = { backend: 'ipset', target: 'DROP' } as const
  expect(isInForce(dropping, { iptables: ipv4, ip6tables: null, nft: '' })).toBe(true)
  expect(isInForce(dropping, { iptables: ipv4, ip6tables: new Map(), nft: '' })).toBe(false)
})
