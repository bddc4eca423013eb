import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Daemon } from '../../src/documents/daemon-patterns.ts'
import { applyEdits } from '../../src/documents/edit.ts'
import { decides, parseHostsAccess } from '../../src/documents/hosts-access.ts'
import { removeDenied, setAllowed, setDenyFile } from '../../src/documents/hosts-access-edit.ts'
import { ignored, parseIgnoreList, residueOf, setIgnored } from '../../src/documents/ignore-list.ts'
import { fixEntries, zeroPrefixes } from '../../src/documents/ignore-list-fix.ts'
import { notContaining, notWithin } from '../../src/documents/other-addresses.ts'
import { isWithin, type Network, parseNetwork } from '../../src/network.ts'
import { findLenientRules } from '../../src/policy/lenient-rules.ts'
import { runs } from '../fast-check.ts'
import { HOSTS_ACCESS, IGNORE_LIST } from '../fuzz/arbitraries.ts'

const net = (text: string): Network => parseNetwork(text) as Network

/** Close to each other, so that they often contain one another. */
const octet = fc.constantFrom('10', '0', '192', '168', '1', '11', '100', '255', '08', '256')
const quad = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'))
const mask = fc.constantFrom(
  ...[
    '',
    '',
    '',
    '/32',
    '/31',
    '/24',
    '/16',
    '/15',
    '/12',
    '/8',
    '/1',
    '/0',
    '/33',
    '/024',
    '/24x',
    '//24',
    '/',
  ],
  ...['/255.255.255.0', '/255.255.0.0', '/255.0.0.0', '/255.255.0.255', '/255.255.255.255', '/0.0.0.0'],
)
const ipv6 = fc.constantFrom(
  ...[
    'fd00::1',
    'fd00::',
    'FD00::1',
    'fd00:0:0::1',
    '2001:db8::1',
    '2001:0db8::',
    '::1',
    '::',
    '::ffff:10.0.0.1',
    'fe80::1',
    '1::2::3',
  ],
)
const dotted = fc.tuple(quad, mask).map((parts) => parts.join(''))
const network = fc
  .oneof(
    dotted,
    fc.tuple(ipv6, fc.constantFrom('', '/64', '/10', '/128')).map((parts) => parts.join('')),
  )
  .map(parseNetwork)
  .filter((one) => one !== null)
const networks = fc.array(network, { maxLength: 4 })

const client = fc.oneof(
  { weight: 4, arbitrary: dotted },
  fc
    .tuple(octet, octet, octet)
    .chain((octets) => fc.constantFrom(1, 2, 3).map((n) => `${octets.slice(0, n).join('.')}.`)),
  fc.tuple(ipv6, mask).map(([address, bits]) => `[${address}]${bits}`),
  ipv6,
  fc.constantFrom(
    'host.example',
    '.example.org',
    '.10',
    'ALL',
    'KNOWN',
    'LOCAL',
    '@net',
    '/run/x',
    '10.*',
    'EXCEPT',
    'a.b',
    'x',
  ),
)
const rule = fc
  .tuple(
    fc.constantFrom('ALL', 'sshd', 'sshd, vsftpd', 'ALL EXCEPT sshd', 'sshd@10.0.0.1', '[x', ''),
    fc.constantFrom(':', ' : ', ':\t', ': ,', ' '),
    fc.array(client, { minLength: 1, maxLength: 3 }).map((all) => all.join(', ')),
    fc.constantFrom(
      '',
      '',
      ': DENY',
      ' : DENY',
      ': allow',
      ':',
      ': spawn x\\:y',
      ': x\\',
      '\0',
      ` : ${'x'.repeat(600)}`,
    ),
    fc.constantFrom('\n', '\n', '\n', '\r\n', '\\\n', '\n#\n', '\n# x\\\n', '\n\n', ''),
  )
  .map((parts) => parts.join(''))
const rules = fc.oneof(
  { weight: 3, arbitrary: fc.array(rule, { maxLength: 8 }).map((all) => all.join('')) },
  HOSTS_ACCESS,
)

const entry = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: dotted }, ipv6, client),
    fc.constantFrom('', '', '', ' ', ' # x', '\r'),
  )
  .map((parts) => parts.join(''))
const entries = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .array(fc.oneof(entry, fc.constantFrom('# x', '', '#')), { maxLength: 8 })
      .map((all) => all.join('\n')),
  },
  IGNORE_LIST,
)
const DAEMONS: readonly Daemon[] = [null, 'sshd']
const isObsolete = (text: string): boolean => text === '/' || text.includes('//')

describe('what is passed over makes no difference', () => {
  it('to which clients hosts.allow lets in, how the networks are set, and which rules are lenient', () => {
    fc.assert(
      fc.property(rules, networks, (text, wanted) => {
        const [whole, part] = [parseHostsAccess(text), parseHostsAccess(text, notContaining(wanted, 0))]
        expect({ ...part, rules: [] }).toEqual({ ...whole, rules: [] })
        for (const daemon of DAEMONS)
          for (const one of wanted)
            for (const fallback of ['allow', 'deny'] as const)
              expect(decides(part, one, fallback, daemon)).toBe(decides(whole, one, fallback, daemon))
        const set = (file: typeof whole) => setAllowed(file, wanted, ['sshd'], isObsolete)
        expect(set(part)).toEqual(set(whole))
        const desired = { conf: new Map(), writesDenied: true, libwrapDaemons: ['sshd', 'vsftpd'] }
        expect(findLenientRules(part, desired)).toEqual(findLenientRules(whole, desired))
      }),
      { numRuns: runs(600) },
    )
  })

  it('to which hosts are removed from hosts.deny, and whether it names a file', () => {
    fc.assert(
      fc.property(rules, networks, fc.boolean(), (text, kept, isWanted) => {
        const [whole, part] = [parseHostsAccess(text), parseHostsAccess(text, notWithin(kept, 0))]
        const isKept = (address: string): boolean => {
          const host = parseNetwork(address)
          return host !== null && isWithin(kept, host)
        }
        expect(removeDenied(part, isKept)).toEqual(removeDenied(whole, isKept))
        expect(setDenyFile(part, '/run/x', isWanted)).toEqual(setDenyFile(whole, '/run/x', isWanted))
      }),
      { numRuns: runs(600) },
    )
  })

  it.each(['1.2', '2.x'] as const)('to the ignore list of %s', (dialect) => {
    fc.assert(
      fc.property(entries, networks, (text, wanted) => {
        const [whole, part] = [
          parseIgnoreList(text, dialect),
          parseIgnoreList(text, dialect, notContaining(wanted, 0)),
        ]
        expect(part.faults).toEqual(whole.faults)
        for (const one of wanted) expect(ignored(part, one)).toBe(ignored(whole, one))
        expect(residueOf(part, wanted, isObsolete)).toEqual(residueOf(whole, wanted, isObsolete))
        expect(fixEntries(part, new Set())).toEqual(fixEntries(whole, new Set()))
        expect(zeroPrefixes(part)).toEqual(zeroPrefixes(whole))
        const set = (list: typeof whole) => applyEdits(text, setIgnored(list, wanted, isObsolete))
        expect(set(part)).toBe(set(whole))
      }),
      { numRuns: runs(600) },
    )
  })
})

describe('a long list', () => {
  const numbers = Array.from({ length: 20_000 }, (_, index) => [index >> 8, index & 255] as const)
  const listOf = (line: (high: number, low: number) => string): string =>
    numbers.map(([high, low]) => `${line(high, low)}\n`).join('')
  const LAN = ['10.0.0.0/8', '192.168.1.0/24', '198.51.100.7', '2001:db8:17::/64', '::1', 'fe80::/10'].map(
    net,
  )

  it.each<[string, string]>([
    ['hosts of the LAN', listOf((high, low) => `sshd: 10.0.${high}.${low}`)],
    ['refusals', listOf((high, low) => `ALL: 203.0.${high}.${low} : DENY`)],
    ['several in a line', listOf((high, low) => `sshd, vsftpd: 10.0.${high}.${low}, 10.1.${high}.${low}`)],
    ['networks', listOf((high, low) => `ALL: 10.${high}.${low}.0/255.255.255.0`)],
    ['networks in bits', listOf((high, low) => `ALL: 10.${high}.${low}.0/24 : allow`)],
    ['networks as first octets', listOf((high, low) => `ALL: 10.${high}.${low}.`)],
    ['names', listOf((high, low) => `sshd: host${low}.net-${high}.example.org`)],
    ['IPv6', listOf((high, low) => `sshd: [2001:db8:18:${high}::${low}]`)],
    ['comments', listOf((high, low) => `# ${high} ${low}`)],
  ])('of %s in hosts.allow leaves no rules to look at', (_, text) => {
    expect(parseHostsAccess(text, notContaining(LAN, 0)).rules).toEqual([])
    const { rules: found } = parseHostsAccess(`${text}ALL: 192.168.1.\n${text}`, notContaining(LAN, 0))
    expect(found.map(({ line, clients }) => [line, clients])).toEqual([[20_001, ['192.168.1.']]])
  })

  it.each<[string, string]>([
    ['hosts', listOf((high, low) => `10.0.${high}.${low}`)],
    ['networks', listOf((high, low) => `10.${high}.${low}.0/24`)],
    ['IPv6', listOf((high, low) => `2001:db8:18:${high}::${low}`)],
    ['comments', listOf((high, low) => `# ${high} ${low}`)],
  ])('of %s in the ignore list leaves no entries', (_, text) => {
    expect(parseIgnoreList(text, '2.x', notContaining(LAN, 0)).entries).toEqual([])
    const list = parseIgnoreList(`${text}192.168.1.0/24\n${text}`, '2.x', notContaining(LAN, 0))
    expect(list.entries.map(({ line, raw }) => [line, raw])).toEqual([[20_001, '192.168.1.0/24']])
  })

  it('of protected hosts, more than a regular expression should have, is still right', () => {
    const hosts = numbers.slice(0, 2000).map(([high, low]) => net(`10.${high}.${low}.1`))
    const file = parseHostsAccess('ALL: 10.1.1.1\nALL: 10.99.1.1\nALL: 11.0.0.1\n', notWithin(hosts, 0))
    expect(file.rules.map(({ clients }) => clients.join())).toContain('10.1.1.1')
    expect(file.rules.map(({ clients }) => clients.join())).not.toContain('11.0.0.1')
  })
})
