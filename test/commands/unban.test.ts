import { expect, test } from 'vitest'
import { compare } from '../../src/commands/unban.ts'
import type { BanStore, StoredBan, StoreReading } from '../../src/policy/banned.ts'

const HOST = '203.0.113.9'
const ban = (store: BanStore): StoredBan => ({
  ...{ store, address: HOST, detail: 'somewhere' },
  ...{ sinceMs: null, untilMs: null, port: null, protocol: null, mode: null },
})
const none = (store: BanStore): StoreReading => {
  return { store, state: 'read', bans: [], isExpected: true, note: '' }
}
const banned = (store: BanStore): StoreReading => ({ ...none(store), bans: [ban(store)] })
const silent: StoreReading = { ...none('fail2ban'), state: 'incomplete' }

test.each<[string, StoreReading, StoreReading, object]>([
  ['it is gone', banned('fail2ban'), none('fail2ban'), { released: ['fail2ban'], left: [], unsure: [] }],
  ['it is left', banned('fail2ban'), banned('fail2ban'), { released: [], left: ['fail2ban'] }],
  ['it came back', none('firewall'), banned('firewall'), { released: [], left: ['firewall'] }],
  ['fail2ban fell silent', banned('fail2ban'), silent, { released: [], left: [], unsure: ['fail2ban'] }],
])('claims no release that was not seen: %s', (_, before, after, expected) =>
  expect(compare(HOST, [before], [after])).toMatchObject(expected),
)
