import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import type { Mode } from '../../src/detector/decision.ts'
import { findInUse } from '../../src/live-detection/effects.ts'
import { configure } from '../detector/daemon.ts'

const listen = async (host: string): Promise<number> => {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

it.each<[mode: Mode, host: string, isAsked: boolean]>([
  ['connect', '0.0.0.0', true],
  ['connect', '127.0.0.1', true],
  // It asks about each packet, and binds nothing.
  ['stealth', '0.0.0.0', false],
  ['stcp', '0.0.0.0', true],
  ['tcp', '0.0.0.0', true],
])('%s: a service on %s has its port at the start: %s', async (mode, host, isAsked) => {
  const port = await listen(host)
  const isRange = mode === 'connect' || mode === 'stealth'
  const list = isRange ? `${port - 1}-${port}` : String(port)
  const inUse = await findInUse([configure(mode, { TCP_PORTS: list })])
  expect(inUse('tcp', port)).toBe(isAsked)
  expect(inUse('udp', port)).toBe(false)
})
