import { expect, test } from 'vitest'
import { parseJailBans } from '../../src/policy/jail-bans.ts'

test.each<[string, string[]]>([
  ['', []],
  [
    '203.0.113.9 \t2026-11-22 00:39:20 + 86400 = 2026-11-23 00:39:20\n',
    ['203.0.113.9 2026,11,22,0,39,20 86400'],
  ],
  ['203.0.113.9 \t2026-11-22 00:39:20 + -1 = 9999-12-31 23:59:59\n', ['203.0.113.9 2026,11,22,0,39,20 null']],
  ['2001:DB8::9 \t2026-01-02 03:04:05 + 600 = 2026-01-02 03:14:05\n', ['2001:db8::9 2026,1,2,3,4,5 600']],
  // A jail may ban by something else than an address.
  ['mallory \t2026-11-22 00:39:20 + 86400 = 2026-11-23 00:39:20\n', []],
  ["Sorry but the jail 'x' does not exist\n", []],
  ['203.0.113.9 203.0.113.77\n', []],
])('%j', (text, expected) => {
  const shown = parseJailBans(text).map(({ address, since, lasts }) => `${address} ${since} ${lasts}`)
  expect(shown).toEqual(expected)
})
