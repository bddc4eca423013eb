import { describe, expect, it, test } from 'vitest'
import { JSON_VERSION } from '../../src/commands/output.ts'
import { parseBanList, reasonOf } from '../../src/policy/ban-list.ts'

const DEFAULTS = { untilMs: 5000, reason: 'abuse' }
const UNTIL = '2026-11-30T12:00:00.000Z'

const row = (more: object = {}) => ({
  ...{ address: '203.0.113.9', source: 'portsentry', from: null, reason: 'TCP SYN/Normal scan' },
  ...{
    port: 23,
    protocol: 'tcp',
    until: UNTIL,
    where: [{ store: 'firewall' }, { store: 'fail2ban' }],
    ...more,
  },
})
const list = (bans: readonly unknown[], more: object = {}) =>
  JSON.stringify({ version: JSON_VERSION, command: 'bans', host: 'web-1', bans, ...more }, null, 2)

const NONE = { untilMs: undefined, reason: null }
const read = (text: string) => parseBanList(text, '/list', /^\s*[{[]/.test(text) ? NONE : DEFAULTS)
const faults = (text: string) =>
  read(text).problems.map(({ message, at }) => `${at.line ?? ''}: ${message}`.replace(/^: /, ''))

test.each([DEFAULTS, { ...NONE, reason: 'abuse' }, { ...NONE, untilMs: 5000 }])(
  'a list with ends and reasons takes no others',
  (defaults) => {
    const { bans, problems } = parseBanList(list([row()]), '/list', defaults)
    expect(bans).toEqual([])
    expect(problems.map(({ hint }) => hint)).toEqual(['leave out --for and --reason'])
  },
)

describe('lines of addresses', () => {
  it('are banned as the command line says, each once', () => {
    const { bans, problems } = read(
      '# ours\n203.0.113.9\r\n\n  2001:DB8::9 # six\n203.0.113.9\n::ffff:203.0.113.8',
    )
    expect(problems).toEqual([])
    expect(bans.map(({ address }) => address)).toEqual(['203.0.113.9', '2001:db8::9', '203.0.113.8'])
    expect(bans[0]).toMatchObject({ untilMs: 5000, leftOut: null, note: { reason: 'abuse', from: null } })
  })

  it('are refused as a whole if one of them is wrong, by its number', () => {
    expect(faults('203.0.113.9\n\n203.0.113.0/24\nmallory\n')).toEqual([
      '3: 203.0.113.0/24 is a network: only single addresses can be banned',
      '4: "mallory" is not an IPv4 or IPv6 address',
    ])
  })

  it('may be none', () => expect(read('# nobody\n')).toEqual({ bans: [], problems: [] }))
})

describe('the document of portward bans', () => {
  const only = (more: object) => read(list([row(more)])).bans[0]

  it('gives each ban its end, what led to it, and the server that it comes from', () => {
    expect(only({})).toEqual({
      ...{ address: '203.0.113.9', untilMs: Date.parse(UNTIL), leftOut: null },
      note: { reason: 'TCP SYN/Normal scan, port 23/tcp', from: 'web-1' },
    })
    expect(only({ until: 'permanent', reason: null, port: null })).toMatchObject({
      ...{ untilMs: null, note: { reason: null } },
    })
  })

  it.each<[string, object, string]>([
    ['the server has from another one', { from: 'web-2' }, 'web-1 has it from web-2'],
    [
      'fail2ban does not have',
      { where: [{ store: 'firewall' }], until: 'permanent' },
      'web-1 bans it without fail2ban, so it has no end',
    ],
    [
      'fail2ban does not have, with a time that is not known',
      { where: [], until: null },
      'web-1 bans it without fail2ban, so it has no end',
    ],
  ])('leaves out what %s', (_, more, why) => expect(only(more)?.leftOut).toBe(why))

  // Its list could not be shared any further: the year 10000 has a sign.
  it('bans permanently until the year 10000', () =>
    expect(only({ until: '9999-12-31T23:59:59-23:59' })?.untilMs).toBeNull())

  it('has each address once, with its latest end', () => {
    const later = '2026-12-01T12:00:00.000Z'
    const ends = (...untils: string[]) =>
      read(list(untils.map((until) => row({ until })))).bans.map(({ untilMs }) => untilMs)
    expect(ends(UNTIL, later)).toEqual([Date.parse(later)])
    expect(ends(later, UNTIL)).toEqual([Date.parse(later)])
    expect(ends(UNTIL, 'permanent', later)).toEqual([null])
  })

  test.each<[string, string, string]>([
    ['cut off', '{\n  "version": 3,\n', '3: is not complete JSON'],
    ['a list', '[]', 'is not a document of portward'],
    [
      'of another command',
      '{"version": 3, "command": "plan"}',
      'is not a document of portward bans, but of plan',
    ],
    ['of another version', list([], { version: 4 }), 'has version 4, not 3'],
    [
      'of a failure',
      '{"version": 3, "command": "bans", "error": {"message": "no disk", "hint": ""}}',
      'says that portward bans failed: no disk',
    ],
    [
      'of a version that is none',
      '{"version": {"toString": 1}, "command": "bans"}',
      'has version something else, not 3',
    ],
    [
      'of a command that is none',
      '{"command": {"toString": 1}}',
      'is not a document of portward bans, but of something else',
    ],
    [
      'of a failure without words',
      '{"version": 3, "command": "bans", "error": {"message": {"toString": 1}}}',
      'says that portward bans failed: something else',
    ],
    [
      'with a long address',
      list([row({ address: 'x'.repeat(1e6) })]),
      `bans[0] has a wrong address: "${'x'.repeat(60)}…" is not an IPv4 or IPv6 address`,
    ],
    ['without bans', '{"version": 3, "command": "bans"}', 'has no list of bans'],
    [
      'of a tree, or of an earlier version',
      list([], { host: null }),
      'does not name the server that it comes from',
    ],
    ['of a strange server', list([], { host: 'a\u001b[2J' }), 'does not name the server that it comes from'],
    ['with a ban that is none', list([row(), 7]), 'bans[1] is not an object'],
    ['without an address', list([row({ address: 7 })]), 'bans[0] has no address'],
    [
      'with a network',
      list([row({ address: '2001:db8::/64' })]),
      'bans[0] has a wrong address: 2001:db8::/64 is a network: only single addresses can be banned',
    ],
    [
      'with an end in local time',
      list([row({ until: '2026-11-30T12:00:00' })]),
      'bans[0] has no end: neither an ISO 8601 time nor "permanent"',
    ],
    [
      'with a reason that is none',
      list([row({ reason: {} })]),
      'bans[0] has a reason or a server that is not a text',
    ],
  ])('says what is wrong with one %s', (_, text, fault) => expect(faults(text)).toEqual([fault]))
})

test.each([
  ['  a\n b\tc ', 'a b c'],
  ['\u001b[2J\u202eevil', '[2J evil'],
  ['', null],
  ['x'.repeat(300), 'x'.repeat(200)],
])('a reason is one line that can be shown: %j', (text, expected) => expect(reasonOf(text)).toBe(expected))
