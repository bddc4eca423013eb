import { isIP } from 'node:net'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import {
  broadcastOf,
  contains,
  createMatcher,
  formatAddress,
  formatCidr,
  formatNetmask,
  hasHostBits,
  isHost,
  isIPv4,
  isWithin,
  type Network,
  networkOf,
  parseAddress,
  parseNetmask,
  parseNetwork,
  withoutContained,
} from '../src/network.ts'
import { runs } from './fast-check.ts'

const net = (text: string): Network => parseNetwork(text) as Network
const cidr = (network: Network | null) => network && formatCidr(network)

describe('parseNetwork', () => {
  it.each<[string, string | null]>([
    ['10.0.0.1', '10.0.0.1/32'],
    ['10.0.0.1/24', '10.0.0.1/24'],
    ['10.0.0.1/0', '10.0.0.1/0'],
    ['10.0.0.0/255.255.255.0', '10.0.0.0/24'],
    ['10.0.0.0/0.0.0.0', '10.0.0.0/0'],
    ['10.0.0.0/255.255.255.255', '10.0.0.0/32'],
    ['::', '::/128'],
    ['FD00:0:0:0::1/64', 'fd00::1/64'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
    ['::ffff:10.0.0.1', '::ffff:a00:1/128'],
    ['::10.0.0.1', '::a00:1/128'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221/128'],
    ['', null],
    ['/', null],
    ['10.0.0.1/', null],
    ['10.0.0.1/33', null],
    ['10.0.0.1/08', null],
    ['10.0.0.1/-1', null],
    ['10.0.0.1/+8', null],
    ['10.0.0.1/8.0', null],
    ['10.0.0.1/24/24', null],
    ['10.0.0.1/255.0.255.0', null],
    ['10.0.0.1/0.0.0.255', null],
    ['fd00::/129', null],
    ['fd00::/255.255.0.0', null],
    ['fd00::/ffff::', null],
    ['[fd00::]/64', null],
    ['10.0.0', null],
    ['10.0.0.256', null],
    ['10.0.0.01', null],
    ['0x0a.0.0.1', null],
    ['167772161', null],
    [' 10.0.0.1', null],
    ['10.0.0.1\n', null],
    ['10.0.0.1 ', null],
    ['1::2::3', null],
    [':::', null],
    ['fe80::1%eth0', null],
    ['::ffff:10.0.0.256', null],
    ['::999.0.0.1', null],
    ['1.2.3.4::', null],
    ['1:2:3:4:5:6:7:10.0.0.1', null],
    ['1:2:3:4:5:6:10.0.0.1', '1:2:3:4:5:6:a00:1/128'],
    ['::10.0.0.01', null],
    ['1:2:3:4:5:6:7', null],
    ['1:2:3:4:5:6:7:8:9', null],
    ['12345::', null],
    ['localhost', null],
  ])('%j is %j', (text, expected) => expect(cidr(parseNetwork(text))).toBe(expected))

  it.each([
    ['0.0.0.0', 0],
    ['128.0.0.0', 1],
    ['255.255.255.254', 31],
    ['255.255.255.255', 32],
    ['255.255.0.255', null],
    ['0.0.0.1', null],
    ['255.255.255.0.0', null],
    ['24', null],
    ['ffff::', null],
  ])('the netmask %s has %s bits', (text, bits) => expect(parseNetmask(text)).toBe(bits))
})

describe('networks', () => {
  it.each<[string, string, boolean, string | null]>([
    ['192.168.1.10/24', '192.168.1.0/24', true, '192.168.1.255'],
    ['192.168.1.0/24', '192.168.1.0/24', false, '192.168.1.255'],
    ['10.200.3.4/9', '10.128.0.0/9', true, '10.255.255.255'],
    ['10.0.0.5/30', '10.0.0.4/30', true, '10.0.0.7'],
    ['10.0.0.5/31', '10.0.0.4/31', true, null],
    ['10.0.0.5', '10.0.0.5/32', false, null],
    ['255.255.255.255/0', '0.0.0.0/0', true, '255.255.255.255'],
    ['2001:db8::1/64', '2001:db8::/64', true, null],
    ['2001:db8::ffff/113', '2001:db8::8000/113', true, null],
    ['::1', '::1/128', false, null],
  ])('%s is in %s, host bits: %s, broadcast: %s', (text, network, hostBits, broadcast) => {
    expect(cidr(networkOf(net(text)))).toBe(network)
    expect(hasHostBits(net(text))).toBe(hostBits)
    const last = broadcastOf(net(text))
    expect(last && formatAddress(last)).toBe(broadcast)
  })

  it.each<[string, string, boolean]>([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '10.0.0.0/8', true],
    ['10.0.0.0/8', '10.0.0.0/7', false],
    ['10.9.9.9/8', '10.1.1.1/24', true],
    ['10.0.0.0/9', '10.128.0.0/9', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['::/0', '10.0.0.1', false],
    ['0.0.0.0/0', '::1', false],
    ['fd00::/8', 'fdff::1', true],
    ['fd00::/9', 'fd80::', false],
  ])('%s contains %s: %s', (outer, inner, expected) =>
    expect(contains(net(outer), net(inner))).toBe(expected),
  )

  it.each<[string, boolean]>([
    ['10.1.2.3', true],
    ['10.200.0.1', false],
    ['192.168.1.20', true],
    ['192.168.1.21', false],
    ['255.0.0.1', false],
    ['2001:db8:1::9', true],
    ['2001:DB8:0001::/64', true],
    ['2001:db8::/32', false],
    ['10.1.0.0/16', true],
    ['10.0.0.0/8', false],
    ['nonsense', false],
  ])('the matcher of some networks says of %s: %s', (text, expected) => {
    const networks = ['10.0.0.7/9', '192.168.1.20', '2001:db8:1::/48', '0.0.0.0/32'].map(net)
    expect(createMatcher(networks)(text)).toBe(expected)
    expect(createMatcher([...networks, net('0.0.0.0/0'), net('::/0')])(text)).toBe(text !== 'nonsense')
  })

  it.each([
    ['10.0.0.1', '255.255.255.255', true],
    ['10.0.0.0/20', '255.255.240.0', false],
    ['10.0.0.0/0', '0.0.0.0', false],
  ])('%s has the netmask %s', (text, mask, host) => {
    expect(formatNetmask(net(text))).toBe(mask)
    expect(isHost(net(text))).toBe(host)
    expect(isIPv4(net(text))).toBe(true)
  })

  it.each<[string, string]>([
    ['', ''],
    ['10.0.0.1 10.0.0.1', '10.0.0.1/32'],
    ['10.0.0.1 10.0.0.0/24 10.0.0.2', '10.0.0.0/24'],
    ['10.0.0.0/24 10.0.0.9/24', '10.0.0.0/24'],
    ['10.0.0.9/24 10.0.0.0/24', '10.0.0.9/24'],
    ['::1 10.0.0.0/8 127.0.0.0/8 10.0.0.0/16 fd00::/8 fd00::1', '::1/128 10.0.0.0/8 127.0.0.0/8 fd00::/8'],
    ['10.0.0.0/16 10.0.0.0/8 10.0.0.0/24', '10.0.0.0/8'],
  ])('%j without what is contained is %j', (list, expected) =>
    expect(withoutContained(list.split(' ').filter(Boolean).map(net)).map(formatCidr).join(' ')).toBe(
      expected,
    ),
  )
})

describe('laws', () => {
  const network = fc.oneof(
    fc.record({ bytes: fc.uint8Array({ minLength: 4, maxLength: 4 }), prefix: fc.integer({ min: 0, max: 32 }) }),
    fc.record({ bytes: fc.uint8Array({ minLength: 16, maxLength: 16 }), prefix: fc.integer({ min: 0, max: 128 }) }),
    fc.record({
      // Runs of zeros, as IPv6 text compresses them.
      bytes: fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }),
      prefix: fc.integer({ min: 0, max: 128 }),
    }),
  ).map(({ bytes, prefix }): Network => ({ bytes: [...bytes], prefix })) // biome-ignore format: a table

  it('a network contains its hosts, and nothing has host bits after networkOf', () => {
    fc.assert(
      fc.property(network, (one) => {
        expect(contains(networkOf(one), one)).toBe(true)
        expect(contains(one, networkOf(one))).toBe(true)
        expect(hasHostBits(networkOf(one))).toBe(false)
        expect(networkOf(networkOf(one))).toEqual(networkOf(one))
        expect(parseNetwork(formatCidr(one))).toEqual(one)
        const last = broadcastOf(one)
        if (last) expect(contains(one, { bytes: last, prefix: 32 })).toBe(true)
      }),
    )
  })

  it('a matcher answers as one network after the other does', () => {
    fc.assert(
      fc.property(fc.array(network), network, (networks, one) => {
        const host = { ...one, prefix: one.bytes.length * 8 }
        const isMatched = createMatcher(networks)
        for (const each of [host, one]) expect(isMatched(formatCidr(each))).toBe(isWithin(networks, each))
        expect(isMatched(formatAddress(one.bytes))).toBe(isWithin(networks, host))
      }),
    )
  })

  it('containment is what the bits say', () => {
    const bits = ({ bytes, prefix }: Network) =>
      bytes
        .map((byte) => byte.toString(2).padStart(8, '0'))
        .join('')
        .slice(0, prefix)
    const close = fc.tuple(network, network, fc.boolean()).map(([a, b, same]) => {
      return [a, same ? { bytes: a.bytes, prefix: Math.min(b.prefix, a.bytes.length * 8) } : b] as const
    })
    fc.assert(
      fc.property(close, ([a, b]) => {
        const expected = a.bytes.length === b.bytes.length && bits(b).startsWith(bits(a))
        expect(contains(a, b)).toBe(expected)
      }),
    )
  })

  it('IPv6 text is canonical, as URLs write it', () => {
    fc.assert(
      fc.property(
        network.filter((one) => !isIPv4(one)),
        ({ bytes }) => {
          expect(`[${formatAddress(bytes)}]`).toBe(new URL(`http://[${formatAddress(bytes)}]/`).hostname)
        },
      ),
    )
  })

  it('takes for an address what Node takes for one', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({
        unit: fc.constantFrom('0', '1', 'f', ':', ':', '.', '::', '25', '256', '%', 'g', '/'),
        maxLength: 12,
      }),
    )
    fc.assert(
      fc.property(text, (one) => {
        expect({ one, is: parseAddress(one) !== null }).toEqual({
          one,
          is: isIP(one) !== 0 && !one.includes('%'),
        })
      }),
      { numRuns: runs(3000) },
    )
  })

  it('what is left covers all, and nothing of it is contained in the rest', () => {
    fc.assert(
      fc.property(fc.array(network, { maxLength: 8 }), (list) => {
        const left = withoutContained(list)
        for (const one of list) expect(left.some((other) => contains(other, one))).toBe(true)
        for (const one of left) expect(left.filter((other) => contains(other, one))).toEqual([one])
      }),
    )
  })

  it.each([
    '1.'.repeat(100_000),
    ':'.repeat(200_000),
    `10.0.0.1/${'1'.repeat(200_000)}`,
    '0:'.repeat(100_000),
    `::${'f'.repeat(200_000)}`,
    `1${':1'.repeat(100_000)}%`,
  ])('200 kB come to an end', (text) => expect(parseNetwork(text)).toBeNull())
})

/** The bytes of an address as ipaddr.js reads it, which takes `::10.0.0.1` for the mapped `::ffff:10.0.0.1`. */
const byLibrary = (text: string): readonly number[] | null => {
  if (!text.includes(':'))
    return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.parse(text).toByteArray() : null
  const tail = text.slice(text.lastIndexOf(':') + 1)
  if (tail.includes('.') && !ipaddr.IPv4.isValidFourPartDecimal(tail)) return null
  const [a = 0, b = 0, c = 0, d = 0] = tail.includes('.') ? tail.split('.').map(Number) : []
  const groups = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  const whole = tail.includes('.') ? text.slice(0, -tail.length) + groups : text
  return !text.includes('%') && ipaddr.IPv6.isValid(whole) ? ipaddr.IPv6.parse(whole).toByteArray() : null
}

/** Addresses, most of them valid, and texts that are nearly one. */
const nearlyAddress = fc
  .tuple(
    fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc
        .array(fc.constantFrom('0', '1', 'fe80', 'FFFF', '12345', '', 'g', '10.0.0.1'), { maxLength: 9 })
        .map((parts) => parts.join(':')),
    ),
    fc.option(fc.tuple(fc.nat(40), fc.constantFrom('', ':', '::', '.', '0', '%1', ' ', 'x')), { freq: 2 }),
  )
  .map(([text, change]) =>
    change === null ? text : text.slice(0, change[0]) + change[1] + text.slice(change[0] + 1),
  )

it('reads and writes addresses as a library does', () => {
  fc.assert(
    fc.property(nearlyAddress, (text) => {
      const bytes = byLibrary(text)
      expect(parseAddress(text)).toEqual(bytes)
      if (bytes !== null) expect(formatAddress(bytes)).toBe(ipaddr.fromByteArray([...bytes]).toString())
    }),
    { numRuns: 3000 },
  )
})
