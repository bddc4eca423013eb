import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { createDecoder, type Decoder } from '../../src/detector/decode.ts'
import type { Frame } from '../../src/detector/frame.ts'
import type { Packet } from '../../src/detector/packet.ts'
import { formatAddress } from '../../src/network.ts'
import { blocks, packetsIn, pcap, frameOf as within } from './captures.ts'
import { type Capture, CORPUS } from './corpus.ts'
import {
  bytesOf,
  cooked2,
  ethernet,
  extension,
  fragmentHeader,
  icmp,
  ipv4,
  ipv6,
  joined,
  type Payload,
  payload,
  tcp,
  udp,
} from './packets.ts'
import { hasTcpdump } from './tcpdump.ts'

const TIME_MS = 1_795_288_592_123

const frameOf = (bytes: Uint8Array, linkType = 1, timeMs = TIME_MS, originalLength = bytes.length): Frame =>
  within({ timeMs, linkType, bytes, originalLength })

const TCP_PACKET: Packet = {
  ...{ timeMs: TIME_MS, protocol: 'tcp' },
  ...{ source: bytesOf('203.0.113.9'), destination: bytesOf('192.168.1.10') },
  ...{ sourcePort: 40000, port: 11, flags: 2 },
  ...{ hasIpOptions: false, isFragment: false, delivery: 'unknown' },
}

const SIX = {
  ...{ source: bytesOf('2001:db8::9'), destination: bytesOf('fd00::10') },
  ...{ hasIpOptions: null },
}

const syn = tcp(40000, 11)
const FROM_TO = { from: '203.0.113.9', to: '192.168.1.10' }
const probe = udp(40000, 161, Array<number>(40).fill(7))
/** The first bytes of a packet in fragments. */
const start = (content: Payload, length: number): Frame =>
  frameOf(ipv4(payload(content.protocol, content.bytes(FROM_TO).subarray(0, length)), { more: true }), 101)
const NOTHING = { decoded: 0, otherProtocol: 0, fragments: 0, truncated: 0, malformed: 0 }
const UDP_FIELDS = { protocol: 'udp', port: 161, flags: 0 } as const

it.each<[string, Frame, Partial<Packet>]>([
  ['TCP over Ethernet', frameOf(ethernet(ipv4(syn))), {}],
  ['UDP', frameOf(ethernet(ipv4(probe))), UDP_FIELDS],
  ['IPv6', frameOf(ethernet(ipv6(syn))), SIX],
  ['IP options', frameOf(ethernet(ipv4(syn, { options: [1, 1, 1, 0] }))), { hasIpOptions: true }],
  ['outgoing', frameOf(cooked2(ipv4(syn), 4), 276), { delivery: 'outgoing' }],
  ['in a VLAN', frameOf(ethernet(ipv4(syn), { tags: [0x8100] })), {}],
  ['cut behind the flags', frameOf(ethernet(ipv4(syn)).subarray(0, 48), 1, TIME_MS, 54), {}],
])('%s', (_, frame, expected) => {
  const { decode, counts } = createDecoder()
  expect(decode(frame)).toEqual({ ...TCP_PACKET, ...expected })
  expect(counts).toEqual({ ...NOTHING, decoded: 1 })
})

it.each<[string, Frame, keyof Decoder['counts']]>([
  ['ARP', frameOf(ethernet(new Uint8Array(28), { etherType: [8, 6] })), 'otherProtocol'],
  ['ICMP', frameOf(ethernet(ipv4(icmp(8, 0, [])))), 'otherProtocol'],
  ['a frame cut within its ports', frameOf(ethernet(ipv4(syn)).subarray(0, 36), 1, TIME_MS, 54), 'truncated'],
  ['an empty frame', frameOf(new Uint8Array(0)), 'truncated'],
  ['IPv6 in a frame of IPv4', frameOf(ethernet(ipv6(syn), { etherType: [8, 0] })), 'malformed'],
  ['a link type unheard of', frameOf(ipv4(syn), 147), 'malformed'],
  [
    'IPv6 with extension headers',
    frameOf(ethernet(ipv6(probe, { extensions: [extension(0)] }))),
    'otherProtocol',
  ],
  [
    'a fragment of IPv6',
    frameOf(ethernet(ipv6(syn, { extensions: [fragmentHeader(0, false)] }))),
    'fragments',
  ],
  ['a first fragment without the flags', start(syn, 8), 'fragments'],
  ['a first fragment with half a header', start(syn, 16), 'fragments'],
  ['a later fragment', frameOf(ipv4(payload(6, [1, 2, 3]), { offset: 24 }), 101), 'fragments'],
])('%s is counted', (_, frame, reason) => {
  const { decode, counts } = createDecoder()
  expect(decode(frame)).toBeNull()
  expect(counts).toEqual({ ...NOTHING, [reason]: 1 })
})

it('gives out a first fragment with a whole header, and counts it as a fragment too', () => {
  const { decode, counts } = createDecoder()
  expect(decode(start(probe, 24))).toEqual({ ...TCP_PACKET, ...UDP_FIELDS, isFragment: true })
  expect(decode(start(syn, 20))).toEqual({ ...TCP_PACKET, isFragment: true })
  expect(counts).toEqual({ ...NOTHING, decoded: 2, fragments: 2 })
})

/** tcpdump's letters for the bits from FIN to CWR. */
const LETTERS = 'FSRP.UEW'

const flagsOf = ({ flags }: Packet): string =>
  [...LETTERS].filter((_, bit) => flags & (1 << bit)).join('') || 'none'

/** As tcpdump -tt tells it, without what it says between. */
const told = (packet: Packet): string => {
  const [source, destination] = [formatAddress(packet.source), formatAddress(packet.destination)]
  const flags = packet.protocol === 'tcp' ? flagsOf(packet) : 'UDP'
  const time = (packet.timeMs / 1000).toFixed(6)
  return `${time} ${source}.${packet.sourcePort} > ${destination}.${packet.port} ${flags}`
}

const TCPDUMP_LINE = /^(\S+) .*?(\S+)\.(\d+) > (\S+)\.(\d+): (?:Flags \[([^\]]+)\]|UDP)/

/** Lines of fragments of IPv6 and of extension headers, which have the ports apart from the addresses, are left out. */
const readTcpdump = (line: string): string[] => {
  if (line.includes(': frag (0|')) return []
  const [, time, from, fromPort, to, toPort, flags = 'UDP'] = TCPDUMP_LINE.exec(line) ?? []
  return from ? [`${time} ${from}.${fromPort} > ${to}.${toPort} ${flags}`] : []
}

const { section, interface: described, resolution, enhanced } = blocks

const FILES: [string, string, (capture: Capture) => Uint8Array][] = Object.keys(CORPUS).flatMap((name) => [
  ['pcap', name, ({ linkType, frames }) => pcap(frames.map(timed), { linkType })],
  [
    'pcapng',
    name,
    ({ linkType, frames }) =>
      joined(
        ...[section(), described(linkType, [resolution(9)])],
        ...frames.map(timed).map(({ bytes, timeMs }) => enhanced(bytes, BigInt(timeMs) * 1_000_000n)),
      ),
  ],
])

const timed = (bytes: Uint8Array, index: number) => ({ bytes, timeMs: TIME_MS + index })

it.skipIf(!hasTcpdump).each(FILES)('tcpdump sees the same in %s, %s', (_, name, fileOf) => {
  const file = fileOf(CORPUS[name] ?? { linkType: 0, frames: [] })
  const ours = packetsIn(file).packets.map(told)
  const { stdout, stderr } = spawnSync('tcpdump', ['-nn', '-tt', '-r', '-'], {
    input: file,
    encoding: 'utf8',
  })
  expect(ours.length, stderr).toBeGreaterThan(20)
  expect(ours).toEqual(stdout.split('\n').flatMap(readTcpdump))
})
