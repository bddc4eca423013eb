import { expect, it, test } from 'vitest'
import type { WantedBan } from '../../src/policy/ban-list.ts'
import { decideBans, longestKept, refusalBy, whyNoBans } from '../../src/policy/ban-requests.ts'
import { LAN, settingsOf } from '../plan/live.ts'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000
const HOST = '203.0.113.9'

const want = (untilMs: WantedBan['untilMs'], leftOut: string | null = null): WantedBan => {
  return { address: HOST, untilMs, note: { reason: null, from: null }, leftOut }
}
const held = (untilMs: number | null) => [{ address: HOST, sinceMs: NOW - HOUR, untilMs, note: null }]
const decide = (wanted: WantedBan, jailed: ReturnType<typeof held> = [], why: string | null = null) =>
  decideBans([wanted], jailed, () => why, NOW).map(({ outcome, untilMs }) => [outcome, untilMs])[0]

test.each<[string, WantedBan, ReturnType<typeof held>, [string, number | null | undefined]]>([
  ['as long as the jail bans', want(undefined), [], ['banned', undefined]],
  ['for an hour', want(NOW + HOUR), [], ['banned', NOW + HOUR]],
  ['permanently', want(null), [], ['banned', null]],
  ['until a time that is over', want(NOW), [], ['expired', undefined]],
  ['longer than it is', want(NOW + 2 * HOUR), held(NOW + HOUR), ['prolonged', NOW + 2 * HOUR]],
  ['permanently, which it is not yet', want(null), held(NOW + HOUR), ['prolonged', null]],
  ['shorter than it is', want(NOW + HOUR), held(NOW + 2 * HOUR), ['held', NOW + 2 * HOUR]],
  ['until the same time, by another clock', want(NOW + HOUR + 2000), held(NOW + HOUR), ['held', NOW + HOUR]],
  ['although it is permanent', want(NOW + HOUR), held(null), ['held', null]],
  ['as the jail does, which has', want(undefined), held(NOW + HOUR), ['held', NOW + HOUR]],
  ['what is not shared', want(NOW + HOUR, 'from web-2'), [], ['left-out', undefined]],
])('to ban %s', (_, wanted, jailed, expected) => expect(decide(wanted, jailed)).toEqual(expected))

it('refuses a host that the server protects, however long', () => {
  expect(decide(want(null), held(NOW + HOUR), 'protected')).toEqual(['refused', NOW + HOUR])
})

test.each<[string, string, string | null]>([
  ['config.env', '192.168.1.20', 'protected by /root/config.env:1: LAN'],
  ['an SSH session', '198.51.100.7', 'an SSH session here comes from it'],
  [
    'the last apply',
    '198.51.100.9',
    'protected by /etc/portward/bans.conf, which portward apply has not renewed since config.env was changed',
  ],
  ['nothing', HOST, null],
])('says what protects a host: %s', (_, address, expected) => {
  const protector = { entry: 'LAN', at: { path: '/root/config.env', line: 1 } }
  const of = (host: string) => (host === '192.168.1.20' ? [protector] : [])
  const file = { text: 'protected = 198.51.100.8/31 ::1\n' }
  const facts = {
    files: new Map([['/etc/portward/bans.conf', file]]),
    live: { sshClients: ['198.51.100.7'], sshSession: null },
  } as unknown as Parameters<typeof refusalBy>[1]
  expect(refusalBy({ of, unknown: null }, facts)(address)).toBe(expected)
})

const RUNNING = { asRoot: true, jails: ['sshd', 'portsentry'], hasBanSet: true }

test.each<[string, string, Partial<typeof RUNNING> | { jails: null }, RegExp | null]>([
  ['it runs', '', {}, null],
  ['it only observes', 'OBSERVE_ONLY=1\n', {}, /^OBSERVE_ONLY=1: /],
  ['no backend', 'BAN_BACKEND=none\n', {}, /^BAN_BACKEND=none: /],
  [
    'another action',
    'BANACTION=iptables-allports\n',
    {},
    /^fail2ban bans with BANACTION=iptables-allports here/,
  ],
  ['another action alone', 'BAN_BACKEND=none\nBANACTION=x\n', {}, /^fail2ban bans with BANACTION=x here/],
  ['no fail2ban', '', { jails: null }, /^fail2ban is not running/],
  ['no jail', '', { jails: ['sshd'] }, /^fail2ban has no portsentry jail/],
  ['no rules', '', { hasBanSet: false }, /^the rules of the ban set are not in force/],
])('whether anybody can be banned by hand where %s', (_, config, live, expected) => {
  const why = whyNoBans(settingsOf(LAN + config), { ...RUNNING, ...live })
  if (expected === null) expect(why).toBeNull()
  else expect(why?.message).toMatch(expected)
})

test.each<[string, object | null]>([
  ['', { seconds: 30 * 86_400, variable: 'BANTIME_MAXTIME' }],
  ['BANTIME=90d\n', { seconds: 90 * 86_400, variable: 'BANTIME' }],
  ['BANTIME_INCREMENT=0\n', { seconds: 86_400, variable: 'BANTIME' }],
  ['BANTIME=-1\n', null],
])('the longest ban that a restart of fail2ban keeps: %j', (config, expected) =>
  expect(longestKept(settingsOf(LAN + config))).toEqual(expected),
)
