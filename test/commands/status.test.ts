import { expect, test } from 'vitest'
import { describeJails } from '../../src/commands/status.ts'
import { type BanStatus, renderBanStatus } from '../../src/commands/status-bans.ts'

test.each<[string, string[] | null, boolean, string]>([
  ['are listed', ['sshd', 'portsentry'], true, 'sshd, portsentry'],
  ['are none', [], true, 'no jail loaded'],
  ['are not told by a fail2ban that hangs', null, true, 'DOES NOT ANSWER'],
  ['are not told to others than root', null, false, 'jails unknown: only root can ask fail2ban'],
])('the jails of a fail2ban that runs %s', (_, jails, asRoot, expected) =>
  expect(describeJails(jails, asRoot)).toBe(expected),
)

const NOTHING: BanStatus = {
  banned: 0,
  incomplete: 0,
  isWhole: true,
  unread: [],
  scans: { hostsThisWeek: 0, lastScans: [], ports: [], sinceMs: null },
  notes: [],
}

test.each<[string, Partial<BanStatus>, string]>([
  ['only scans that were ignored', {}, '0 now; 0 detected this week (the history has no scan that counts)'],
  ['no history', { scans: null }, '0 now; the history was not read'],
  [
    'no place',
    { scans: null, unread: ['firewall'] },
    '0 found, but not read: firewall; the history was not read',
  ],
])('tells of %s', (_, more, expected) =>
  expect(renderBanStatus({ ...NOTHING, ...more })).toEqual([['bans', expected]]),
)
