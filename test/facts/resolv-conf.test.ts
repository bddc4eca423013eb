import { expect, test } from 'vitest'
import { areForwarders, parseResolvConf } from '../../src/facts/resolv-conf.ts'
import { hostsOf } from '../networks.ts'

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
  expect(parseResolvConf(text)).toEqual(expected)
})

test('a local resolver asks all of them', () => {
  const text = 'nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n'
  expect(parseResolvConf(text, Infinity)).toHaveLength(4)
})

test.each<[string[], boolean]>([
  [[], false],
  [['127.0.0.53'], true],
  [['::1', '127.0.0.1'], true],
  [['127.0.0.1', '192.0.2.53'], false],
])('%j are programs on this server: %s', (texts, expected) => {
  expect(areForwarders(hostsOf(...texts))).toBe(expected)
})
