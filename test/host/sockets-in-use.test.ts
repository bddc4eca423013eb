import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { parseInodes, readPortsOf } from '../../src/host/lab/own-sockets.ts'
import { parseSockets, readBoundSockets } from '../../src/host/sockets-in-use.ts'

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const NOBODY = '00000000:0000'
const NOBODY_6 = `${'0'.repeat(32)}:0000`

const row = (local: string, state: string, remote = NOBODY, inode = 1073): string =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 00000000e2d3b81d 100 0 0 10 0\n`

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
    expect(found.every((socket) => socket.protocol === protocol)).toBe(true)
  })
})

describe('parseInodes', () => {
  it('knows which port a socket of a process has', () => {
    const table = HEAD + row('00000000:0001', '0A', NOBODY, 11) + row('0AA8C0C0:006F', '01', NOBODY, 22)
    expect([...parseInodes(table)]).toEqual([
      ['11', 1],
      ['22', 111],
    ])
    expect(parseInodes(HEAD + row(`${'0'.repeat(32)}:0007`, '0A', NOBODY_6, 33)).get('33')).toBe(7)
  })
})

it('knows the ports of a process, and that they are bound', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const [own, others, bound] = await Promise.all([
    readPortsOf([process.pid]),
    readPortsOf([]),
    readBoundSockets(),
  ])
  server.close()
  expect(own).toContain(`tcp ${port}`)
  expect(others).toEqual(new Set())
  expect(bound).toContainEqual({ protocol: 'tcp', port, isLoopback: true })
})
