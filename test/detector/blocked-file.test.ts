import fc from 'fast-check'
import { expect, it, test } from 'vitest'
import { parseBlockedFile, withoutBlocked } from '../../src/detector/blocked-file.ts'
import { blockedRecord, createBlockedHosts } from '../../src/detector/blocked-hosts.ts'
import { address } from './daemon.ts'

const line = (host: string, name = host) =>
  `1795288592 - 11/21/2026 19:16:32 Host: ${name}/${host} Port: 11 TCP Blocked\n`
const record = (host: string) => String.fromCharCode(...blockedRecord(address(host)))

const A = '203.0.113.9'
const B = '3.0.113.9'
const SIX = '2001:db8::9'

test.each<[string, string, '1.2' | '2.x', string]>([
  ['nothing', '', '1.2', ''],
  ['its line', line(A), '1.2', ''],
  [
    'its line alone',
    line('192.0.2.1') + line(A) + line('192.0.2.2'),
    '1.2',
    line('192.0.2.1') + line('192.0.2.2'),
  ],
  ['each of its lines', line(A) + line(A), '1.2', ''],
  ['a line whose end is its text', line(`2${A}`.replace('2203', '103')), '1.2', line('103.0.113.9')],
  ['an address that begins with it', line(`${A}0`), '1.2', line(`${A}0`)],
  ['a line that only names it', line('192.0.2.1', A), '1.2', ''],
  ['a name that holds it', line('192.0.2.1', `${A}.example`), '1.2', line('192.0.2.1', `${A}.example`)],
  ['what somebody wrote by hand', `${A}\n`, '1.2', ''],
  ['an unfinished line', `${line('192.0.2.1')}x ${A}`, '1.2', line('192.0.2.1')],
  ['its record', record(A), '2.x', ''],
  ['its record alone', record(SIX) + record(A) + record(B), '2.x', record(SIX) + record(B)],
  ['what cannot be read', `${record(A)}\x02\x00\xff`, '2.x', '\x02\x00\xff'],
])('takes %s', (_, text, dialect, expected) => {
  expect(withoutBlocked(text, new Set([A]), dialect)).toBe(expected)
})

it('lists the hosts of both', () => {
  expect(parseBlockedFile(line(A) + line(B), '1.2').map(({ host, port }) => [host, port])).toEqual([
    [A, 11],
    [B, 11],
  ])
  expect(parseBlockedFile(record(A) + record(SIX), '2.x')).toEqual([{ host: A }, { host: SIX }])
})

it('has the daemon forget these hosts and no others', () => {
  const host = fc.ipV4()
  fc.assert(
    fc.property(fc.uniqueArray(host), fc.uniqueArray(host), (gone, kept) => {
      const stay = kept.filter((one) => !gone.includes(one))
      for (const [dialect, entry] of [
        ['1.2', line],
        ['2.x', record],
      ] as const) {
        const text = [...stay, ...gone].map((one) => entry(one)).join('')
        const left = withoutBlocked(text, new Set(gone), dialect)
        expect(parseBlockedFile(left, dialect).map((one) => one.host)).toEqual(stay)
        const hosts = createBlockedHosts(1000)
        hosts.append(dialect === '1.2' ? left : Uint8Array.from(left, (char) => char.charCodeAt(0)))
        expect(stay.every((one) => hosts.has(address(one)))).toBe(true)
      }
    }),
  )
})
