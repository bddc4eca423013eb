import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { type Arrival, openListeners, type Port } from '../../src/live-detection/sockets.ts'
import { freePort } from '../free-port.ts'

/** Listeners that answer each arrival with this banner. */
const listen = async (family: 4 | 6, ports: readonly Port[], banner = '') => {
  const arrivals: Omit<Arrival, 'answer' | 'timeMs' | 'sourcePort'>[] = []
  const listeners = await openListeners(family, ports, ({ protocol, port, source, destination, answer }) => {
    arrivals.push({ protocol, port, source, destination })
    answer(banner)
  })
  onTestFinished(async () => {
    listeners.close()
    await listeners.closed
  })
  return { arrivals, listeners }
}

const heard = async (host: string, port: number): Promise<string> => {
  const socket = connect(port, host).setEncoding('latin1')
  let text = ''
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}

const LOOPBACK = [127, 0, 0, 1]

it.each([
  [4, '127.0.0.1', '127.0.0.1', LOOPBACK],
  [6, '127.0.0.1', '127.0.0.1', LOOPBACK],
  [6, '::1', '::1', [...Array(15).fill(0), 1]],
] as const)(
  'family %d: tells a connection from %s, and sends the banner',
  async (family, host, _from, source) => {
    const port = await freePort()
    const { arrivals, listeners } = await listen(family, [{ protocol: 'tcp', port }], 'go \xe4way')
    expect(listeners.bound).toEqual([{ protocol: 'tcp', port }])
    expect(await heard(host, port)).toBe('go \xe4way')
    expect(await heard(host, port)).toBe('go \xe4way')
    const expected = { protocol: 'tcp', port, source, destination: source }
    expect(arrivals).toEqual([expected, expected])
  },
)

it('knows a client that hangs up at once', async () => {
  const port = await freePort()
  const { arrivals } = await listen(4, [{ protocol: 'tcp', port }])
  for (let round = 0; round < 50; round += 1) {
    const socket = connect(port, '127.0.0.1', () => socket.resetAndDestroy())
    socket.on('error', () => undefined)
    await once(socket, 'close')
  }
  await expect.poll(() => arrivals.length, { timeout: 20_000 }).toBe(50)
  expect(arrivals.every(({ source }) => source.join('.') === '127.0.0.1')).toBe(true)
})

it('sends the banner back to a datagram', async () => {
  const port = await freePort()
  const { arrivals } = await listen(4, [{ protocol: 'udp', port }], 'away')
  const socket = createSocket('udp4')
  socket.send('hello', port, '127.0.0.1')
  const [answer] = await once(socket, 'message')
  expect(String(answer)).toBe('away')
  socket.close()
  expect(arrivals).toEqual([{ protocol: 'udp', port, source: LOOPBACK, destination: null }])
})

it('goes on without the ports that another has', async () => {
  const server = createServer().listen(0, '0.0.0.0')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port: taken } = server.address() as AddressInfo
  const port = await freePort()
  const { listeners } = await listen(4, [
    { protocol: 'tcp', port: taken },
    { protocol: 'tcp', port },
  ])
  expect(listeners.bound).toEqual([{ protocol: 'tcp', port }])
  expect(listeners.refused).toEqual([{ protocol: 'tcp', port: taken, reason: 'EADDRINUSE' }])
})

it('holds more sockets than an fd_set of C has room for', async () => {
  const ports = Array.from(
    { length: 1500 },
    (_, index) => ({ protocol: 'udp', port: 50_000 + index }) as const,
  )
  const { listeners, arrivals } = await listen(4, ports)
  expect(listeners.bound.length).toBeGreaterThan(1400)
  const last = listeners.bound.at(-1)?.port ?? 0
  const socket = createSocket('udp4')
  socket.send('x', last, '127.0.0.1')
  await expect.poll(() => arrivals.map(({ port }) => port), { timeout: 20_000 }).toEqual([last])
  socket.close()
})

it('holds no more than 512 at a time, and counts those that it turns away', async () => {
  const port = await freePort()
  const answers: (() => void)[] = []
  const listeners = await openListeners(4, [{ protocol: 'udp', port }], ({ answer }) => {
    answers.push(() => answer(''))
  })
  onTestFinished(async () => {
    listeners.close()
    await listeners.closed
  })
  const socket = createSocket('udp4')
  const send = async (count: number) => {
    for (let round = 0; round < count; round += 1) {
      await new Promise((resolve) => socket.send('x', port, '127.0.0.1', resolve))
    }
  }
  // In parts that a socket's buffer holds, however late the listener gets its turn.
  for (let sent = 40; sent <= 520; sent += 40) {
    await send(40)
    await expect.poll(() => answers.length + listeners.turnedAway(), { timeout: 20_000 }).toBe(sent)
  }
  expect(listeners.turnedAway()).toBe(8)
  for (const answer of answers) answer()
  await send(1)
  await expect.poll(() => answers.length, { timeout: 20_000 }).toBe(513)
  socket.close()
})
