import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  boundSockets,
  isOnLoopback,
  parseSockets,
  parseStat,
  readProcesses,
  readSocketInodes,
  readSockets,
  type SocketTable,
} from '../../src/facts/procfs.ts'

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const NOBODY = '00000000:0000'
const NOBODY_6 = `${'0'.repeat(32)}:0000`

const row = (local: string, state: string, remote = NOBODY): string =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 1073 1 00000000e2d3b81d 100 0 0 10 0\n`

describe('boundSockets', () => {
  it.each<[what: string, protocol: 'tcp' | 'udp', row: string, expected: string | null]>([
    ['a listener', 'tcp', row('00000000:0016', '0A'), '22'],
    ['a listener on one address', 'tcp', row('0AA8C0C0:1F90', '0A'), '8080'],
    ['a listener on loopback', 'tcp', row('0100007F:0019', '0A'), '25 loopback'],
    ['a listener elsewhere in 127.0.0.0/8', 'tcp', row('3500007F:0035', '0A'), '53 loopback'],
    ['127 as the last byte', 'tcp', row('7F000001:0035', '0A'), '53'],
    ['a listener on IPv6', 'tcp', row(`${'0'.repeat(32)}:01BB`, '0A', NOBODY_6), '443'],
    ['a listener on ::1', 'tcp', row(`${'0'.repeat(24)}01000000:0277`, '0A', NOBODY_6), '631 loopback'],
    ['a connection', 'tcp', row('0AA8C0C0:0016', '01', '14A8C0C0:D431'), null],
    ['a connection that is over', 'tcp', row('0AA8C0C0:0016', '06', '14A8C0C0:D431'), null],
    ['a datagram socket', 'udp', row('00000000:0043', '07'), '67'],
    ['a datagram socket with a peer', 'udp', row('0AA8C0C0:E000', '01', '0100A8C0:0035'), null],
    ['the state of the other protocol', 'udp', row('00000000:0043', '0A'), null],
    ['no row', 'tcp', '', null],
    ['nonsense', 'tcp', 'x: y\n', null],
  ])('%s', (_what, protocol, text, expected) => {
    const found = boundSockets(parseSockets(protocol, HEAD + text, true))
    expect(found.map((socket) => `${socket.number}${isOnLoopback(socket) ? ' loopback' : ''}`)).toEqual(
      expected === null ? [] : [expected],
    )
    expect(found.every(({ table, inode }) => table === protocol && inode === '1073')).toBe(true)
  })
})

it('knows a socket that is bound, and by which inode its process has it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [inodes, sockets] = await Promise.all([readSocketInodes(process.pid), readSockets(['tcp'])])
  server.close()
  const found = boundSockets(sockets).find(({ number }) => number === port)
  expect(found !== undefined && isOnLoopback(found)).toBe(true)
  expect(inodes).toContain(found?.inode)
})

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   4: 00000000:0001 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 232889 1 00000000457c5864 100 0 0 10 0
   5: 0A01A8C0:0001 0A0200CB:C350 01 00000000:00000000 00:00000000 00000000     0        0 232990 1 00000000457c5864 100 0 0 10 0
`
const TCP6 =
  '   2: 00000000000000000000000000000000:0014 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 225473 1 00000000b78317cb 100 0 0 10 0\n'
const RAW = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
   39: 00000000:0006 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 247739 2 000000001d52aed3 0
  151: 00000000:0011 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 248203 2 000000000e1f56a3 0
`
const PACKET = `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
0000000074acb538 3      3    0003   2     1 0      0      220491
0000000064c9b579 3      2    0800   0     1 0      0      220924
`

it.each<[SocketTable, string, string[]]>([
  ['tcp', TCP, ['232889 1 listening', '232990 1 established']],
  ['tcp', TCP6, ['225473 20 listening']],
  ['raw', RAW, ['247739 6 unconnected', '248203 17 unconnected']],
  ['packet', PACKET, ['220491 2 other', '220924 0 other']],
  ['udp', '', []],
  ['udp', 'x: y\n', []],
])('/proc/net/%s', (table, text, expected) => {
  const found = parseSockets(table, text).map(({ inode, number, state }) => `${inode} ${number} ${state}`)
  expect(found).toEqual(expected)
})

it.each([
  ['little-endian', '0771A8C0:D431', true, '192.168.113.7'],
  ['big-endian', 'C0A87107:D431', false, '192.168.113.7'],
  ['IPv6', 'B80D0120000000000000000009000000:D431', true, '32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.9'],
])('the peer of a connection, %s', (_, peer, isLittleEndian, expected) => {
  const [socket] = parseSockets('tcp', row('0AA8C0C0:0016', '01', peer), isLittleEndian)
  expect(socket?.peer.join('.')).toBe(expected)
})

it.each([
  ['7 (sh) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 2 3', 'sh S 1 4711'],
  ['8 (a) b (c)) D 7 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4712 2 3', 'a) b (c) D 7 4712'],
])('/proc/PID/stat: %s', (text, expected) => {
  const { name, state, parent, startTicks } = parseStat(text)
  expect(`${name} ${state} ${parent} ${startTicks}`).toBe(expected)
})

it('sees itself among all processes', async () => {
  const own = (await readProcesses()).find(({ pid }) => pid === process.pid)
  expect(own?.parent).toBe(process.ppid)
  expect(own?.args.join(' ')).toContain('node')
})
