import { big, joined, type Octets } from './packets.ts'

const little = (value: number, length: number): number[] => big(value, length).reverse()

/** One packet for a file; `original` where it was cut short. */
export interface Recorded {
  readonly bytes: Uint8Array
  /** Milliseconds, whole ones. */
  readonly timeMs?: number
  readonly original?: number
}

interface FileFields {
  readonly linkType?: number
  readonly order?: 'big' | 'little'
}

const orderOf = (order: 'big' | 'little' = 'little') => (order === 'big' ? big : little)

/** A pcap file; `magic` as in a big-endian one. */
export const pcap = (
  records: readonly Recorded[],
  { linkType = 1, order, magic = 0xa1b2c3d4 }: FileFields & { readonly magic?: number } = {},
): Uint8Array => {
  const number = orderOf(order)
  const fractions = magic === 0xa1b23c4d ? 1_000_000 : 1000
  return joined(
    [...number(magic, 4), ...number(2, 2), ...number(4, 2), ...number(0, 8)],
    [...number(262144, 4), ...number(linkType, 4)],
    ...records.map(({ bytes, timeMs = 0, original = bytes.length }) =>
      joined(
        [...number(Math.floor(timeMs / 1000), 4), ...number((timeMs % 1000) * fractions, 4)],
        [...number(bytes.length, 4), ...number(original, 4)],
        bytes,
      ),
    ),
  )
}

const padded = (bytes: Octets): Uint8Array =>
  joined(bytes, Array<number>((4 - (bytes.length % 4)) % 4).fill(0))

/** The blocks of pcapng in one byte order. */
export const blocks = (order?: 'big' | 'little') => {
  const number = orderOf(order)
  const block = (type: number, body: Octets): Uint8Array => {
    const length = number(12 + padded(body).length, 4)
    return joined(number(type, 4), length, padded(body), length)
  }
  const option = (code: number, value: Octets): Uint8Array =>
    joined(number(code, 2), number(value.length, 2), padded(value))
  const halves = (units: bigint): number[] => [
    ...number(Number(units >> 32n), 4),
    ...number(Number(units & 0xffff_ffffn), 4),
  ]
  return {
    block,
    option,
    section: (major = 1): Uint8Array =>
      block(0x0a0d0d0a, [
        ...number(0x1a2b3c4d, 4),
        ...number(major, 2),
        ...number(0, 2),
        ...Array<number>(8).fill(255),
      ]),
    interface: (linkType = 1, options: readonly Octets[] = [], snapLength = 0): Uint8Array =>
      block(1, joined(number(linkType, 2), [0, 0], number(snapLength, 4), ...options)),
    resolution: (exponent: number): Uint8Array => option(9, [exponent]),
    offset: (seconds: bigint): Uint8Array => {
      const bytes = [
        ...big(Number((seconds >> 32n) & 0xffff_ffffn), 4),
        ...big(Number(seconds & 0xffff_ffffn), 4),
      ]
      return option(14, order === 'big' ? bytes : bytes.reverse())
    },
    enhanced: (bytes: Octets, units = 0n, original = bytes.length, from = 0): Uint8Array =>
      block(6, [
        ...number(from, 4),
        ...halves(units),
        ...number(bytes.length, 4),
        ...number(original, 4),
        ...padded(bytes),
      ]),
    simple: (bytes: Octets, original = bytes.length): Uint8Array =>
      block(3, [...number(original, 4), ...padded(bytes)]),
    obsolete: (bytes: Octets, units = 0n, from = 0): Uint8Array =>
      block(2, [
        ...number(from, 2),
        ...[0, 9],
        ...halves(units),
        ...number(bytes.length, 4),
        ...number(bytes.length, 4),
        ...padded(bytes),
      ]),
  }
}
