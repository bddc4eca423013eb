import { expect, it, test } from 'vitest'
import { createHandshakes } from '../../src/detector/handshakes.ts'
import { FLAGS } from '../../src/detector/packet.ts'
import { packet } from './daemon.ts'

const BITS: Record<string, number> = {
  S: FLAGS.SYN,
  A: FLAGS.ACK,
  R: FLAGS.RST,
  F: FLAGS.FIN,
  P: FLAGS.PSH,
  E: FLAGS.ECE,
  C: FLAGS.CWR,
}

const flagsOf = (letters: string): number => [...letters].reduce((flags, bit) => flags | (BITS[bit] ?? 0), 0)

/** How many connections come about when one client sends segments with these flags. */
const connections = (segments: string): number => {
  const handshakes = createHandshakes()
  return segments.split(' ').filter((letters) => handshakes.completes(packet({ flags: flagsOf(letters) })))
    .length
}

test.each<[string, number]>([
  ['S A', 1],
  ['S A AP A AF A', 1],
  ['S S A', 1],
  ['SEC A', 1],
  ['S AP', 1],
  ['S', 0],
  ['A', 0],
  ['AP A', 0],
  // nmap -sS: the scanner's kernel resets what it did not open.
  ['S R', 0],
  ['S R A', 0],
  ['S RA A', 0],
  ['S F A', 0],
  ['S FA A', 0],
  ['F', 0],
  ['SA A', 0],
  ['S SA A', 1],
  ['S A S A', 2],
  ['S R S A', 1],
])('%s: %d', (segments, count) => expect(connections(segments)).toBe(count))

it('tells clients, ports and servers apart', () => {
  const handshakes = createHandshakes()
  handshakes.completes(packet())
  const others = [{ sourcePort: 1 }, { port: 15 }, { from: '203.0.113.10' }, { to: '192.0.2.2' }, {}]
  expect(others.map((other) => handshakes.completes(packet({ ...other, flags: FLAGS.ACK })))).toEqual([
    false,
    false,
    false,
    false,
    true,
  ])
})

it('gives the oldest up beyond its bound', () => {
  const handshakes = createHandshakes(3)
  for (let sourcePort = 1; sourcePort <= 4; sourcePort += 1) handshakes.completes(packet({ sourcePort }))
  expect(handshakes.size()).toBe(3)
  const completed = [1, 2, 3, 4].filter((sourcePort) =>
    handshakes.completes(packet({ sourcePort, flags: FLAGS.ACK })),
  )
  expect(completed).toEqual([2, 3, 4])
  expect(handshakes.size()).toBe(0)
})
