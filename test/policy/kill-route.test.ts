import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import type { LiveFacts, Verdict } from '../../src/policy/facts.ts'
import { chooseTarget, killRoute } from '../../src/policy/kill-route.ts'
import type { BanTarget } from '../../src/settings/settings.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const commandFor = (target: string, config = '', seesIPv6 = false): string =>
  killRoute(settingsOf(LAN + config), target, seesIPv6) ?? ''

const CHAOS = commandFor('CHAOS')
const CHAOS_6 = commandFor('CHAOS', '', true)
const DROP = commandFor('DROP')
const ARTICLE = '/sbin/iptables -I INPUT -s $TARGET$ -j CHAOS'

const TARGETS: [BanTarget, Verdict | 'tree', string | undefined, string][] = [
  ['auto', 'accepted', DROP, 'CHAOS'],
  ['auto', 'refused', CHAOS, 'DROP'],
  ['auto', 'unknown', CHAOS, 'CHAOS'],
  ['auto', 'unknown', CHAOS_6, 'CHAOS'],
  ['auto', 'unknown', DROP, 'DROP'],
  ['auto', 'unknown', ARTICLE, 'DROP'],
  ['auto', 'unknown', undefined, 'DROP'],
  ['auto', 'tree', CHAOS, 'CHAOS'],
  ['auto', 'tree', DROP, 'DROP'],
  ['DROP', 'unknown', CHAOS, 'DROP'],
  ['TARPIT', 'unknown', CHAOS, 'DROP'],
  ['TARPIT', 'unknown', commandFor('TARPIT'), 'TARPIT'],
  ['REJECT', 'unknown', DROP, 'REJECT'],
]

it.each(TARGETS)('%s, %s, before: %s: %s', (wanted, verdict, present, expected) => {
  const targets = new Map(verdict === 'tree' ? [] : [[wanted === 'auto' ? 'CHAOS' : wanted, verdict]])
  const live = verdict === 'tree' ? null : ({ ...factsOf().live, targets } as LiveFacts)
  expect(chooseTarget(wanted, live, present).target).toBe(expected)
})

it.each(['CHAOS', 'TARPIT', 'DROP', 'REJECT'])('fits portsentry.conf with iptables and %s', (target) => {
  for (const seesIPv6 of [false, true]) {
    const command = commandFor(target, '', seesIPv6)
    expect(command).not.toContain('"')
    expect(command.length).toBeLessThan(900)
  }
})

it.each([
  [false, '/usr/sbin/nft list chain inet portward input'],
  [true, '/usr/sbin/nft list set inet portward banned6'],
])('nft, with IPv6 %s: a table that lacks something is made', (seesIPv6, probe) => {
  const command = commandFor('DROP', 'BAN_BACKEND=nft\n', seesIPv6)
  expect(command).toContain(probe)
  expect(command).not.toContain('"')
  expect(command.length).toBeLessThan(900)
  execFileSync('sh', ['-n', '-c', command])
})
