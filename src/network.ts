/**
 * An IPv4 or IPv6 network, or a single host (`/32`, `/128`). `bytes` is the address as written, including host bits, in
 * network order (4 or 16 numbers); `prefix` counts bits.
 */
export interface Network {
  readonly bytes: readonly number[]
  readonly prefix: number
}

/** The protocol of portward's routes. Routing daemons have their own numbers, which end at 198 (FRR). */
export const ROUTE_PROTOCOL = '211'

/** The source of a regular expression for a decimal octet, without leading zeros, which some consumers read as octal. */
export const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
/** The same for strictly dotted IPv4: four such octets. */
export const DOTTED_QUAD = String.raw`(?:${OCTET}\.){3}${OCTET}`
const DOTTED = new RegExp(`^${DOTTED_QUAD}$`)

const parseIPv4 = (text: string): number[] | null => (DOTTED.test(text) ? text.split('.').map(Number) : null)

const hexadecimalGroups = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]): string =>
  `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`

const GROUPS = /^[\da-f]{1,4}(?::[\da-f]{1,4}){0,7}$/i

/** Groups of IPv6 as numbers; null for other texts. */
const parseGroups = (text: string): number[] | null => {
  if (text === '') return []
  return GROUPS.test(text) ? text.split(':').map((group) => Number.parseInt(group, 16)) : null
}

const parseIPv6 = (text: string): number[] | null => {
  const tail = text.slice(text.lastIndexOf(':') + 1)
  const dotted = tail.includes('.') ? parseIPv4(tail) : undefined
  if (dotted === null) return null
  const hexadecimal = dotted ? text.slice(0, -tail.length) + hexadecimalGroups(dotted) : text
  const [before, after, second] = hexadecimal.split('::', 3)
  const [left, right] = [parseGroups(before ?? ''), parseGroups(after ?? '')]
  if (left === null || right === null || second !== undefined) return null
  const gap = 8 - left.length - right.length
  if (after === undefined ? gap !== 0 : gap < 1) return null
  const groups = [...left, ...Array.from({ length: gap }, () => 0), ...right]
  return groups.flatMap((group) => [group >> 8, group & 255])
}

/** The bytes of an address, or null where the text is not one. Zone indices (`%eth0`) are not accepted. */
export const parseAddress = (text: string): readonly number[] | null =>
  text.includes(':') ? parseIPv6(text) : parseIPv4(text)

/** As inet_addr() of the C library reads it: one to four decimal, octal or hexadecimal numbers, the last one filling the remaining bytes. */
export const parseInetAddress = (text: string): readonly number[] | null => {
  const parts = text.split('.')
  if (parts.length > 4 || !parts.every((part) => /^(?:0x[\da-f]+|0[0-7]*|[1-9]\d{0,9})$/i.test(part)))
    return null
  const values = parts.map((part) => (/^0\d/.test(part) ? Number.parseInt(part, 8) : Number(part)))
  const last = values.pop() as number
  const room = 4 - values.length
  if (values.some((value) => value > 255) || last >= 256 ** room) return null
  return [
    ...values,
    ...Array.from({ length: room }, (_, index) => Math.floor(last / 256 ** (room - 1 - index)) % 256),
  ]
}

/** Bits of a dotted netmask, or null if it is not one or has a hole. `0.0.0.0` gives 0. */
export const parseNetmask = (text: string): number | null => {
  const bits = (parseIPv4(text) ?? []).map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return /^1*0*$/.test(bits) && bits !== '' ? bits.lastIndexOf('1') + 1 : null
}

/** `A`, `A/bits` and, for IPv4, `A/dotted-mask`; null for other texts. */
export const parseNetwork = (text: string): Network | null => {
  const slash = text.indexOf('/')
  const bytes = parseAddress(slash === -1 ? text : text.slice(0, slash))
  if (bytes === null) return null
  const bits = bytes.length * 8
  if (slash === -1) return { bytes, prefix: bits }
  const mask = text.slice(slash + 1)
  const prefix = /^(?:0|[1-9]\d{0,2})$/.test(mask) ? Number(mask) : bits === 32 ? parseNetmask(mask) : null
  return prefix === null || prefix > bits ? null : { bytes, prefix }
}

/** The byte at `index` of the netmask of this length. */
const maskAt = (prefix: number, index: number): number =>
  (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 0xff

/** The same network without host bits: 192.168.1.10/24 becomes 192.168.1.0/24. */
export const networkOf = ({ bytes, prefix }: Network): Network => ({
  bytes: bytes.map((byte, index) => byte & maskAt(prefix, index)),
  prefix,
})

export const hasHostBits = (network: Network): boolean =>
  networkOf(network).bytes.some((byte, index) => byte !== network.bytes[index])

export const isIPv4 = (network: Network): boolean => network.bytes.length === 4

/** Loopback: 127.0.0.0/8 and ::1. */
export const isLoopback = (bytes: readonly number[]): boolean =>
  bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0))

export const isHost = (network: Network): boolean => network.prefix === network.bytes.length * 8

/** Whether every address of `inner` is in `outer` (host bits of both are ignored). */
export const contains = (outer: Network, inner: Network): boolean => {
  if (outer.bytes.length !== inner.bytes.length || outer.prefix > inner.prefix) return false
  // Most pairs differ in the first byte.
  for (let index = 0; index * 8 < outer.prefix; index += 1) {
    const difference = (outer.bytes[index] ?? 0) ^ (inner.bytes[index] ?? 0)
    if ((difference & maskAt(outer.prefix, index)) !== 0) return false
  }
  return true
}

/** Whether the networks have an address in common. */
export const overlap = (a: Network, b: Network): boolean => contains(a, b) || contains(b, a)

/** Whether both are the same network (host bits of both are ignored). */
export const isSameNetwork = (a: Network, b: Network): boolean => contains(a, b) && contains(b, a)

/** Whether one of the networks contains all of this one. */
export const isWithin = (networks: readonly Network[], network: Network): boolean =>
  networks.some((outer) => contains(outer, network))

const compressZeros = (groups: string): string => {
  const runs = [...groups.matchAll(/\b0(?::0)+\b/g)].sort((a, b) => b[0].length - a[0].length)
  const [{ 0: longest, index } = { 0: '', index: 0 }] = runs
  if (longest === '') return groups
  return `${groups.slice(0, index)}::${groups.slice(index + longest.length)}`.replace(/:{3,}/g, '::')
}

/** An IPv4 address as a signed 32-bit number, like the results of `&` and `~`. */
export const toNumber = (bytes: readonly number[]): number =>
  bytes.reduce((value, byte) => (value << 8) | byte, 0)

/** The netmask of this length as such a number. */
export const netmask = (prefix: number): number => ~(2 ** (32 - prefix) - 1)

/**
 * Whether a host or network, as text, is in one of these networks: for many of them, since a dotted address takes as long with
 * ten networks as with a million.
 */
export const createMatcher = (networks: readonly Network[]): ((text: string) => boolean) => {
  const byMask = new Map<number, Set<number>>()
  for (const { bytes, prefix } of networks.filter(isIPv4)) {
    const mask = netmask(prefix)
    byMask.set(mask, (byMask.get(mask) ?? new Set()).add(toNumber(bytes) & mask))
  }
  const masks = [...byMask]
  return (text) => {
    const dotted = parseIPv4(text)
    if (dotted === null) {
      const network = parseNetwork(text)
      return network !== null && isWithin(networks, network)
    }
    const address = toNumber(dotted)
    return masks.some(([mask, set]) => set.has(address & mask))
  }
}

/** Canonical text: dotted, or lower-case compressed IPv6, which is the only form that portsentry 2.x accepts. */
export const formatAddress = (bytes: readonly number[]): string =>
  bytes.length === 4
    ? bytes.join('.')
    : compressZeros([0, 4, 8, 12].map((at) => hexadecimalGroups(bytes.slice(at, at + 4))).join(':'))

/** An address in canonical text; null for other texts. Dotted IPv4 has no other form. */
export const canonicalAddress = (text: string): string | null => {
  if (DOTTED.test(text)) return text
  const bytes = parseAddress(text)
  return bytes === null ? null : formatAddress(bytes)
}

/** `192.168.1.0/24`, host bits kept as they are. */
export const formatCidr = ({ bytes, prefix }: Network): string => `${formatAddress(bytes)}/${prefix}`

/** A host without its prefix, a network with it, host bits kept as they are. */
export const formatNetwork = (network: Network): string =>
  isHost(network) ? formatAddress(network.bytes) : formatCidr(network)

/** A text in the form of `formatNetwork`; null for other texts. */
export const canonicalNetwork = (text: string): string | null => {
  if (!text.includes('/')) return canonicalAddress(text)
  const network = parseNetwork(text)
  return network && formatNetwork(network)
}

/** The dotted netmask of an IPv4 network. */
export const formatNetmask = ({ prefix }: Network): string =>
  formatAddress([0, 1, 2, 3].map((index) => maskAt(prefix, index)))

export const lastAddressOf = ({ bytes, prefix }: Network): readonly number[] =>
  bytes.map((byte, index) => byte | (255 - maskAt(prefix, index)))

/** The last address of an IPv4 network with hosts (prefix below 31), else null. */
export const broadcastOf = (network: Network): readonly number[] | null =>
  isIPv4(network) && network.prefix < 31 ? lastAddressOf(network) : null

/** Distinct networks in the given order, without those contained in another one of the list. */
export const withoutContained = (networks: readonly Network[]): Network[] =>
  networks.filter(
    (network, index) =>
      !networks.some(
        (other, otherIndex) =>
          otherIndex !== index &&
          contains(other, network) &&
          (!contains(network, other) || otherIndex < index),
      ),
  )

/** An IPv4-mapped IPv6 network (::ffff:0:0/96) as the IPv4 network that it is, as libwrap treats it; others as they are. */
export const unmapped = (network: Network): Network =>
  network.prefix >= 96 &&
  contains({ bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0], prefix: 96 }, network)
    ? { bytes: network.bytes.slice(12), prefix: network.prefix - 96 }
    : network

/** An IPv4-mapped IPv6 address as the IPv4 address that it is; others as they are. */
export const unmappedAddress = (bytes: readonly number[]): readonly number[] =>
  unmapped({ bytes, prefix: bytes.length * 8 }).bytes
