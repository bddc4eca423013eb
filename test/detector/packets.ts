import { parseAddress } from '../../src/network.ts'

export type Octets = readonly number[] | Uint8Array

export const joined = (...parts: readonly Octets[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]))

export const big = (value: number, length: number): number[] =>
  Array.from({ length }, (_, index) => Math.floor(value / 256 ** (length - 1 - index)) % 256)

export const bytesOf = (address: string): readonly number[] => {
  const bytes = parseAddress(address)
  if (bytes === null) throw new Error(`${address} is not an address`)
  return bytes
}

/** The internet checksum of RFC 1071. */
const checksum = (bytes: Uint8Array): number => {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536)
  return 0xffff - sum
}

/** What IP and its payload need to know of each other. */
interface Ends {
  readonly from: string
  readonly to: string
}

/** A payload whose checksum covers the addresses. */
export interface Payload {
  readonly protocol: number
  bytes(ends: Ends): Uint8Array
}

const withChecksum = (protocol: number, bytes: Uint8Array, at: number, { from, to }: Ends): Uint8Array => {
  const pseudo = joined(bytesOf(from), bytesOf(to), big(bytes.length, 4), big(protocol, 4))
  bytes.set(big(checksum(joined(pseudo, bytes)) || (protocol === 17 ? 0xffff : 0), 2), at)
  return bytes
}

interface TcpFields {
  readonly flags?: number
  readonly sequence?: number
  readonly acknowledged?: number
  /** A multiple of 4 bytes. */
  readonly options?: readonly number[]
  readonly data?: Octets
}

export const tcp = (sourcePort: number, port: number, fields: TcpFields = {}): Payload => ({
  protocol: 6,
  bytes: (ends) => {
    const { flags = 2, sequence = 1, acknowledged = 0, options = [], data = [] } = fields
    const header = [
      ...big(sourcePort, 2),
      ...big(port, 2),
      ...big(sequence, 4),
      ...big(acknowledged, 4),
      ...[(5 + options.length / 4) * 16, flags, 4, 0, 0, 0, 0, 0],
    ]
    return withChecksum(6, joined(header, options, data), 16, ends)
  },
})

export const udp = (sourcePort: number, port: number, data: Octets = []): Payload => ({
  protocol: 17,
  bytes: (ends) =>
    withChecksum(
      17,
      joined([...big(sourcePort, 2), ...big(port, 2), ...big(8 + data.length, 2), 0, 0], data),
      6,
      ends,
    ),
})

/** ICMP of IPv4, whose checksum covers no addresses. */
export const icmp = (type: number, code: number, data: Octets): Payload => ({
  protocol: 1,
  bytes: () => {
    const bytes = joined([type, code, 0, 0, 0, 0, 0, 0], data)
    bytes.set(big(checksum(bytes), 2), 2)
    return bytes
  },
})

/** Something that is taken as it is. */
export const payload = (protocol: number, bytes: Octets): Payload => ({
  protocol,
  bytes: () => joined(bytes),
})

interface IPv4Fields extends Partial<Ends> {
  readonly id?: number
  readonly options?: readonly number[]
  readonly offset?: number
  readonly more?: boolean
  /** Where the length field does not tell the truth. */
  readonly length?: number
}

export const ipv4 = (content: Payload, fields: IPv4Fields = {}): Uint8Array => {
  const { from = '203.0.113.9', to = '192.168.1.10', id = 1, options = [], offset = 0, more = false } = fields
  const data = content.bytes({ from, to })
  const headerLength = 20 + options.length
  const header = joined(
    [0x40 + headerLength / 4, 0, ...big(fields.length ?? headerLength + data.length, 2), ...big(id, 2)],
    [...big((more ? 0x2000 : 0) + offset / 8, 2), 64, content.protocol, 0, 0],
    bytesOf(from),
    bytesOf(to),
    options,
  )
  header.set(big(checksum(header), 2), 10)
  return joined(header, data)
}

/** An extension header: its number, and its bytes, the first of which names the next. */
export interface Extension {
  readonly number: number
  readonly bytes: readonly number[]
}

/** One of `length` + 1 times 8 bytes (an authentication header: 16 more) that says nothing. */
export const extension = (number: number, length = 0): Extension => {
  const zeros = (count: number): number[] => Array<number>(count).fill(0)
  if (number === 51) return { number, bytes: [0, length * 2 + 4, ...zeros(length * 8 + 22)] }
  // A routing header of type 0 with no address; padding in all others.
  const start = number === 43 ? [0, length, 0, 0] : [0, length, 1, length * 8 + 4]
  return { number, bytes: [...start, ...zeros(length * 8 + 4)] }
}

export const fragmentHeader = (offset: number, more: boolean, id = 7): Extension => ({
  number: 44,
  bytes: [0, 0, ...big(offset + (more ? 1 : 0), 2), ...big(id, 4)],
})

/** Extension headers in front of a payload, each naming the next; the number of the first. */
const chained = (content: Payload, extensions: readonly Extension[]): Payload => ({
  protocol: extensions[0]?.number ?? content.protocol,
  bytes: (ends) =>
    joined(
      ...extensions.map(({ bytes }, index) => [
        extensions[index + 1]?.number ?? content.protocol,
        ...bytes.slice(1),
      ]),
      content.bytes(ends),
    ),
})

interface IPv6Fields extends Partial<Ends> {
  readonly extensions?: readonly Extension[]
  readonly length?: number
}

export const ipv6 = (content: Payload, fields: IPv6Fields = {}): Uint8Array => {
  const { from = '2001:db8::9', to = 'fd00::10', extensions = [] } = fields
  const whole = chained(content, extensions)
  const data = whole.bytes({ from, to })
  const length = big(fields.length ?? data.length, 2)
  return joined([0x60, 0, 0, 0, ...length, whole.protocol, 64], bytesOf(from), bytesOf(to), data)
}

const isIPv6 = (packet: Uint8Array): boolean => (packet[0] ?? 0) >> 4 === 6

const etherTypeOf = (packet: Uint8Array): number[] => (isIPv6(packet) ? [0x86, 0xdd] : [8, 0])

const SERVER_MAC = [2, 0, 0, 0, 0, 0x10]
const ROUTER_MAC = [2, 0, 0, 0, 0, 1]

interface EthernetFields {
  readonly source?: readonly number[]
  readonly destination?: readonly number[]
  /** EtherTypes of VLAN tags, the outermost first. */
  readonly tags?: readonly number[]
  readonly etherType?: readonly number[]
}

export const ethernet = (packet: Uint8Array, fields: EthernetFields = {}): Uint8Array => {
  const { source = ROUTER_MAC, destination = SERVER_MAC, tags = [] } = fields
  const tagged = tags.flatMap((tag, index) => [...big(tag, 2), 0, index + 1])
  return joined(destination, source, tagged, fields.etherType ?? etherTypeOf(packet), packet)
}

export const cooked = (packet: Uint8Array, packetType = 0): Uint8Array =>
  joined([0, packetType, 0, 1, 0, 6, ...ROUTER_MAC, 0, 0, ...etherTypeOf(packet)], packet)

export const cooked2 = (packet: Uint8Array, packetType = 0): Uint8Array =>
  joined([...etherTypeOf(packet), 0, 0, 0, 0, 0, 2, 0, 1, packetType, 6, ...ROUTER_MAC, 0, 0], packet)
