import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { createCaptureReader } from '../../src/detector/capture-file.ts'
import { createDecoder, type Decoder } from '../../src/detector/decode.ts'
import type { Frame } from '../../src/detector/frame.ts'
import type { Packet } from '../../src/detector/packet.ts'
import { formatAddress } from '../../src/network.ts'
import { blocks, pcap } from './captures.ts'
import { type Capture, CORPUS } from './corpus.ts'
import {
  bytesOf,
  cooked2,
  type Ends,
  ethernet,
  extension,
  fragmentHeader,
  icmp,
  ipv4,
  ipv6,
  joined,
  payload,
  tcp,
  udp,
} from './packets.ts'
import { hasTcpdump } from './tcpdump.ts'

const TIME_MS = 1_795_288_592_123

const frameOf = (
  bytes: Uint8Array,
  linkType = 1,
  timeMs = TIME_MS,
  originalLength = bytes.length,
): Frame => ({
  ...{ timeMs, linkType, bytes, originalLength },
})

const TCP_PACKET: Packet = {
  ...{ timeMs: TIME_MS, protocol: 'tcp' },
  ...{ source: bytesOf('203.0.113.9'), destination: bytesOf('192.168.1.10') },
  ...{ sourcePort: 40000, port: 11, flags: 2 },
  ...{ hasIpOptions: false, hasExtensionHeaders: false },
  ...{ fragmentation: 'none', delivery: 'unknown', hasWholeHeader: true },
}

const SIX = {
  ...{ source: bytesOf('2001:db8::9'), destination: bytesOf('fd00::10') },
  ...{ hasIpOptions: null },
}

const syn = tcp(40000, 11)
const FROM_TO: Ends = { from: '203.0.113.9', to: '192.168.1.10' }
const probe = udp(40000, 161, Array<number>(40).fill(7))
const probeBytes = probe.bytes(FROM_TO)
const UDP_FIELDS = { protocol: 'udp', port: 161, flags: 0 } as const

it.each<[string, Frame, Partial<Packet>]>([
  ['TCP over Ethernet', frameOf(ethernet(ipv4(syn))), {}],
  ['UDP', frameOf(ethernet(ipv4(probe))), UDP_FIELDS],
  ['IPv6', frameOf(ethernet(ipv6(syn))), SIX],
  [
    'IPv6 with extension headers',
    frameOf(ethernet(ipv6(probe, { extensions: [extension(0), extension(60)] }))),
    { ...SIX, ...UDP_FIELDS, hasExtensionHeaders: true },
  ],
  ['IP options', frameOf(ethernet(ipv4(syn, { options: [1, 1, 1, 0] }))), { hasIpOptions: true }],
  ['outgoing', frameOf(cooked2(ipv4(syn), 4), 276), { delivery: 'outgoing' }],
  ['in a VLAN', frameOf(ethernet(ipv4(syn), { tags: [0x8100] })), {}],
  ['cut behind the flags', frameOf(ethernet(ipv4(syn)).subarray(0, 48), 1, TIME_MS, 54), {}],
  [
    'a whole datagram that is called a fragment',
    frameOf(ethernet(ipv6(syn, { extensions: [fragmentHeader(0, false)] }))),
    { ...SIX, hasExtensionHeaders: true },
  ],
])('%s', (_, frame, expected) => {
  const { decode, counts } = createDecoder()
  expect(decode(frame)).toEqual([{ ...TCP_PACKET, ...expected }])
  expect(counts).toEqual({ decoded: 1, otherProtocol: 0, truncated: 0, malformed: 0 })
})

it.each<[string, Frame, keyof Decoder['counts']]>([
  ['ARP', frameOf(ethernet(new Uint8Array(28), { etherType: [8, 6] })), 'otherProtocol'],
  ['ICMP', frameOf(ethernet(ipv4(icmp(8, 0, [])))), 'otherProtocol'],
  ['a frame cut within its ports', frameOf(ethernet(ipv4(syn)).subarray(0, 36), 1, TIME_MS, 54), 'truncated'],
  ['an empty frame', frameOf(new Uint8Array(0)), 'truncated'],
  ['IPv6 in a frame of IPv4', frameOf(ethernet(ipv6(syn), { etherType: [8, 0] })), 'malformed'],
  ['a link type unheard of', frameOf(ipv4(syn), 147), 'malformed'],
])('%s is counted', (_, frame, reason) => {
  const { decode, counts } = createDecoder()
  expect(decode(frame)).toEqual([])
  expect(counts).toEqual({ decoded: 0, otherProtocol: 0, truncated: 0, malformed: 0, [reason]: 1 })
})

/** Part of the UDP datagram in IPv4. */
const part = (from: number, to: number, rest: { id?: number; options?: number[] } = {}): Uint8Array =>
  ipv4(payload(17, probeBytes.subarray(from, to)), { offset: from, more: to < probeBytes.length, ...rest })

const sixBytes = joined(
  [17, 0, 1, 4, 0, 0, 0, 0],
  udp(40000, 161, [1]).bytes({ from: '2001:db8::9', to: 'fd00::10' }),
)

/** Part of a datagram of 17 bytes in IPv6 that begins with an extension header. */
const sixPart = (from: number, to: number): Uint8Array =>
  ipv6(payload(60, sixBytes.subarray(from, to)), { extensions: [fragmentHeader(from, to < 17)] })

const tiny = (from: number, to: number): Uint8Array =>
  ipv4(payload(6, syn.bytes(FROM_TO).subarray(from, to)), { offset: from, more: to < 20 })

const first = { fragmentation: 'first' } as const
const reassembled = { fragmentation: 'reassembled' } as const
const SIX_UDP = { ...SIX, ...UDP_FIELDS, hasExtensionHeaders: true }

it.each<[string, readonly Uint8Array[], readonly (readonly Partial<Packet>[])[], object]>([
  [
    'in order',
    [part(0, 24), part(24, 48)],
    [[{ ...UDP_FIELDS, ...first }], [{ ...UDP_FIELDS, ...reassembled }]],
    { decoded: 2 },
  ],
  [
    'the other way round',
    [part(24, 48), part(0, 24)],
    [
      [],
      [
        { ...UDP_FIELDS, ...first },
        { ...UDP_FIELDS, ...reassembled },
      ],
    ],
    { decoded: 2 },
  ],
  [
    'with options in the first alone',
    [part(0, 24, { options: [1, 1, 1, 0] }), part(24, 48)],
    [
      [{ ...UDP_FIELDS, ...first, hasIpOptions: true }],
      [{ ...UDP_FIELDS, ...reassembled, hasIpOptions: true }],
    ],
    { decoded: 2 },
  ],
  ['flags hidden in the second', [tiny(0, 8), tiny(8, 20)], [[], [reassembled]], { decoded: 1 }],
  [
    'the header cut behind the flags',
    [tiny(0, 16), tiny(16, 20)],
    [[{ ...first, hasWholeHeader: false }], [reassembled]],
    { decoded: 2 },
  ],
  [
    'of two datagrams',
    [part(0, 24), part(24, 48, { id: 2 })],
    [[{ ...UDP_FIELDS, ...first }], []],
    { decoded: 1 },
  ],
  [
    'overlapping',
    [part(0, 24), part(16, 32), part(32, 48)],
    [[{ ...UDP_FIELDS, ...first }], [], []],
    { decoded: 1, malformed: 1 },
  ],
  [
    'of IPv6',
    [sixPart(0, 16), sixPart(16, 17)],
    [[{ ...SIX_UDP, ...first }], [{ ...SIX_UDP, ...reassembled }]],
    { decoded: 2 },
  ],
  [
    'of IPv6, the first without all headers',
    [sixPart(0, 8), sixPart(8, 17)],
    [[], []],
    { decoded: 0, malformed: 1 },
  ],
])('fragments %s', (_, packets, expected, counted) => {
  const { decode, counts } = createDecoder()
  const decoded = packets.map((packet) => decode(frameOf(packet, 101)))
  expect(decoded).toEqual(expected.map((some) => some.map((fields) => ({ ...TCP_PACKET, ...fields }))))
  expect(counts).toEqual({ otherProtocol: 0, truncated: 0, malformed: 0, ...counted })
})

it('takes what goes out and comes in again for two datagrams', () => {
  const { decode } = createDecoder()
  const frames = [part(0, 24), part(24, 48)].flatMap((packet) => [cooked2(packet, 4), cooked2(packet, 0)])
  const packets = frames.flatMap((bytes) => decode(frameOf(bytes, 276)))
  expect(packets.map(({ fragmentation, delivery }) => `${fragmentation} ${delivery}`)).toEqual([
    ...['first outgoing', 'first host', 'reassembled outgoing', 'reassembled host'],
  ])
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
/** Behind extension headers it has the ports apart from the addresses. */
const TCPDUMP_EXTENDED = /^(\S+) .*?(\S+) > (\S+): .*?(\d+) > (\d+): (?:Flags \[([^\]]+)\]|UDP)/

const readTcpdump = (line: string): string[] => {
  const [, time, from, fromPort, to, toPort, flags = 'UDP'] = TCPDUMP_LINE.exec(line) ?? []
  if (from) return [`${time} ${from}.${fromPort} > ${to}.${toPort} ${flags}`]
  const [, its, source, destination, sourcePort, port, bits = 'UDP'] = TCPDUMP_EXTENDED.exec(line) ?? []
  return source ? [`${its} ${source}.${sourcePort} > ${destination}.${port} ${bits}`] : []
}

const { section, interface: described, resolution, enhanced } = blocks('big')

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
  const { decode } = createDecoder()
  const ours = createCaptureReader()
    .push(file)
    .flatMap((frame) => decode(frame))
    .filter(({ fragmentation }) => fragmentation !== 'reassembled')
    .map(told)
  const { stdout, stderr } = spawnSync('tcpdump', ['-nn', '-tt', '-r', '-'], {
    input: file,
    encoding: 'utf8',
  })
  expect(ours.length, stderr).toBeGreaterThan(20)
  expect(ours).toEqual(stdout.split('\n').flatMap(readTcpdump))
})
