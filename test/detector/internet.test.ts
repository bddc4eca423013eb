import { expect, it } from 'vitest'
import { type Datagram, readInternet, readTransport, type Transport } from '../../src/detector/internet.ts'
import type { Undecoded } from '../../src/detector/link-layer.ts'
import { extension, fragmentHeader, icmp, ipv4, ipv6, joined, payload, tcp, udp } from './packets.ts'

const OPTIONS = [1, 1, 1, 0]
const syn = tcp(40000, 11)
const probe = udp(40000, 161, [1, 2, 3, 4])

/** A packet's first bytes as a capture that cuts them off has them. */
const cut = (packet: Uint8Array, length: number): [Uint8Array, number] => [
  packet.subarray(0, length),
  packet.length,
]

const with_ = (packet: Uint8Array, at: number, ...octets: readonly number[]): Uint8Array => {
  const changed = packet.slice()
  changed.set(octets, at)
  return changed
}

const version = ([first = 0]: Uint8Array): 4 | 6 => (first >> 4 === 6 ? 6 : 4)

const HEADERS: [string, Uint8Array | [Uint8Array, number], Partial<Datagram> | Undecoded][] = [
  ['IPv4', ipv4(syn), { protocol: 6, addressesAt: 12, start: 20, end: 40, wireLength: 20 }],
  ['no options', ipv4(syn), { hasIpOptions: false, hasExtensionHeaders: false, isFragment: false }],
  ['options', ipv4(syn, { options: OPTIONS }), { hasIpOptions: true, start: 24, wireLength: 20 }],
  ['all options', ipv4(syn, { options: Array<number>(40).fill(1) }), { hasIpOptions: true, start: 60 }],
  ['Ethernet’s padding', joined(ipv4(syn), [0, 0, 0, 0, 0, 0]), { end: 40, wireLength: 20 }],
  ['a length of 0', ipv4(syn, { length: 0 }), { end: 40, wireLength: 20 }],
  ['a length beyond what is there', ipv4(syn, { length: 1500 }), { end: 40, wireLength: 20 }],
  ['a packet cut by the capture', cut(ipv4(probe), 26), { start: 20, end: 26, wireLength: 12 }],
  ['a header length of 4 words', with_(ipv4(syn), 0, 0x44), 'malformed'],
  ['a header length of 0', with_(ipv4(syn), 0, 0x40), 'malformed'],
  ['another version', with_(ipv4(syn), 0, 0x55), 'malformed'],
  ['a length below the header’s', ipv4(syn, { length: 19 }), 'malformed'],
  ['a header longer than the packet', with_(ipv4(syn), 0, 0x4f), 'malformed'],
  ['a header cut by the capture', cut(ipv4(syn), 19), 'truncated'],
  ['options cut by the capture', cut(ipv4(syn, { options: OPTIONS }), 22), 'truncated'],
  ['half a header on the wire', ipv4(syn).subarray(0, 19), 'malformed'],
  ['ICMP', ipv4(icmp(8, 0, [])), 'otherProtocol'],
  ['the first fragment', ipv4(syn, { more: true }), { isFragment: true, protocol: 6, start: 20 }],
  ['a later one', ipv4(syn, { offset: 24, more: true }), 'fragments'],
  ['the last one', ipv4(syn, { offset: 65528 }), 'fragments'],
  ['a fragment of ICMP', ipv4(icmp(8, 0, []), { more: true }), 'otherProtocol'],
  ['IPv6', ipv6(syn), { protocol: 6, addressesAt: 8, start: 40, end: 60, wireLength: 20 }],
  ['IPv6 has no options', ipv6(syn), { hasIpOptions: null, hasExtensionHeaders: false }],
  ['padding behind IPv6', joined(ipv6(syn), [0, 0]), { end: 60, wireLength: 20 }],
  ['IPv6 with a length of 0', ipv6(syn, { length: 0 }), { end: 60, wireLength: 20 }],
  ['IPv6 with a length beyond', ipv6(syn, { length: 9000 }), { end: 60, wireLength: 20 }],
  ['half of an IPv6 header', ipv6(syn).subarray(0, 39), 'malformed'],
  ['IPv6 cut by the capture', cut(ipv6(syn), 39), 'truncated'],
  ['ICMPv6', ipv6(payload(58, [128, 0, 0, 0])), 'otherProtocol'],
  [
    'an extension header',
    ipv6(syn, { extensions: [extension(0)] }),
    { start: 48, hasExtensionHeaders: true },
  ],
  [
    'every extension header',
    ipv6(syn, { extensions: [0, 60, 43, 51, 135, 139, 140].map((number) => extension(number, 1)) }),
    { protocol: 6, start: 40 + 6 * 16 + 32, wireLength: 20 },
  ],
  ['ESP', ipv6(syn, { extensions: [extension(0), extension(50)] }), 'otherProtocol'],
  ['no next header', ipv6(payload(59, []), { extensions: [extension(60)] }), 'otherProtocol'],
  ['nothing else', ipv6(payload(59, [])), 'otherProtocol'],
  ['an extension header without end', ipv6(payload(60, [6, 200, 0, 0, 0, 0, 0, 0])), 'malformed'],
  ['half an extension header', ipv6(payload(60, [6, 0, 0, 0])), 'malformed'],
  ['one cut by the capture', cut(ipv6(syn, { extensions: [extension(0)] }), 44), 'truncated'],
  [
    'a chain cut by the capture',
    cut(ipv6(syn, { extensions: [extension(0, 3), extension(60)] }), 60),
    'truncated',
  ],
  [
    'a fragment that is the whole datagram',
    ipv6(syn, { extensions: [fragmentHeader(0, false)] }),
    { isFragment: false, start: 48, hasExtensionHeaders: true },
  ],
  [
    'the first fragment of IPv6',
    ipv6(syn, { extensions: [extension(0), fragmentHeader(0, true)] }),
    'fragments',
  ],
  [
    'the last fragment of IPv6',
    ipv6(payload(17, [1, 2, 3]), { extensions: [fragmentHeader(1448, false)] }),
    'fragments',
  ],
]

const readHeader = (packet: Uint8Array | [Uint8Array, number]): Datagram | Undecoded => {
  const [bytes, length] = Array.isArray(packet) ? packet : [packet, packet.length]
  return readInternet(version(bytes), bytes, 0, length)
}

it.each(HEADERS)('IP: %s', (_, packet, expected) => {
  const datagram = readHeader(packet)
  if (typeof expected === 'string' || typeof datagram === 'string') expect(datagram).toBe(expected)
  else expect(datagram).toMatchObject(expected)
})

it('takes no version but the one that the link layer says', () => {
  expect(readInternet(6, joined(ipv4(syn), new Uint8Array(40)), 0, 80)).toBe('malformed')
})

const ALL = { protocol: 'tcp', sourcePort: 40000, port: 11, flags: 2, hasWholeHeader: true } as const
const UDP_PROBE = { protocol: 'udp', sourcePort: 40000, port: 161, flags: 0, hasWholeHeader: true } as const

const TRANSPORTS: [string, Uint8Array | [Uint8Array, number], Transport | Undecoded][] = [
  ['TCP', ipv4(syn), ALL],
  ['no flags', ipv4(tcp(40000, 11, { flags: 0 })), { ...ALL, flags: 0 }],
  ['all flags', ipv4(tcp(40000, 11, { flags: 255 })), { ...ALL, flags: 255 }],
  ['high ports', ipv6(tcp(65535, 65534)), { ...ALL, sourcePort: 65535, port: 65534 }],
  ['UDP', ipv6(probe), UDP_PROBE],
  ['TCP, captured up to the flags', cut(ipv4(syn), 34), ALL],
  ['TCP, captured up to before the flags', cut(ipv4(syn), 33), 'truncated'],
  ['TCP that ends at its flags', ipv4(syn, { length: 34 }), { ...ALL, hasWholeHeader: false }],
  ['TCP that ends before its flags', ipv4(syn, { length: 33 }), 'malformed'],
  ['TCP that ends with its header', ipv4(syn, { length: 39 }), { ...ALL, hasWholeHeader: false }],
  ['UDP, captured up to the ports', cut(ipv4(probe), 24), UDP_PROBE],
  ['UDP, captured up to before the ports', cut(ipv4(probe), 23), 'truncated'],
  ['UDP that ends at its ports', ipv4(probe, { length: 24 }), { ...UDP_PROBE, hasWholeHeader: false }],
  ['UDP that ends before its ports', ipv4(probe, { length: 23 }), 'malformed'],
  ['behind extension headers', ipv6(syn, { extensions: [extension(0), extension(60, 2)] }), ALL],
]

it.each(TRANSPORTS)('transport: %s', (_, packet, expected) => {
  const [bytes] = Array.isArray(packet) ? packet : [packet]
  const datagram = readHeader(packet)
  if (typeof datagram === 'string') throw new Error(datagram)
  expect(readTransport(bytes, datagram)).toEqual(expected)
})
