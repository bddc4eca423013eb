import { expect, it } from 'vitest'
import type { Verdict } from '../../src/facts/firewall-support.ts'
import { banCommand } from '../../src/policy/backends/backends.ts'
import type { LiveFacts } from '../../src/policy/facts.ts'
import { chooseTarget, isVisibleBan, killRoute } from '../../src/policy/kill-route.ts'
import { sysv12 } from '../../src/policy/releases/classic-12.ts'
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

const IPSET = 'ipset add portward-hosts4 $TARGET$ timeout 86400'

it.each([
  ['', IPSET],
  ['BANTIME=-1\n', 'ipset add portward-hosts4 $TARGET$'],
  ['BAN_BACKEND=none\n', null],
  ['OBSERVE_ONLY=1\n', null],
  ["BAN_BACKEND=none\nKILL_ROUTE='/bin/ban $TARGET$'\n", '/bin/ban $TARGET$'],
  ["KILL_ROUTE='/bin/ban $TARGET$'\n", '/bin/ban $TARGET$'],
])('%j: %s', (config, expected) => {
  expect(killRoute(settingsOf(LAN + config), 'ipset', sysv12)).toBe(expected)
})

it.each([
  [banCommand('ipset', 86_400, false), true],
  [banCommand('ipset', 86_400, true), true],
  [banCommand('nft', 86_400, false), true],
  [banCommand('nft', 86_400, true), true],
  [banCommand('route', 86_400, true), true],
  ['/sbin/iptables -I INPUT -s $TARGET$ -j DROP', true],
  ['/sbin/route add -host $TARGET$ reject', true],
  ['ip route add blackhole $TARGET$', true],
  ['/usr/sbin/nft add element inet mine banned { $TARGET$ }', false],
  ['/usr/sbin/ipset add mine $TARGET$', false],
  ['/bin/ban $TARGET$', false],
  ['', false],
])('bans of %j are found: %s', (command, expected) => expect(isVisibleBan(command)).toBe(expected))
