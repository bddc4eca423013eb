import { expect, it } from 'vitest'
import { formatCidr } from '../../src/network.ts'
import { legacyBackend, legacyBans, legacyProtected, legacyTarget } from '../../src/policy/legacy-bans.ts'

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
