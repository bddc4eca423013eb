import { expect, test } from 'vitest'
import { parseBanNotes, parseBanningJails, parseJailBans } from '../../src/facts/fail2ban.ts'

const at = (...time: [number, number, number, number, number, number]): number => {
  const [year, month, ...rest] = time
  return new Date(year, month - 1, ...rest).getTime()
}
const BEGIN = at(2026, 11, 22, 0, 39, 20)

test.each<[string, [string, number, number | null][]]>([
  ['', []],
  [
    '203.0.113.9 \t2026-11-22 00:39:20 + 86400 = 2026-11-23 00:39:20\n',
    [['203.0.113.9', BEGIN, BEGIN + 86_400_000]],
  ],
  ['203.0.113.9 \t2026-11-22 00:39:20 + -1 = 9999-12-31 23:59:59\n', [['203.0.113.9', BEGIN, null]]],
  // BANTIME=999999999y: no date can be that far away.
  [
    '203.0.113.9 \t2026-11-22 00:39:20 + 31557599968442400 = 9999-12-31 23:59:59\n',
    [['203.0.113.9', BEGIN, null]],
  ],
  [
    '2001:DB8::9 \t2026-01-02 03:04:05 + 600 = 2026-01-02 03:14:05\n',
    [['2001:db8::9', at(2026, 1, 2, 3, 4, 5), at(2026, 1, 2, 3, 14, 5)]],
  ],
  // A jail may ban by something else than an address.
  ['mallory \t2026-11-22 00:39:20 + 86400 = 2026-11-23 00:39:20\n', []],
  ["Sorry but the jail 'x' does not exist\n", []],
  ['203.0.113.9 203.0.113.77\n', []],
])('the bans of a jail that prints %j', (text, expected) => {
  const shown = parseJailBans(text).map(({ address, sinceMs, untilMs }) => [address, sinceMs, untilMs])
  expect(shown).toEqual(expected)
})

test.each([
  ['portsentry: sshd', ['portsentry', 'sshd']],
  ["[['portsentry', 'recidive-2']]\n", ['portsentry', 'recidive-2']],
  ['', []],
  ['[[]]\n', []],
])('the jails that %j names', (answer, jails) => expect(parseBanningJails(answer)).toEqual(jails))

test.each<[string, Record<string, object>]>([
  [
    '{"203.0.113.9": {"reason": "abuse", "from": null}, "2001:DB8::9": {"from": "web-1"}}',
    { '203.0.113.9': { reason: 'abuse', from: null }, '2001:db8::9': { reason: null, from: 'web-1' } },
  ],
  [
    '{"mallory": {"reason": "x"}, "203.0.113.9": null, "203.0.113.8": {"reason": 7}}',
    { '203.0.113.8': { reason: null, from: null } },
  ],
  ['{}', {}],
  ['', {}],
])('the notes on bans in %j', (answer, expected) =>
  expect(Object.fromEntries(parseBanNotes(answer))).toEqual(expected),
)

test('a ban has its note', () => {
  const notes = new Map([['203.0.113.9', { reason: 'abuse', from: null }]])
  const [ban] = parseJailBans('203.0.113.9 \t2026-11-22 00:39:20 + 86400 = 2026-11-23 00:39:20\n', notes)
  expect(ban?.note).toEqual({ reason: 'abuse', from: null })
})
