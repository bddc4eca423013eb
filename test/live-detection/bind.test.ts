import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { isInUse } from '../../src/live-detection/bind.ts'

const LOOPBACK = [127, 0, 0, 1]
const OTHER_LOOPBACK = [127, 0, 0, 2]
const NOT_OURS = [203, 0, 113, 200]
const LOOPBACK6 = [...Array(15).fill(0), 1]

const tcpListener = async (host: string): Promise<number> => {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

const udpListener = async (host: string): Promise<number> => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').bind(0, host)
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  return socket.address().port
}

it.each([
  ['tcp', '0.0.0.0', null, true],
  ['tcp', '127.0.0.1', null, true],
  ['tcp', '::', null, true],
  ['tcp', '127.0.0.1', LOOPBACK, true],
  ['tcp', '127.0.0.1', OTHER_LOOPBACK, false],
  ['tcp', '::1', LOOPBACK6, true],
  ['tcp', '127.0.0.1', NOT_OURS, true],
  ['udp', '0.0.0.0', null, true],
  ['udp', '127.0.0.1', null, true],
  ['udp', '::', null, true],
  ['udp', '127.0.0.1', OTHER_LOOPBACK, false],
  ['udp', '::1', LOOPBACK6, true],
  ['udp', '127.0.0.1', NOT_OURS, true],
] as const)('%s: a listener on %s, asked for %j: %s', async (protocol, host, address, expected) => {
  const port = await (protocol === 'tcp' ? tcpListener(host) : udpListener(host))
  expect(await isInUse(protocol, port, address)).toBe(expected)
  // Asking leaves nothing behind that the next question would meet.
  expect(await isInUse(protocol, port, address)).toBe(expected)
})

it.each(['tcp', 'udp'] as const)('%s: a port that nobody has is free, again and again', async (protocol) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  for (let round = 0; round < 20; round += 1) expect(await isInUse(protocol, port, null)).toBe(false)
})
