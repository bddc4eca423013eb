import { expect, it } from 'vitest'
import { createDecoder } from '../../src/detector/decode.ts'
import type { Undecoded } from '../../src/detector/link-layer.ts'
import type { Packet } from '../../src/detector/packet.ts'
import { formatAddress } from '../../src/network.ts'
import { frameOf } from './captures.ts'
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

type Packed = Uint8Array | [bytes: Uint8Array, originalLength: number]

const SYN = { protocol: 'tcp', sourcePort: 40000, port: 11, flags: 2 } as const
const PROBE = { protocol: 'udp', sourcePort: 40000, port: 161, flags: 0 } as const

const HEADERS: [string, Packed, Partial<Packet> | Undecoded][] = [
  ['IPv4', ipv4(syn), { ...SYN, hasIpOptions: false, isFragment: false }],
  ['options', ipv4(syn, { options: OPTIONS }), { ...SYN, hasIpOptions: true }],
  ['all options', ipv4(syn, { options: Array<number>(40).fill(1) }), { ...SYN, hasIpOptions: true }],
  ['Ethernet’s padding', joined(ipv4(syn), [0, 0, 0, 0, 0, 0]), SYN],
  ['a length of 0', ipv4(syn, { length: 0 }), SYN],
  ['a length beyond what is there', ipv4(syn, { length: 1500 }), SYN],
  ['a packet cut by the capture', cut(ipv4(probe), 26), PROBE],
  ['a header length of 4 words', with_(ipv4(syn), 0, 0x44), 'malformed'],
  ['a header length of 0', with_(ipv4(syn), 0, 0x40), 'malformed'],
  ['another version', with_(ipv4(syn), 0, 0x55), 'malformed'],
  ['a length below the header’s', ipv4(syn, { length: 19 }), 'malformed'],
  ['a header longer than the packet', with_(ipv4(syn), 0, 0x4f), 'malformed'],
  ['a header cut by the capture', cut(ipv4(syn), 19), 'truncated'],
  ['options cut by the capture', cut(ipv4(syn, { options: OPTIONS }), 22), 'truncated'],
  ['half a header on the wire', ipv4(syn).subarray(0, 19), 'malformed'],
  ['ICMP', ipv4(icmp(8, 0, [])), 'otherProtocol'],
  ['the first fragment', ipv4(syn, { more: true }), { ...SYN, isFragment: true }],
  ['a later one', ipv4(syn, { offset: 24, more: true }), 'fragments'],
  ['the last one', ipv4(syn, { offset: 65528 }), 'fragments'],
  ['a fragment of ICMP', ipv4(icmp(8, 0, []), { more: true }), 'otherProtocol'],
  ['IPv6, which has no options', ipv6(syn), { ...SYN, hasIpOptions: null, isFragment: false }],
  ['padding behind IPv6', joined(ipv6(syn), [0, 0]), SYN],
  ['IPv6 with a length of 0', ipv6(syn, { length: 0 }), SYN],
  ['IPv6 with a length beyond', ipv6(syn, { length: 9000 }), SYN],
  ['half of an IPv6 header', ipv6(syn).subarray(0, 39), 'malformed'],
  ['IPv6 cut by the capture', cut(ipv6(syn), 39), 'truncated'],
  ['ICMPv6', ipv6(payload(58, [128, 0, 0, 0])), 'otherProtocol'],
  ['an extension header', ipv6(syn, { extensions: [extension(0)] }), 'otherProtocol'],
  ['ESP', ipv6(payload(50, [])), 'otherProtocol'],
  ['no next header', ipv6(payload(59, [])), 'otherProtocol'],
  ['the first fragment of IPv6', ipv6(syn, { extensions: [fragmentHeader(0, true)] }), 'fragments'],
  [
    'the last fragment of IPv6',
    ipv6(payload(17, [1, 2, 3]), { extensions: [fragmentHeader(1448, false)] }),
    'fragments',
  ],
  ['no flags', ipv4(tcp(40000, 11, { flags: 0 })), { ...SYN, flags: 0 }],
  ['all flags', ipv4(tcp(40000, 11, { flags: 255 })), { ...SYN, flags: 255 }],
  ['high ports', ipv6(tcp(65535, 65534)), { ...SYN, sourcePort: 65535, port: 65534 }],
  ['UDP', ipv6(probe), PROBE],
  ['TCP, captured up to the flags', cut(ipv4(syn), 34), SYN],
  ['TCP, captured up to before the flags', cut(ipv4(syn), 33), 'truncated'],
  ['TCP that ends with its header', ipv4(syn, { length: 40 }), SYN],
  ['TCP that ends before its header', ipv4(syn, { length: 39 }), 'malformed'],
  ['UDP, captured up to the ports', cut(ipv4(probe), 24), PROBE],
  ['UDP, captured up to before the ports', cut(ipv4(probe), 23), 'truncated'],
  ['UDP that ends with its header', ipv4(probe, { length: 28 }), PROBE],
  ['UDP that ends before its header', ipv4(probe, { length: 27 }), 'malformed'],
]

/** What becomes of a packet in a frame without a link layer. */
const read = (packed: Packed): Packet | string => {
  const [bytes, originalLength] = Array.isArray(packed) ? packed : [packed, packed.length]
  const { decode, counts } = createDecoder()
  const packet = decode(frameOf({ timeMs: 0, linkType: 101, bytes, originalLength }))
  return packet ?? Object.entries(counts).find(([, count]) => count > 0)?.[0] ?? 'nothing'
}

it.each(HEADERS)('%s', (_, packed, expected) => {
  const packet = read(packed)
  if (typeof expected === 'string' || typeof packet === 'string') expect(packet).toBe(expected)
  else expect(packet).toMatchObject(expected)
})

it('reads the addresses', () => {
  const addressesOf = (packed: Packed) => {
    const packet = read(packed)
    if (typeof packet === 'string') throw new Error(packet)
    return [packet.source, packet.destination].map(formatAddress)
  }
  expect(addressesOf(ipv4(syn))).toEqual(['203.0.113.9', '192.168.1.10'])
  expect(addressesOf(ipv6(syn))).toEqual(['2001:db8::9', 'fd00::10'])
})

it('takes no version but the one that the link layer says', () => {
  expect(read(with_(ipv6(syn), 0, 0x40))).toBe('malformed')
})
