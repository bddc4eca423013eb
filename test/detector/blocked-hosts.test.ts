import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { blockedRecord, createBlockedHosts } from '../../src/detector/blocked-hosts.ts'
import { runs } from '../fast-check.ts'
import { address } from './daemon.ts'

const line = (name: string, host = name): string =>
  `1795288592 - 11/21/2026 19:16:32 Host: ${name}/${host} Port: 11 TCP Blocked\n`

const has = (content: string | Uint8Array, host: string): boolean => {
  const hosts = createBlockedHosts(1000)
  hosts.append(content)
  return hosts.has(address(host))
}

describe('1.2', () => {
  test.each<[string, string, boolean]>([
    [line('203.0.113.9'), '203.0.113.9', true],
    [line('203.0.113.9'), '3.0.113.9', true],
    [line('203.0.113.9'), '203.0.113.90', false],
    [line('203.0.113.90'), '203.0.113.9', false],
    [line('203.0.113.9'), '0.113.9.0', false],
    [line('192.168.1.1'), '92.168.1.1', true],
    [line('192.168.1.1'), '2.168.1.1', true],
    [line('192.168.1.1'), '168.1.1.0', false],
    // 03.0.113.9 is not an address.
    [line('103.0.113.9'), '3.0.113.9', true],
    [line('scanner.example', '203.0.113.9'), '203.0.113.9', true],
    // Only the first place counts: a name that holds the address is followed by a dot.
    [line('203.0.113.9.example', '203.0.113.9'), '203.0.113.9', false],
    [line('9.113.0.203.in-addr.example', '203.0.113.9'), '203.0.113.9', true],
    ['', '203.0.113.9', false],
    ['203.0.113.9', '203.0.113.9', true],
    [`${line('198.51.100.1')}${line('203.0.113.9')}`, '203.0.113.9', true],
    // fgets reads 1023 characters at a time.
    [`${'x'.repeat(1017)}203.0.113.9 \n`, '203.0.113.9', false],
    [`${'x'.repeat(1023)}203.0.113.9 \n`, '203.0.113.9', true],
    ['\0\n\n\r\xff', '203.0.113.9', false],
  ])('line %#: %2$s %3$s', (content, host, expected) => expect(has(content, host)).toBe(expected))

  it('is what IsBlocked() does, for any line', () => {
    const isBlocked = (text: string, host: string): boolean => {
      const at = text.indexOf(host)
      return at !== -1 && /^[\d.]*/.exec(text.slice(at))?.[0] === host
    }
    const octet = fc.constantFrom(0, 1, 3, 11, 13, 103, 113, 203, 255)
    const host = fc.array(octet, { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join('.'))
    const piece = fc.oneof(host, fc.constantFrom('.', '1', '0', ' ', '/', 'x'))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), host, (pieces, target) => {
        const text = `${pieces.join('')} \n`
        expect(has(text, target)).toBe(isBlocked(text, target))
      }),
      { numRuns: runs(2000) },
    )
  })

  it('knows the same hosts without the line', () => {
    const octet = fc.nat({ max: 255 })
    const hosts = fc.array(octet, { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(hosts, octet, (source, first) => {
        const [added, read] = [createBlockedHosts(10), createBlockedHosts(10)]
        added.add(source, '1.2')
        read.append(line(source.join('.')))
        for (const asked of [first, source[0] ?? 0, (source[0] ?? 0) % 10, (source[0] ?? 0) % 100]) {
          const other = [asked, ...source.slice(1)]
          expect(added.has(other), other.join('.')).toBe(read.has(other))
        }
      }),
      { numRuns: runs(2000) },
    )
  })

  it('follows the file', () => {
    const hosts = createBlockedHosts(10)
    hosts.append(line('203.0.113.9'))
    hosts.replace(line('198.51.100.1'))
    expect([hosts.has(address('203.0.113.9')), hosts.has(address('198.51.100.1'))]).toEqual([false, true])
    hosts.replace('')
    expect(hosts.size()).toBe(0)
  })
})

describe('2.x', () => {
  const four = [2, 0, 203, 0, 113, 9]
  const six = [10, 0, ...address('2001:db8::9')]

  test.each<[string, number[], number]>([
    ['nothing', [], 0],
    ['one', four, 1],
    ['both', [...four, ...six], 2],
    ['a cut address', [...four, 2, 0, 1, 2], 1],
    ['a cut family', [...four, 2], 1],
    ['a family in the other byte order', [0, 2, 203, 0, 113, 9, ...four], 0],
    ['an unknown family', [...four, 3, 0, 1, 2, 3, 4, ...six], 1],
  ])('%s', (_, bytes, count) => {
    const hosts = createBlockedHosts(10)
    hosts.append(Uint8Array.from(bytes))
    expect(hosts.size()).toBe(count)
  })

  it('knows the hosts exactly', () => {
    expect(has(Uint8Array.from(four), '203.0.113.9')).toBe(true)
    expect(has(Uint8Array.from(four), '3.0.113.9')).toBe(false)
    expect(has(Uint8Array.from(six), '2001:db8::9')).toBe(true)
  })

  it('reads what it writes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    )
    fc.assert(
      fc.property(bytes, (host) => {
        const hosts = createBlockedHosts(10)
        hosts.append(blockedRecord([...host]))
        expect(hosts.has([...host])).toBe(true)
      }),
    )
  })
})

it('forgets the oldest beyond its bound', () => {
  const hosts = createBlockedHosts(2)
  for (const host of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.3'])
    hosts.append(blockedRecord(address(host)))
  expect(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((host) => hosts.has(address(host)))).toEqual([
    false,
    true,
    true,
  ])
})
