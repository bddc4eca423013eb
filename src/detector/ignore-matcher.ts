import type { IgnoreList } from '../documents/ignore-list.ts'
import type { Network } from '../network.ts'
import type { Address } from './packet.ts'

/** The number of the line by which an address is ignored, or null. */
export type IgnoreMatcher = (source: Address) => number | null

const maskOf = (bits: number): number => (0xff00 >> Math.min(8, Math.max(0, bits))) & 0xff

/** Whether the address lies in the network, whose host bits do not count. */
const matches = ({ bytes, prefix }: Network, address: Address): boolean =>
  bytes.length === address.length &&
  bytes.every((byte, index) => ((byte ^ (address[index] ?? 0)) & maskOf(prefix - index * 8)) === 0)

/** The first entry counts, as in both daemons. */
export const createIgnoreMatcher = ({ entries }: IgnoreList): IgnoreMatcher => {
  const networks = entries.flatMap(({ network, line }) => (network === null ? [] : [{ network, line }]))
  return (source) => networks.find(({ network }) => matches(network, source))?.line ?? null
}
