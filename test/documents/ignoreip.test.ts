import { expect, it } from 'vitest'
import {
  type IgnoreFile,
  ignoreFilePath,
  judgeIgnoreip,
  parseIgnoreFile,
} from '../../src/documents/ignoreip.ts'
import { type Network, parseNetwork } from '../../src/network.ts'

it.each([
  ['file:/etc/friends', '/etc/friends'],
  ['file:///etc/friends', '/etc/friends'],
  // As fail2ban 1.1.1 prints it.
  ['file://etc/friends', '/etc/friends'],
  ['file:etc/friends', '/etc/friends'],
  ['file:/etc/fail2ban/../friends', '/etc/friends'],
  ['file:', null],
  ['/etc/friends', null],
  ['FILE:/etc/friends', null],
  ['192.0.2.1', null],
])('%s names %s', (entry, path) => expect(ignoreFilePath(entry)).toBe(path))

const FRIENDS = '# ours\n192.0.2.1 ; at home\n198.51.100.0/24,office.example\n;192.0.2.9\n\t# 192.0.2.9\n'

it('reads a file as fail2ban does', () => {
  expect(parseIgnoreFile(FRIENDS)).toEqual([
    { entry: '192.0.2.1', line: 2 },
    { entry: '198.51.100.0/24', line: 3 },
    { entry: 'office.example', line: 3 },
  ])
})

const FILES = new Map<string, IgnoreFile>([
  ['/etc/friends', { text: FRIENDS }],
  ['/etc/gone', { reason: 'does not exist' }],
])
const GONE = 'ignoreip names /etc/gone, which does not exist'
const CACHED = 'ignoreip names /etc/new, which was not read'

it.each<[list: string, host: string, entry: string | null, at: string | null, unread: string[]]>([
  ['These are ignored:\n|- 127.0.0.0/8\n`- 192.0.2.0/24\n', '192.0.2.1', '192.0.2.0/24', null, []],
  ['127.0.0.1/8, 192.0.2.1', '192.0.2.1', '192.0.2.1', null, []],
  ['localhost 198.51.100.0/24', '192.0.2.1', null, null, []],
  ['', '192.0.2.1', null, null, []],
  ['file:/etc/friends', '192.0.2.1', '192.0.2.1', '/etc/friends:2', []],
  ['file:/etc/gone file:///etc/friends', '198.51.100.7', '198.51.100.0/24', '/etc/friends:3', []],
  ['file:/etc/friends', '192.0.2.9', null, null, []],
  ['file:/etc/gone file:/etc/new', '192.0.2.1', null, null, [GONE, CACHED]],
  ['file:/etc/gone 192.0.2.1', '192.0.2.1', '192.0.2.1', null, []],
])('%j and %s', (list, host, entry, at, unread) => {
  expect(judgeIgnoreip(list, parseNetwork(host) as Network, FILES)).toEqual({ entry, at, unread })
})

it('is without the files where fail2ban does not read any', () => {
  const host = parseNetwork('192.0.2.1') as Network
  expect(judgeIgnoreip('file:/etc/friends', host, null)).toEqual({ entry: null, at: null, unread: [] })
})
