import { expect, it } from 'vitest'
import { formatCidr, type Network, parseNetwork } from '../../src/network.ts'
import type { Backend, Target } from '../../src/policy/backends/definition.ts'
import {
  BAN_SET_FILES,
  BANS_CONF,
  banSetFiles,
  banSetOf,
  chooseBackend,
  protectedBy,
  UNIT_PATH,
} from '../../src/policy/ban-set.ts'
import { LEGACY_CONF } from '../../src/policy/legacy-bans.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const networks = (...all: readonly string[]) => all.map((text) => parseNetwork(text) as Network)

const filesOf = (config = '', changes: Partial<Parameters<typeof banSetFiles>[0] & object> = {}) =>
  banSetFiles({
    settings: settingsOf(LAN + config),
    backend: 'ipset',
    target: 'DROP',
    protectedNetworks: networks('127.0.0.0/8', 'fd00::/64'),
    database: '/var/lib/fail2ban/fail2ban.sqlite3',
    blockedPaths: ['/var/lib/portsentry/portsentry.blocked.atcp'],
    writesDenied: true,
    ...changes,
  })

it('writes one configuration for the loader and the action', () => {
  expect(filesOf().get(BANS_CONF)).toMatchInlineSnapshot(`
    "# Kept by portward from config.env.
    [bans]
    backend = ipset
    target = DROP
    protected = 127.0.0.0/8 fd00::/64
    protected6 = fd00::/64
    bantime = 86400
    ipv6_prefix = 128
    database = /var/lib/fail2ban/fail2ban.sqlite3
    denied = /run/portward/denied
    blocked = /var/lib/portsentry/portsentry.blocked.atcp
    rules = /etc/portward/rules.ipset
    script = ipset -exist restore
    add = add portward-{set} {element} {timeout}
    delete = del portward-{set} {element}
    timeout = timeout {}
    flush =
    	flush portward-hosts4
    	flush portward-hosts6
    	flush portward-networks6
    hook = set -e
    	iptables-restore -w --noflush /etc/portward/rules.iptables
    	iptables -w -t raw -C PREROUTING -j PORTWARD 2>/dev/null || iptables -w -t raw -I PREROUTING -j PORTWARD
    	test -e /proc/net/if_inet6 || exit 0
    	ip6tables-restore -w --noflush /etc/portward/rules.ip6tables
    	ip6tables -w -t raw -C PREROUTING -j PORTWARD 2>/dev/null || ip6tables -w -t raw -I PREROUTING -j PORTWARD
    "
  `)
})

it.each<[config: string, changes: Parameters<typeof filesOf>[1], line: string]>([
  ['BANTIME=2h\n', {}, 'bantime = 7200'],
  ['BANTIME=-1\n', {}, 'bantime = -1'],
  ['BAN_IPV6_PREFIX=64\n', {}, 'ipv6_prefix = 64'],
  ['', { writesDenied: false }, 'denied ='],
  ['', { database: '' }, 'database ='],
  ['', { blockedPaths: [] }, 'blocked ='],
  ['', { blockedPaths: ['/a', '/b'] }, 'blocked = /a /b'],
  ['', { backend: 'nft' }, 'script = nft -f -'],
  ['', { target: 'CHAOS' }, 'target = CHAOS'],
])('%j, %j: %s', (config, changes, line) => {
  expect(filesOf(config, changes).get(BANS_CONF)?.split('\n')).toContain(line)
})

it.each<[Backend, Target, check: string]>([
  ['nft', 'DROP', 'nft list chain inet portward decide | grep -q @networks6'],
  [
    'ipset',
    'DROP',
    'iptables -w -t raw -C PREROUTING -j PORTWARD && iptables -w -t raw -C PORTWARD -m set --match-set portward-hosts4 src -j DROP && { ! test -e /proc/net/if_inet6 ||',
  ],
  ['ipset', 'REJECT', 'iptables -w -t filter -C INPUT -j PORTWARD && iptables -w -t filter -C FORWARD'],
  ['route', 'DROP', 'true'],
])('the unit asks %s with %s whether its rules are in force', (backend, target, check) => {
  expect(filesOf('', { backend, target }).get(UNIT_PATH)).toContain(`sleep 60; do { ${check}`)
})

it('has no file of another backend, and none where nobody is to be banned', () => {
  const present = (files: ReadonlyMap<string, string | null>) =>
    [...files].filter(([, text]) => text !== null).map(([path]) => path)
  expect([...filesOf().keys()].sort()).toEqual([...BAN_SET_FILES].sort())
  expect(present(filesOf('', { backend: 'nft' })).filter((path) => path.includes('rules'))).toEqual([
    '/etc/portward/rules.nft',
  ])
  expect([...banSetFiles(null).keys()].sort()).toEqual([...BAN_SET_FILES].sort())
  expect(present(banSetFiles(null))).toEqual([])
})

it('reads back what it wrote', () => {
  const text = filesOf('', { target: 'CHAOS' }).get(BANS_CONF) ?? ''
  expect(banSetOf(text)).toEqual({ backend: 'ipset', target: 'CHAOS' })
  expect(protectedBy(text).map(formatCidr)).toEqual(['127.0.0.0/8', 'fd00::/64'])
})

it.each([undefined, '', '[bans]\nbackend = ebtables\n'])('finds nothing in a bans.conf of %j', (text) => {
  expect(banSetOf(text)).toBeNull()
  expect(protectedBy(text ?? '')).toEqual([])
})

const NEIGHBOURS = { ufw: null, firewalld: false, docker: false }
const without = (...names: readonly string[]) =>
  new Map(
    [...factsOf().packages, ['nftables', '1']].filter(([name = '']) => !names.includes(name)) as [
      string,
      string,
    ][],
  )
const NEW = { [BANS_CONF]: null }

it.each<[what: string, Parameters<typeof factsOf>[0], config: string, Backend, reason: string | null]>([
  ['by name', {}, 'BAN_BACKEND=nft\n', 'nft', null],
  ['by its old name', {}, 'BAN_BACKEND=iptables\n', 'ipset', null],
  ['what is in use', { texts: { [BANS_CONF]: 'backend = route\n' } }, '', 'route', null],
  [
    'what is in use, beside firewalld',
    { live: { firewallManagers: { ...NEIGHBOURS, firewalld: true } } },
    '',
    'ipset',
    null,
  ],
  [
    'what an earlier portward uses',
    { texts: { ...NEW, [LEGACY_CONF]: 'BACKEND=nft\n' } },
    '',
    'nft',
    'it is in use here',
  ],
  [
    'and by its old name',
    { texts: { ...NEW, [LEGACY_CONF]: 'BACKEND=iptables\n' } },
    '',
    'ipset',
    'it is in use here',
  ],
  [
    'beside firewalld',
    { texts: NEW, live: { firewallManagers: { ...NEIGHBOURS, firewalld: true } } },
    '',
    'nft',
    'firewalld empties the tables of iptables',
  ],
  [
    'nftables alone',
    { texts: NEW, packages: without('iptables', 'ipset') },
    '',
    'nft',
    'nftables is installed and iptables is not',
  ],
  ['both', { texts: NEW, packages: without() }, '', 'ipset', 'its bans take the least time'],
  ['neither', { texts: NEW, packages: new Map() }, '', 'ipset', 'its bans take the least time'],
  [
    'beside ufw, which leaves the table raw alone',
    { texts: NEW, live: { firewallManagers: { ...NEIGHBOURS, ufw: { drops: true, emptiesInput: true } } } },
    '',
    'ipset',
    'its bans take the least time',
  ],
  ['in a tree', { texts: NEW, live: null }, '', 'ipset', 'its bans take the least time'],
])('chooses the backend: %s', (_, changes, config, backend, reason) => {
  expect(chooseBackend(settingsOf(LAN + config), factsOf(changes))).toEqual({ backend, reason })
})
