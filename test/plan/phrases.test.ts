import { expect, it } from 'vitest'
import { parseNetwork } from '../../src/network.ts'
import { banTimeInWords, modesInWords, networksInWords, sizeInWords } from '../../src/plan/phrases.ts'
import { secondsOf } from '../../src/policy/duration.ts'

const network = (text: string) => parseNetwork(text) ?? []

it.each([
  ['192.168.1.0/24', ['192.168.1.0/24'], 'your LAN 192.168.1.0/24'],
  ['192.168.1.0/24', ['::1', '192.168.1.0/24'], 'your LAN 192.168.1.0/24 and 1 more network'],
  ['192.168.1.0/24', ['::1', '192.168.1.0/24', 'fe80::/10'], 'your LAN 192.168.1.0/24 and 2 more networks'],
  // WHITELIST contains the LAN, so that it is not listed by itself.
  ['192.168.1.0/24', ['192.168.0.0/16'], '1 network'],
  [null, ['127.0.0.0/8', '::1'], '2 networks'],
])('networks with the LAN %s: %j', (lan, networks, expected) => {
  const [own = null] = lan === null ? [] : [network(lan)].flat()
  expect(networksInWords(networks.flatMap(network), own)).toBe(expected)
})

it.each([
  [['TCP', 'UDP'], 'atcp', 'audp', ['watches TCP in mode atcp (TCP_MODE) and UDP in mode audp (UDP_MODE)']],
  [['UDP'], 'atcp', 'sudp', ['watches UDP in mode sudp (UDP_MODE)']],
  [
    ['TCP', 'UDP'],
    'tcp',
    '',
    ['watches TCP in mode tcp (TCP_MODE)', 'does not watch UDP (UDP_MODE is empty)'],
  ],
  [[], 'atcp', 'audp', []],
] as const)('modes of %j: %s and %s', (protocols, tcpMode, udpMode, expected) => {
  expect(modesInWords(protocols, { tcpMode, udpMode })).toEqual(expected)
})

it.each([
  ['1d', 'for 1 day'],
  ['600', 'for 10 minutes'],
  ['1d 12h', 'for 1 day 12 hours'],
  ['90', 'for 1 minute 30 seconds'],
  ['-1', 'permanently'],
])('a bantime of %s', (bantime, expected) => {
  expect(banTimeInWords(secondsOf(bantime))).toBe(expected)
})

it.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [9949, '9.9 kB'],
  [9950, '10 kB'],
  [14_961, '15 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [31_400_000, '31 MB'],
])('a size of %d bytes', (bytes, expected) => {
  expect(sizeInWords(bytes)).toBe(expected)
})
