import { describe, expect, it } from 'vitest'
import { parseSockets } from '../../src/facts/procfs.ts'
import { findSshClients, isSshListener, parseSshConnection } from '../../src/facts/ssh.ts'

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'

/** A line as the kernel prints it; addresses are hexadecimal, ports decimal. */
const row = (local: string, port: number, peer: string, state: string, inode: number): string =>
  `   0: ${local}:${port.toString(16).toUpperCase().padStart(4, '0')} ${peer}:D431 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`

const ANY = '00000000'
const ANY6 = '0'.repeat(32)
const SERVER = '0A01A8C0'
const CLIENT = '0771A8C0'

describe('SSH_CONNECTION', () => {
  it.each([
    [
      'A=1\0SSH_CONNECTION=198.51.100.7 51000 192.168.1.10 2222\0B=2\0',
      { client: '198.51.100.7', port: 2222 },
    ],
    ['SSH_CONNECTION=fe80::7%eth0 51000 fe80::1%eth0 22', { client: 'fe80::7', port: 22 }],
    ['SSH_CONNECTION=198.51.100.7 odd', { client: '198.51.100.7', port: null }],
    ['MY_SSH_CONNECTION=198.51.100.7 1 x 22', null],
    ['SSH_CONNECTION=', null],
    ['', null],
  ])('%j', (environment, expected) => expect(parseSshConnection(environment)).toEqual(expected))
})

it.each([
  ['sshd', 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups', true],
  ['sshd', '/usr/sbin/sshd -D', true],
  ['sshd', 'sshd: root@pts/0', false],
  ['sshd', 'sshd: root [priv]', false],
  ['nginx', '/usr/sbin/nginx', false],
])('%s, %s', (name, commandLine, expected) =>
  expect(isSshListener({ name, args: [commandLine] })).toBe(expected),
)

const mapped = `0000000000000000FFFF0000${CLIENT}`
const loopback6 = '00000000000000000000000001000000'

const CLIENTS: [string, string | null, string, string[], string[]][] = [
  ['nobody', null, row(ANY, 22, ANY, '0A', 1), ['1'], []],
  ['this session alone', '198.51.100.7 51000 192.168.1.10 22', '', [], ['198.51.100.7']],
  [
    'this session first, and others, each once',
    '198.51.100.7 51000 192.168.1.10 22',
    row(SERVER, 22, CLIENT, '01', 8) +
      row(SERVER, 22, CLIENT, '01', 9) +
      row(SERVER, 22, '076433C6', '01', 9),
    [],
    ['198.51.100.7', '192.168.113.7'],
  ],
  [
    'a session at the port where sshd listens',
    null,
    row(ANY, 2222, ANY, '0A', 1) + row(SERVER, 2222, CLIENT, '01', 8) + row(SERVER, 22, '076433C6', '01', 9),
    ['1'],
    ['192.168.113.7'],
  ],
  [
    'a session at port 22, where sockets cannot be told',
    null,
    row(SERVER, 22, CLIENT, '01', 8),
    [],
    ['192.168.113.7'],
  ],
  [
    'one at the port that this session came to',
    '198.51.100.7 51000 192.168.1.10 2200',
    row(SERVER, 2200, CLIENT, '01', 8),
    [],
    ['198.51.100.7', '192.168.113.7'],
  ],
  ['other services', null, row(SERVER, 443, CLIENT, '01', 8), [], []],
  ['an IPv4 client of a dual-stack socket', null, row(ANY6, 22, mapped, '01', 8), [], ['192.168.113.7']],
  [
    'the same, as the environment has it',
    '::ffff:192.168.113.7 51000 ::ffff:192.168.1.10 22',
    row(SERVER, 22, CLIENT, '01', 8),
    [],
    ['192.168.113.7'],
  ],
  [
    'loopback',
    '127.0.0.1 51000 127.0.0.1 22',
    row(SERVER, 22, '0100007F', '01', 8) + row(ANY6, 22, loopback6, '01', 8),
    [],
    [],
  ],
  ['not an address', 'UNKNOWN 65535 UNKNOWN 65535', '', [], []],
]

it.each(CLIENTS)('SSH clients: %s', (_, connection, table, inodes, expected) => {
  const own = connection === null ? null : parseSshConnection(`SSH_CONNECTION=${connection}\0`)
  const sockets = parseSockets('tcp', HEADER + table, true)
  expect(findSshClients(own, sockets, new Set(inodes))).toEqual(expected)
})
