import { expect, test } from 'vitest'
import { renderBanTable } from '../../src/commands/ban-table.ts'
import type { BanStore, StoreReading } from '../../src/policy/banned.ts'

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
])('without a row: %s', (_, readings, expected) => expect(renderBanTable([], readings)).toBe(expected))
