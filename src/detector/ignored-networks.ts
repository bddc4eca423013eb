import type { IgnoreList } from '../documents/ignore-list.ts'
import { lastAddressOf, networkOf } from '../network.ts'
import type { Address } from './packet.ts'

/** The number of the line by which an address is ignored, or null: the first line whose network has it. */
export type IgnoringLine = (address: Address) => number | null

interface Ignored {
  readonly first: Address
  readonly last: Address
  readonly line: number
}

const compare = (one: Address, other: Address): number => {
  for (let index = 0; index < one.length; index++) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The next address; null after the last one of the family. */
const successorOf = (address: Address): Address | null => {
  const carry = address.findLastIndex((byte) => byte !== 255)
  return carry === -1
    ? null
    : address.map((byte, index) => (index < carry ? byte : index === carry ? byte + 1 : 0))
}

/** Where, in the order of the addresses, another line begins to count; 0: none. */
interface Boundary {
  readonly from: Address
  readonly line: number
}

/** Networks contain each other or have nothing in common, so those that contain an address are a stack. */
const boundariesOf = (ignored: readonly Ignored[]): Boundary[] => {
  const sorted = [...ignored].sort(
    (one, other) => compare(one.first, other.first) || compare(other.last, one.last),
  )
  const boundaries: Boundary[] = []
  const open: Ignored[] = []
  const change = (from: Address, line: number): void => {
    const previous = boundaries.at(-1)
    if (previous !== undefined && compare(previous.from, from) === 0) boundaries.pop()
    boundaries.push({ from, line })
  }
  const closeBefore = (address: Address | null): void => {
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      if (address !== null && compare(top.last, address) >= 0) return
      open.pop()
      const from = successorOf(top.last)
      if (from !== null) change(from, open.at(-1)?.line ?? 0)
    }
  }
  for (const { first, last, line } of sorted) {
    closeBefore(first)
    const counting = Math.min(line, open.at(-1)?.line ?? line)
    open.push({ first, last, line: counting })
    change(first, counting)
  }
  closeBefore(null)
  return boundaries
}

const wordAt = (address: Address, at: number): number =>
  (((address[at] ?? 0) << 24) |
    ((address[at + 1] ?? 0) << 16) |
    ((address[at + 2] ?? 0) << 8) |
    (address[at + 3] ?? 0)) >>>
  0

/** The lines for the addresses of one family, which have `length` bytes: boundaries in typed arrays, and a binary search. */
const createFamily = (list: IgnoreList, length: number): IgnoringLine => {
  const boundaries = boundariesOf(
    list.entries.flatMap(({ network, line }) => {
      if (network?.bytes.length !== length) return []
      return [{ first: networkOf(network).bytes, last: lastAddressOf(network), line }]
    }),
  )
  const words = length / 4
  const starts = Uint32Array.from(
    boundaries.flatMap(({ from }) => Array.from({ length: words }, (_, index) => wordAt(from, index * 4))),
  )
  const lines = Int32Array.from(boundaries, ({ line }) => line)
  const wanted = new Uint32Array(words)

  const isAtOrBefore = (boundary: number): boolean => {
    for (let index = 0; index < words; index++) {
      const difference = (starts[boundary * words + index] as number) - (wanted[index] as number)
      if (difference !== 0) return difference < 0
    }
    return true
  }

  return (address) => {
    for (let index = 0; index < words; index++) wanted[index] = wordAt(address, index * 4)
    let low = 0
    let high = lines.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAtOrBefore(middle)) low = middle + 1
      else high = middle
    }
    return (low === 0 ? 0 : lines[low - 1]) || null
  }
}

/** The same answers as `ignoringLine` of the list, for many addresses: the time hardly depends on the number of entries. */
export const createIgnoringLine = (list: IgnoreList): IgnoringLine => {
  const four = createFamily(list, 4)
  const six = createFamily(list, 16)
  return (address) => (address.length === 4 ? four : six)(address)
}
