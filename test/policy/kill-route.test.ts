import { expect, it } from 'vitest'
import type { LiveFacts, Verdict } from '../../src/policy/facts.ts'
import { bansInSight, chooseTarget, killRoute } from '../../src/policy/kill-route.ts'
import type { BanTarget } from '../../src/settings/settings.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const TARGETS: [BanTarget, Verdict | 'tree', string | undefined, string][] = [
  ['auto', 'accepted', 'DROP', 'CHAOS'],
  ['auto', 'refused', 'CHAOS', 'DROP'],
  ['auto', 'unknown', 'CHAOS', 'CHAOS'],
  ['auto', 'unknown', 'DROP', 'DROP'],
  ['auto', 'unknown', undefined, 'DROP'],
  ['auto', 'tree', 'CHAOS', 'CHAOS'],
  ['auto', 'tree', 'DROP', 'DROP'],
  ['DROP', 'unknown', 'CHAOS', 'DROP'],
  ['TARPIT', 'unknown', 'CHAOS', 'DROP'],
  ['TARPIT', 'unknown', 'TARPIT', 'TARPIT'],
  ['REJECT', 'unknown', 'DROP', 'REJECT'],
]

it.each(TARGETS)('%s, %s, before: %s: %s', (wanted, verdict, present, expected) => {
  const targets = new Map(verdict === 'tree' ? [] : [[wanted === 'auto' ? 'CHAOS' : wanted, verdict]])
  const live = verdict === 'tree' ? null : ({ ...factsOf().live, targets } as LiveFacts)
  expect(chooseTarget(wanted, live, present).target).toBe(expected)
})

const OWN = '/bin/sh /etc/portward/firewall add $TARGET$ </dev/null >/dev/null 2>&1'

it.each([
  ['', OWN],
  ['BAN_BACKEND=nft\n', OWN],
  ['BAN_BACKEND=route\n', OWN],
  ['BAN_BACKEND=none\n', null],
  ["BAN_BACKEND=none\nKILL_ROUTE='/bin/ban $TARGET$'\n", '/bin/ban $TARGET$'],
  ["KILL_ROUTE='/bin/ban $TARGET$'\n", '/bin/ban $TARGET$'],
])('%j: %s', (config, expected) => {
  expect(killRoute(settingsOf(LAN + config))).toBe(expected)
})

it.each([
  [OWN, true],
  ['/sbin/iptables -I INPUT -s $TARGET$ -j DROP', true],
  ['/sbin/route add -host $TARGET$ reject', true],
  ['ip route add blackhole $TARGET$', true],
  ['/usr/sbin/nft add element inet mine banned { $TARGET$ }', false],
  ['/bin/ban $TARGET$', false],
  ['', false],
])('bans of %j are seen: %s', (command, expected) => expect(bansInSight(command)).toBe(expected))
