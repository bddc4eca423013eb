import { formatAddress } from '../network.ts'
import { createBoundedMap } from './bounded-map.ts'
import type { Address } from './packet.ts'

/** How many IPv4 and IPv6 addresses a table holds. */
export interface FamilySizes {
  readonly ipv4: number
  readonly ipv6: number
}

/** A number for each address, 0 for those that are not in the table; at most `bound` a family. */
export interface AddressTable {
  get(address: Address): number
  set(address: Address, value: number): void
  clear(): void
  sizes(): FamilySizes
}

/** An address as a key of a map: IPv4 a signed 32-bit number, which takes the least room; IPv6 its 16 bytes as a text. */
export const keyOf = (address: Address): number | string => {
  const [a = 0, b = 0, c = 0, d = 0] = address
  return address.length === 4 ? (a << 24) | (b << 16) | (c << 8) | d : String.fromCharCode(...address)
}

/** As the daemons write an address. */
export const hostOf = (address: Address): string =>
  address.length === 4 ? `${address[0]}.${address[1]}.${address[2]}.${address[3]}` : formatAddress(address)

export const isSameAddress = (one: Address, other: Address): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])

export const createAddressTable = (bound: number): AddressTable => {
  const ipv4 = createBoundedMap<number | string, number>(bound)
  const ipv6 = createBoundedMap<number | string, number>(bound)
  const familyOf = (address: Address) => (address.length === 4 ? ipv4 : ipv6)
  return {
    get: (address) => familyOf(address).get(keyOf(address)) ?? 0,
    set: (address, value) => familyOf(address).set(keyOf(address), value),
    clear: () => {
      ipv4.clear()
      ipv6.clear()
    },
    sizes: () => ({ ipv4: ipv4.size(), ipv6: ipv6.size() }),
  }
}
