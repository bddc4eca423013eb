import { expect, test } from 'vitest'
import { readNameServers } from '../../src/documents/resolv-conf.ts'

test.each<[string, string, string[]]>([
  ['nothing', '', []],
  ['in order', 'nameserver 192.0.2.53\nnameserver\t2001:db8::53\n', ['192.0.2.53', '2001:db8::53']],
  [
    'glibc asks three',
    'nameserver 1.1.1.1\nnameserver 1.1.1.1\nnameserver 1.1.1.1\nnameserver 9.9.9.9\n',
    Array(3).fill('1.1.1.1'),
  ],
  ['comments and other words', '# nameserver 192.0.2.1\n nameserver 192.0.2.2\nsearch example\n', []],
  ['what stands behind it', 'nameserver 192.0.2.53 # ours\r\n', ['192.0.2.53']],
  ['an interface', 'nameserver fe80::1%eth0\n', ['fe80::1']],
])('%s', (_, text, expected) => {
  expect(readNameServers(text)).toEqual(expected)
})
