import { expect, test } from 'vitest'
import { renderBanTable } from '../../src/commands/ban-table.ts'
import type { PlaceName, PlaceReading } from '../../src/policy/ban-view.ts'

const read = (place: PlaceName): PlaceReading => ({ place, bans: [], isExpected: true, remark: '' })
const unread = (place: PlaceName, isUnknown: boolean): PlaceReading => ({
  place,
  bans: null,
  isUnknown,
  isExpected: false,
  remark: 'not readable without root',
})

test.each<[string, PlaceReading[], string]>([
  ['all was read', [read('fail2ban'), read('firewall')], 'nobody is banned\n'],
  ['what is not there', [read('hosts.deny'), unread('firewall', false)], 'no ban found in hosts.deny\n'],
  [
    'not all was read',
    [unread('fail2ban', true), read('hosts.deny'), unread('firewall', true)],
    'no ban found in hosts.deny; not read: fail2ban (not readable without root), firewall (not readable without root)\n',
  ],
  [
    'one was read in part',
    [read('fail2ban'), { ...read('firewall'), isUnknown: true, remark: 'nft failed: x' }],
    'no ban found in fail2ban; not read: firewall (nft failed: x)\n',
  ],
  [
    'nothing was read',
    [unread('firewall', true)],
    'whether anybody is banned is not known; not read: firewall (not readable without root)\n',
  ],
])('without a row: %s', (_, readings, expected) => expect(renderBanTable([], readings)).toBe(expected))
