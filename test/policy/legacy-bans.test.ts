import { execa } from 'execa'
import { expect, it } from 'vitest'
import { formatCidr } from '../../src/network.ts'
import {
  besideLegacy,
  legacyBackend,
  legacyBans,
  legacyProtected,
  legacyTarget,
  MAKE_WAY,
  removeLegacyRules,
} from '../../src/policy/legacy-bans.ts'

it.each([
  [undefined, []],
  ['', []],
  ['203.0.113.9 0\n2001:db8::9 1795000000\n', ['203.0.113.9', '2001:db8::9']],
  ['203.0.113.9 0\n203.0.113.10', ['203.0.113.9']],
  ['# by hand\n\n203.0.113.9 0 x\n', []],
])('its record %j has %j', (record, hosts) => expect(legacyBans(record)).toEqual(hosts))

it.each([
  [undefined, undefined, undefined, []],
  ['BACKEND=iptables\nTARGET=CHAOS\n', 'ipset', 'CHAOS', []],
  ["BACKEND=nft\nALLOWED='127.0.0.0/8 fd00::/64'\n", 'nft', undefined, ['127.0.0.0/8', 'fd00::/64']],
  ["BACKEND=route\nTARGET=DROP\nALLOWED=''\n", 'route', 'DROP', []],
])('its configuration %j', (conf, backend, target, networks) => {
  expect(legacyBackend(conf)).toBe(backend)
  expect(legacyTarget(conf)).toBe(target)
  expect(legacyProtected(conf ?? '').map(formatCidr)).toEqual(networks)
})

it('tells bans that have ended', () => {
  expect(legacyBans('203.0.113.9 0\n198.51.100.7 1795000000\n', 1_795_000_050_000)).toEqual(['203.0.113.9'])
})

it('leaves what the old rules have the names of, where they are in force', () => {
  const sets = [
    { backend: 'ipset', target: 'REJECT' },
    { backend: 'nft', target: 'DROP' },
    { backend: 'route', target: 'DROP' },
  ] as const
  expect(besideLegacy(sets, undefined)).toEqual(sets)
  expect(besideLegacy(sets, 'nft')).toEqual([sets[0], sets[2]])
  expect(besideLegacy(sets, 'ipset')).toEqual([{ backend: 'ipset', target: 'DROP' }, sets[1], sets[2]])
})

/** Runs a script with a stand-in for each firewall program, and returns what it ran. Deletions of rules find none. */
const commandsOf = async (script: string): Promise<string[]> => {
  const stub = (name: string) => `${name}() { echo "${name} $*" >&3; case "$*" in *-D*) return 1; esac; }`
  const programs = ['iptables', 'ip6tables', 'nft'].map(stub).join('\n')
  const { stdout } = await execa('sh', ['-c', `exec 3>&1\n${programs}\n${script}`])
  return stdout.split('\n').filter((line) => !line.includes(' list '))
}

it.each([
  ['no ban set', null, ['-X PORTWARD', 'nft delete table inet portward']],
  [
    'another table',
    { backend: 'ipset', target: 'DROP' } as const,
    ['-X PORTWARD', 'nft delete table inet portward'],
  ],
  ['the same chain', { backend: 'ipset', target: 'REJECT' } as const, ['nft delete table inet portward']],
  [
    'the same nft table',
    { backend: 'nft', target: 'DROP' } as const,
    ['-X PORTWARD', 'delete chain inet portward input;'],
  ],
])('takes the old rules away beside %s, and no others', async (_, loaded, expected) => {
  const commands = (await commandsOf(removeLegacyRules(loaded))).join('\n')
  for (const part of ['-X PORTWARD', 'nft delete table inet portward', 'delete chain inet portward input;'])
    expect(commands.includes(part)).toBe(expected.includes(part))
  expect(commands).toContain('iptables -w -D DOCKER-USER -j PORTWARD')
  expect(commands.includes('-D INPUT')).toBe(loaded?.target !== 'REJECT')
})

it('keeps the old chain in force under another name', async () => {
  expect(await commandsOf(MAKE_WAY)).toEqual(['nft rename chain inet portward decide decide_old'])
})
