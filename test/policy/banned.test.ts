import { describe, expect, it, test } from 'vitest'
import {
  type BanRow,
  type BanStore,
  judgeBans,
  type Scan,
  type StoredBan,
  type StoreReading,
} from '../../src/policy/banned.ts'

const A = '203.0.113.9'
const B = '2001:db8::9'
const T = 1_795_288_592_000
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** A ban in a store, which `reading` names. */
type Entry = Omit<StoredBan, 'store'>

const ban = (address: string, more: Partial<Entry> = {}): Entry => ({
  address,
  detail: 'somewhere',
  sinceMs: null,
  untilMs: null,
  port: null,
  protocol: null,
  mode: null,
  ...more,
})

const jailed = (address: string, sinceMs = T) => ban(address, { sinceMs, untilMs: sinceMs + DAY })
const blocked = (address: string, sinceMs = T, port = 11) =>
  ban(address, { sinceMs, port, protocol: 'tcp', mode: 'atcp' })

/** `bans` null: a store that does not exist. */
const reading = (store: BanStore, bans: readonly Entry[] | null, isExpected = true): StoreReading => ({
  store,
  state: bans === null ? 'absent' : 'read',
  bans: (bans ?? []).map((one) => ({ store, ...one })),
  isExpected: isExpected && bans !== null,
  note: '',
})

/** All four stores, of which some are otherwise than empty. */
const stores = (bans: Partial<Record<BanStore, readonly Entry[] | null>>, unexpected: BanStore[] = []) =>
  (['fail2ban', 'blocked-file', 'hosts.deny', 'firewall'] as const).map((store) =>
    reading(store, bans[store] === undefined ? [] : bans[store], !unexpected.includes(store)),
  )

const scan = (timeMs: number, port: number, host = A): Scan => ({
  timeMs,
  host,
  protocol: 'tcp',
  port,
  scan: 'TCP SYN/Normal scan',
})

const view = (readings: StoreReading[], scans: Scan[] = []) => judgeBans(readings, scans, () => null)

const everywhere = {
  fail2ban: [jailed(A)],
  'blocked-file': [blocked(A)],
  'hosts.deny': [ban(A)],
  firewall: [ban(A)],
}

test.each<[string, Partial<Entry>, Partial<BanRow>]>([
  ['nothing', { note: null }, { source: 'portsentry', from: null, reason: 'TCP SYN/Normal scan', port: 11 }],
  [
    'a reason',
    { note: { reason: 'abuse', from: null } },
    { source: 'by hand', from: null, reason: 'abuse', port: null },
  ],
  [
    'another server',
    { note: { reason: null, from: 'web-1' } },
    { source: 'another server', from: 'web-1', reason: null, port: null },
  ],
])('what a ban is for if fail2ban has noted %s, whatever the host scanned before', (_, more, expected) => {
  const where = { ...everywhere, 'blocked-file': [], fail2ban: [{ ...jailed(A), ...more }] }
  expect(view(stores(where), [scan(T - MINUTE, 11)])).toMatchObject([expected])
})

/** In which stores a host is said to be missing, with what is there. */
const missing = (bans: Parameters<typeof stores>[0], unexpected: BanStore[] = [], scans: Scan[] = []) =>
  view(stores(bans, unexpected), scans).map(({ source, missing: lacking }) => [source, ...lacking].join(' '))

describe('is missing', () => {
  test.each<[string, Parameters<typeof stores>[0], BanStore[], string[]]>([
    ['nowhere', everywhere, [], ['portsentry']],
    ['in the firewall', { ...everywhere, firewall: [] }, [], ['portsentry firewall']],
    ['in hosts.deny', { ...everywhere, 'hosts.deny': [] }, [], ['portsentry hosts.deny']],
    ['in the blocked file', { ...everywhere, 'blocked-file': [] }, [], ['by hand blocked-file']],
    ['in fail2ban', { ...everywhere, fail2ban: [] }, [], ['portsentry fail2ban']],
    ['not where it need not be', { ...everywhere, firewall: [] }, ['firewall'], ['portsentry']],
    ['not where nobody looked', { ...everywhere, firewall: null }, [], ['portsentry']],
    ["not, of the admin's own rule", { firewall: [ban(A)] }, [], ['by hand']],
    ['of a ban by hand', { fail2ban: [jailed(A)] }, [], ['by hand blocked-file hosts.deny firewall']],
    ['of both', { fail2ban: [jailed(A)], firewall: [ban(A)] }, [], ['by hand blocked-file hosts.deny']],
    ['nobody', {}, [], []],
  ])('%s', (_, bans, unexpected, expected) => expect(missing(bans, unexpected)).toEqual(expected))

  it('of a ban that the history knows', () => {
    expect(missing({ firewall: [ban(A)] }, [], [scan(T, 1)])).toEqual([
      'portsentry fail2ban blocked-file hosts.deny',
    ])
  })
})

describe('port and times', () => {
  const cause = (bans: Parameters<typeof stores>[0], scans: Scan[]) =>
    view(stores(bans), scans).map(({ port, sinceMs, reason }) => [port, sinceMs && sinceMs - T, reason])
  const SYN = 'TCP SYN/Normal scan'

  test.each<[string, Parameters<typeof stores>[0], Scan[], unknown[]]>([
    ['nothing is known', { 'hosts.deny': [ban(A)] }, [], [null, null, null]],
    ['the blocked file knows', { firewall: [ban(A)], 'blocked-file': [blocked(A)] }, [], [11, 0, null]],
    [
      'the first packet of the scan',
      { fail2ban: [jailed(A)] },
      [scan(T - 200, 1), scan(T - 100, 7)],
      [1, -200, SYN],
    ],
    ['fail2ban rounds down', { fail2ban: [jailed(A)] }, [scan(T + 900, 1)], [1, 0, SYN]],
    [
      'an older scan is another one',
      { fail2ban: [jailed(A)] },
      [scan(T - DAY, 1), scan(T - 100, 7)],
      [7, -100, SYN],
    ],
    [
      'a later scan is not its cause',
      { fail2ban: [jailed(A)] },
      [scan(T - 100, 7), scan(T + DAY, 9)],
      [7, -100, SYN],
    ],
    ['only an older scan', { fail2ban: [jailed(A)] }, [scan(T - 3 * DAY, 1), scan(T - DAY, 7)], [7, 0, SYN]],
    ['no time but the history’s', { 'hosts.deny': [ban(A)] }, [scan(T, 1), scan(T + 5, 7)], [1, 0, SYN]],
    [
      'banned, released and banned again: the present ban’s scan',
      { 'hosts.deny': [ban(A)] },
      [scan(T - DAY, 1), scan(T - 100, 7), scan(T, 9)],
      [7, -100, SYN],
    ],
    [
      'a line that an earlier ban left in the blocked file',
      { fail2ban: [jailed(A)], 'blocked-file': [blocked(A, T - DAY, 11)] },
      [],
      [null, 0, null],
    ],
    [
      'such a line beside that of this ban',
      { firewall: [ban(A)], 'blocked-file': [blocked(A, T - DAY, 11), blocked(A, T, 7)] },
      [],
      [7, 0, null],
    ],
    [
      'a newer line does not make a newer ban while fail2ban holds the host',
      { fail2ban: [jailed(A)], 'blocked-file': [blocked(A, T + DAY, 7)] },
      [],
      [7, 0, null],
    ],
    ['others’ scans', { fail2ban: [jailed(A)] }, [scan(T, 1, B)], [null, 0, null]],
    [
      'two modes',
      { firewall: [ban(A)], 'blocked-file': [blocked(A, T + 5, 7), blocked(A)] },
      [],
      [7, 0, null],
    ],
  ])('%s', (_, bans, scans, expected) => expect(cause(bans, scans)).toEqual([expected]))

  it('ends when fail2ban lets go, or never', () => {
    const until = (bans: Parameters<typeof stores>[0]) => view(stores(bans)).map(({ untilMs }) => untilMs)
    expect(until(everywhere)).toEqual([T + DAY])
    expect(until({ fail2ban: [ban(A, { sinceMs: T })] })).toEqual(['permanent'])
    expect(until({ firewall: [ban(A)] })).toEqual(['permanent'])
    expect(until({ firewall: [ban(A, { untilMs: T })] })).toEqual([T])
    expect(until({ fail2ban: null, firewall: [ban(A)] })).toEqual([null])
  })
})

describe('guesses nothing about what could not be read', () => {
  const unread = (store: BanStore): StoreReading => ({ ...reading(store, null), state: 'incomplete' })
  const sourceOf = (bans: Parameters<typeof stores>[0], unknown: BanStore[], scans: Scan[] | null) =>
    judgeBans(
      stores(bans).map((each) => (unknown.includes(each.store) ? unread(each.store) : each)),
      scans,
      () => null,
    ).map(({ source, missing: lacking }) => [source, ...lacking].join(' '))

  test.each<[string, Parameters<typeof stores>[0], BanStore[], Scan[] | null, string[]]>([
    ['the history', { firewall: [ban(A)] }, [], null, ['unknown']],
    [
      'fail2ban, which writes hosts.deny too',
      { 'hosts.deny': [ban(A)] },
      ['fail2ban'],
      [],
      ['unknown blocked-file firewall'],
    ],
    [
      'what is not needed to tell',
      { 'hosts.deny': [ban(A)], 'blocked-file': [blocked(A)] },
      ['fail2ban', 'firewall'],
      null,
      ['portsentry'],
    ],
    ['nothing', { firewall: [ban(A)] }, [], [], ['by hand']],
  ])('%s', (_, bans, unknown, scans, expected) => expect(sourceOf(bans, unknown, scans)).toEqual(expected))
})

it('lists each host once, the longest banned first, those without a time last', () => {
  const readings = stores({
    fail2ban: [jailed(B, T + 5), jailed(A)],
    firewall: [ban('192.0.2.1'), ban(A), ban(B), ban(A)],
  })
  expect(view(readings).map(({ address }) => address)).toEqual([A, B, '192.0.2.1'])
})

it('does not list a host that portsentry alone has noted: that keeps nobody out', () => {
  expect(view(stores({ 'blocked-file': [blocked(A)] }))).toEqual([])
})

it('marks the hosts that are protected', () => {
  const rows = judgeBans(stores({ firewall: [ban(A), ban(B)] }), [], (address) =>
    address === A ? 'config.env:1' : null,
  )
  expect(rows.map((row: BanRow) => row.protectedBy)).toEqual(['config.env:1', null])
})
