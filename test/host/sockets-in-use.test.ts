import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { readSocketInodes } from '../../src/host/socket-inodes.ts'
import { parseSockets, readBoundSockets } from '../../src/host/sockets-in-use.ts'

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const NOBODY = '00000000:0000'
const NOBODY_6 = `${'0'.repeat(32)}:0000`

const row = (local: string, state: string, remote = NOBODY): string =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 1073 1 00000000e2d3b81d 100 0 0 10 0\n`

describe('parseSockets', () => {
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
    const found = parseSockets(protocol, HEAD + text)
    expect(found.map(({ port, isLoopback }) => `${port}${isLoopback ? ' loopback' : ''}`)).toEqual(
      expected === null ? [] : [expected],
    )
    expect(found.every((socket) => socket.protocol === protocol && socket.inode === '1073')).toBe(true)
  })
})

it('knows a socket that is bound, and by which inode its process has it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [inodes, bound] = await Promise.all([readSocketInodes(process.pid), readBoundSockets()])
  server.close()
  const found = bound.find((socket) => socket.protocol === 'tcp' && socket.port === port)
  expect(found).toMatchObject({ isLoopback: true })
  expect(inodes).toContain(found?.inode)
})
