import { expect, test } from 'vitest'
import { describeBanner, renderBanTable } from '../../src/commands/ban-table.ts'
import type { BanRow, BanStore, StoredBan, StoreReading } from '../../src/policy/banned.ts'
import { paint, withoutStyles } from '../../src/styled.ts'
import { setTimeZone } from '../time-zone.ts'

const read = (store: BanStore): StoreReading => {
  return { store, state: 'read', bans: [], isExpected: true, note: '' }
}
const unread = (store: BanStore, state: StoreReading['state']): StoreReading => {
  return { store, state, bans: [], isExpected: false, note: 'not readable without root' }
}

test.each<[string, StoreReading[], string]>([
  ['all was read', [read('fail2ban'), read('firewall')], 'no host is banned\n'],
  ['what is not there', [read('hosts.deny'), unread('firewall', 'absent')], 'no ban found in hosts.deny\n'],
  [
    'not all was read',
    [unread('fail2ban', 'incomplete'), read('hosts.deny'), unread('firewall', 'incomplete')],
    'no ban found in hosts.deny; not read: fail2ban (not readable without root), firewall (not readable without root)\n',
  ],
  [
    'one was read in part',
    [read('fail2ban'), { ...read('firewall'), state: 'incomplete', note: 'nft failed: x' }],
    'no ban found in fail2ban; not read: firewall (nft failed: x)\n',
  ],
  [
    'nothing was read',
    [unread('firewall', 'incomplete')],
    'cannot determine whether a host is banned; not read: firewall (not readable without root)\n',
  ],
])('without a row: %s', (_, readings, expected) =>
  expect(renderBanTable([], readings, Infinity)).toBe(expected),
)

const HOUR_MS = 3_600_000
/** Half an hour before summer time ends in Europe. */
const NIGHT = Date.parse('2026-10-25T00:30:00Z')

const inStore = (store: BanStore) => ({ store }) as StoredBan

const ROW: BanRow = {
  address: '203.0.113.9',
  sinceMs: NIGHT,
  untilMs: NIGHT + HOUR_MS,
  source: 'portsentry',
  from: null,
  mode: 'atcp',
  port: 23,
  protocol: 'tcp',
  reason: null,
  where: [inStore('fail2ban'), inStore('hosts.deny')],
  missing: [],
  protectedBy: null,
}
const LONG: BanRow = {
  ...ROW,
  address: '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
  untilMs: 'permanent',
  port: 65535,
  where: [inStore('fail2ban')],
  missing: ['firewall'],
  protectedBy: '/root/config.env:3: WHITELIST: 2001:db8::/32',
}

test.each<[string, Partial<BanRow>, string]>([
  ['by portsentry', {}, 'portsentry (atcp)'],
  ['by hand', { source: 'by hand' }, 'by hand'],
  ['by hand, with a reason', { source: 'by hand', reason: 'abuse' }, 'by hand (abuse)'],
  ['elsewhere', { source: 'another server', from: 'web-1' }, 'web-1'],
  [
    'elsewhere, for a scan',
    { source: 'another server', from: 'web-1', reason: 'port 23/tcp' },
    'web-1 (port 23/tcp)',
  ],
])('a host that was banned %s', (_, more, expected) => {
  const row: BanRow = { ...ROW, ...more }
  expect(renderBanTable([row], [], Infinity).replace(/ +/g, ' ')).toContain(` ${expected} fail2ban`)
  expect(describeBanner(row)).toBe(row.source === 'by hand' ? expected : `by ${expected}`)
})

test.each<[string, number, BanRow[], string[]]>([
  [
    'IPv4 at 80 columns',
    80,
    [ROW],
    [
      'ADDRESS      SINCE                      UNTIL                      PORT',
      '    SOURCE             WHERE',
      '203.0.113.9  2026-10-25 02:30:00 +0200  2026-10-25 02:30:00 +0100  23/tcp',
      '    portsentry (atcp)  fail2ban, hosts.deny',
    ],
  ],
  [
    'IPv6 at 80 columns',
    80,
    [ROW, LONG],
    [
      'ADDRESS                                 SINCE',
      '    UNTIL                      PORT       SOURCE',
      '    WHERE',
      '203.0.113.9                             2026-10-25 02:30:00 +0200',
      '    2026-10-25 02:30:00 +0100  23/tcp     portsentry (atcp)',
      '    fail2ban, hosts.deny',
      '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff  2026-10-25 02:30:00 +0200',
      '    permanent                  65535/tcp  portsentry (atcp)',
      '    fail2ban; MISSING in firewall; PROTECTED by /root/config.env:3: WHITELIST:',
      '      2001:db8::/32',
    ],
  ],
  [
    'all on one line where there is room',
    200,
    [ROW, LONG],
    [
      'ADDRESS                                 SINCE                      UNTIL                      PORT       SOURCE             WHERE',
      '203.0.113.9                             2026-10-25 02:30:00 +0200  2026-10-25 02:30:00 +0100  23/tcp     portsentry (atcp)  fail2ban, hosts.deny',
      '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff  2026-10-25 02:30:00 +0200  permanent                  65535/tcp  portsentry (atcp)  fail2ban; MISSING in firewall; PROTECTED by /root/config.env:3: WHITELIST:',
      '  2001:db8::/32',
    ],
  ],
])('shows %s', (_, columns, rows, expected) => {
  setTimeZone('Europe/Berlin')
  const text = withoutStyles(renderBanTable(rows, [read('fail2ban')], columns))
  expect(text.trimEnd().split('\n')).toEqual(expected)
})

test.each<[Partial<BanRow>, string]>([
  [{}, 'by portsentry (atcp)'],
  [{ source: 'by hand', mode: null }, 'by hand'],
  [{ source: 'unknown', mode: null }, 'by an unknown source'],
])('says in a sentence who banned: %j', (more, expected) =>
  expect(describeBanner({ ...ROW, ...more })).toBe(expected),
)

test.each<[Partial<BanRow>, RegExp]>([
  [{ port: null, protocol: null, source: 'by hand', mode: null }, / {2}- +by hand /],
  [{ port: null, protocol: null }, / {2}\? +portsentry/],
])('has no port of a ban by hand, and may not know another: %j', (more, expected) =>
  expect(renderBanTable([{ ...ROW, ...more }], [read('fail2ban')], Infinity)).toMatch(expected),
)

test('has what is wrong in red', () => {
  const text = paint(renderBanTable([LONG], [read('fail2ban')], Infinity))
  expect(text).toContain(
    '; \u001b[31mMISSING in firewall\u001b[0m; \u001b[31mPROTECTED by /root/config.env:3',
  )
})
