import {
  cooked,
  cooked2,
  ethernet,
  extension,
  fragmentHeader,
  icmp,
  ipv4,
  ipv6,
  payload,
  tcp,
  udp,
} from './packets.ts'

/** Options of IPv4: record route, router alert, nothing at all. */
const OPTIONS = [
  [7, 7, 4, 0, 0, 0, 0, 0],
  [0x94, 4, 0, 0],
  [1, 1, 1, 0],
]

const MSS = [2, 4, 5, 0xb4]
const FRAGMENT = udp(40001, 40002, Array<number>(64).fill(9)).bytes({
  from: '203.0.113.9',
  to: '192.168.1.10',
})

/** Packets of every kind that the decoder tells apart. */
const PACKETS: readonly Uint8Array[] = [
  ...Array.from({ length: 16 }, (_, high) =>
    ipv4(tcp(40000 + high, 1 + high, { flags: high * 17, options: MSS })),
  ),
  ...[1, 2, 4, 8, 16, 18, 20, 32, 41, 64, 128, 255].map((flags) =>
    ipv6(tcp(65535, 443, { flags, data: [1, 2] })),
  ),
  ...OPTIONS.map((options) => ipv4(tcp(1, 65535), { options, from: '198.51.100.23' })),
  ...[[], [1], Array<number>(100).fill(3)].map((data) =>
    ipv4(udp(40000, 40100, data), { to: '255.255.255.255' }),
  ),
  ...[[], [0], [60], [0, 60], [0, 43, 60], [51]].map((numbers) =>
    ipv6(tcp(40000, 7), { extensions: numbers.map((number) => extension(number)) }),
  ),
  ipv6(udp(40000, 40100, [1, 2, 3]), { to: 'ff02::1' }),
  ipv4(icmp(8, 0, [1, 2, 3])),
  ipv4(payload(17, FRAGMENT.subarray(0, 24)), { more: true, id: 77 }),
  ipv4(payload(17, FRAGMENT.subarray(24, 48)), { more: true, id: 77, offset: 24 }),
  ipv4(payload(17, FRAGMENT.subarray(48)), { id: 77, offset: 48 }),
  ipv6(tcp(40000, 79, { data: [1, 2, 3, 4] }), { extensions: [fragmentHeader(0, true)] }),
  ipv6(payload(6, [5, 6, 7]), { extensions: [fragmentHeader(24, false)] }),
]

const TAGS = [[], [0x8100], [0x88a8, 0x8100], [0x9100, 0x8100, 0x8100]]
const DESTINATIONS = [
  [255, 255, 255, 255, 255, 255],
  [1, 0, 0x5e, 0, 0, 1],
]

export interface Capture {
  readonly linkType: number
  readonly frames: readonly Uint8Array[]
}

const packetTypeOf = (index: number): number => index % 5

/** Valid frames of every link type, for tests that hold the decoder against others or spoil them. */
export const CORPUS: Record<string, Capture> = {
  ethernet: {
    linkType: 1,
    frames: [
      ...PACKETS.flatMap((packet) => TAGS.map((tags) => ethernet(packet, { tags }))),
      ...DESTINATIONS.map((destination) => ethernet(ipv4(udp(40000, 40100, [1])), { destination })),
      ethernet(new Uint8Array(28), { etherType: [8, 6] }),
    ],
  },
  cooked: { linkType: 113, frames: PACKETS.map((packet, index) => cooked(packet, packetTypeOf(index))) },
  cooked2: { linkType: 276, frames: PACKETS.map((packet, index) => cooked2(packet, packetTypeOf(index))) },
  raw: { linkType: 101, frames: PACKETS },
}
