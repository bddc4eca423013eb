import { execFileSync, spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { parseInputBans, parseOwnBans, parseRouteBans } from '../../src/policy/bans.ts'
import { parseInputRules, redoCommands } from '../../src/policy/redo-bans.ts'

const BAN = '-A INPUT -s 192.0.2.1/32 -j DROP'
const DEL = '-A INPUT -s 192.0.2.2/32 -m comment --comment del -j DROP'
const HOOK = '-A INPUT -p tcp -j f2b-sshd'
const SSH = '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'
const WEB = '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'

/** What `iptables` makes of these commands. */
const run = (rules: readonly string[], commands: readonly (readonly string[])[]): string[] => {
  const chain = [...rules]
  for (const [, , , , position = '', ...words] of commands) {
    const quoted = words.map((word) => (word.includes(' ') ? `"${word}"` : word))
    chain.splice(Number(position) - 1, 0, `-A INPUT ${quoted.join(' ')}`)
  }
  return chain
}

const undosOf = (rules: readonly string[]) =>
  parseInputBans('iptables', rules.join('\n')).map(({ undo }) => undo)

/** The chain after all bans of `before` were taken away, somebody changed it to `now`, and they were brought back. */
const restored = (before: readonly string[], now: readonly string[]) =>
  run(
    now,
    redoCommands(undosOf(before), { iptables: before, ip6tables: [] }, { iptables: now, ip6tables: [] }),
  )

test.each<[string, string[], string[], string[]]>([
  ['at the top', [BAN, SSH], [SSH], [BAN, SSH]],
  ['in the middle', [SSH, BAN, WEB], [SSH, WEB], [SSH, BAN, WEB]],
  ['at the end', [SSH, BAN], [SSH], [SSH, BAN]],
  ['the only one', [BAN], [], [BAN]],
  ['with a comment that reads del', [SSH, DEL, WEB], [SSH, WEB], [SSH, DEL, WEB]],
  ['two in a row', [SSH, BAN, DEL, WEB], [SSH, WEB], [SSH, BAN, DEL, WEB]],
  ['two apart', [BAN, SSH, DEL], [SSH], [BAN, SSH, DEL]],
  ['two copies', [BAN, SSH, BAN, WEB], [SSH, WEB], [BAN, SSH, BAN, WEB]],
  ['one of two copies', [BAN, SSH, BAN, WEB], [SSH, BAN, WEB], [BAN, SSH, BAN, WEB]],
  ['behind what others have put in meanwhile', [SSH, BAN, WEB], [HOOK, SSH, WEB], [HOOK, SSH, BAN, WEB]],
  ['behind a rule that has moved', [HOOK, SSH, BAN], [SSH, HOOK], [SSH, BAN, HOOK]],
  ['where the rule ahead of it is gone', [SSH, BAN, WEB], [HOOK, WEB], [HOOK, BAN, WEB]],
  ['still there', [SSH, BAN], [SSH, BAN], [SSH, BAN]],
])('brings a rule back where it stood: %s', (_, before, now, expected) =>
  expect(restored(before, now)).toEqual(expected),
)

const isRoot = process.getuid?.() === 0 && spawnSync('iptables', ['--version']).status === 0
if (!isRoot) console.warn('SKIPPED: iptables itself is not asked - run as root with iptables')

test.skipIf(!isRoot)('iptables itself has the same chain again', () => {
  const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ')
  const chainAfter = (...commands: string[]): string[] =>
    parseInputRules(
      execFileSync('unshare', ['--net', 'sh', '-ec', [...commands, 'iptables -S INPUT'].join('\n')], {
        encoding: 'utf8',
      }),
    )
  const made = [
    'iptables -A INPUT -p tcp --dport 22 -j ACCEPT',
    'iptables -A INPUT -s 192.0.2.1 -m comment --comment del -j DROP',
    'iptables -A INPUT -p tcp --dport 80 -j ACCEPT',
    `iptables -A INPUT -s 192.0.2.2 -m comment --comment 'a "-D" b' -j REJECT`,
    'iptables -A INPUT -s 192.0.2.1 -m comment --comment del -j DROP',
  ]
  const before = chainAfter(...made)
  const undos = undosOf(before)
  const taken = [...made, ...undos.map(quoted)]
  const now = chainAfter(...taken)
  expect(now).toHaveLength(2)
  const redone = redoCommands(undos, { iptables: before, ip6tables: [] }, { iptables: now, ip6tables: [] })
  expect(chainAfter(...taken, ...redone.map(quoted))).toEqual(before)
})

test('puts a rule that nobody has seen before to the top', () => {
  const none = { iptables: [], ip6tables: [] }
  expect(redoCommands(undosOf([BAN]), none, { ...none, iptables: [SSH] })).toEqual([
    ['iptables', '-w', '-I', 'INPUT', '1', '-s', '192.0.2.1/32', '-j', 'DROP'],
  ])
})

test('takes rules of IPv6 for what they are, and leaves the policy out', () => {
  const rule = '-A INPUT -s 2001:db8::1/128 -j DROP'
  const undos = parseInputBans('ip6tables', rule).map(({ undo }) => undo)
  const before = parseInputRules(`-P INPUT ACCEPT\n${SSH}\n${rule}\n`)
  const now = { iptables: [WEB], ip6tables: [SSH] }
  expect(redoCommands(undos, { iptables: [WEB], ip6tables: before }, now)).toEqual([
    ['ip6tables', '-w', '-I', 'INPUT', '2', '-s', '2001:db8::1/128', '-j', 'DROP'],
  ])
})

test('brings routes back with all that tells them apart; members of a ban set are left to fail2ban', () => {
  const routes = '[{"type":"unreachable","dst":"192.0.2.4","protocol":"static","metric":7,"flags":[]}]'
  const nft = '{"nftables":[{"set":{"name":"hosts4","elem":[{"elem":{"val":"192.0.2.6","timeout":90}}]}}]}'
  const undos = [
    ...parseRouteBans('-4', routes),
    ...parseOwnBans('route', '[{"type":"blackhole","dst":"192.0.2.7","protocol":"211"}]', 0),
    ...parseOwnBans('ipset', 'add portward-hosts4 192.0.2.5 timeout 90\n', 0),
    ...parseOwnBans('nft', nft, 0),
    // Of the first version of portward, in the record of an apply.
    { undo: ['/bin/sh', '/etc/portward/firewall', 'del', '192.0.2.8'] },
  ].map(({ undo }) => undo)
  const none = { iptables: [], ip6tables: [] }
  expect(redoCommands(undos, none, none).map((words) => words.join(' '))).toEqual([
    'ip -4 route add unreachable 192.0.2.4 proto static metric 7',
    'ip -4 route add blackhole 192.0.2.7 proto 211',
    '/bin/sh /etc/portward/firewall add 192.0.2.8',
  ])
})
