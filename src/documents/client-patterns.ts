import {
  contains,
  formatAddress,
  isHost,
  isIPv4,
  type Network,
  netmask,
  networkOf,
  overlap,
  parseAddress,
  parseInetAddress,
  parseNetwork,
  toNumber,
  unmapped,
} from '../network.ts'
import { leadingTexts } from './other-addresses.ts'
import { globMatches, isAnything, splitAt, splitExcept } from './wrapper-tokens.ts'

/** dot_quad_addr(): four numbers, octal and hexadecimal ones too. 255.255.255.255 is its error value: null. */
const dottedQuad = (text: string): number | null => {
  const bytes = text.split('.').length === 4 ? parseInetAddress(text) : null
  return bytes?.some((byte) => byte !== 255) ? toNumber(bytes) : null
}

const leadingInteger = (text: string): number =>
  Number(BigInt.asIntN(32, BigInt(/^[ \t-\r]*([+-]?\d+)/.exec(text)?.[1] ?? 0)))

const maskNumber = (mask: string): number | null => {
  const dotted = dottedQuad(mask)
  if (dotted !== null) return dotted
  const bits = leadingInteger(mask)
  return bits >= 1 && bits <= 32 ? netmask(bits) : null
}

/** `[net]/bits` as masked_match6() reads it: host bits are ignored, bits that are not a number count as 0. */
const bracketed = (net: string, mask = '128'): Network | null => {
  const bytes = /^\[.*\]$/s.test(net) ? parseAddress(net.slice(1, -1)) : null
  const prefix = leadingInteger(mask)
  return bytes?.length !== 16 || prefix < 0 || prefix > 128 ? null : { bytes, prefix }
}

/** Exact for hosts and for IPv4 networks of at most 65536 addresses, else only for `prefix*`. */
const globCovers = (pattern: string, network: Network): boolean => {
  if (isHost(network)) return globMatches(pattern, formatAddress(network.bytes))
  if (!isIPv4(network)) return false
  if (/^[^*?]*\*$/.test(pattern))
    return leadingTexts(network).every((it) => it.startsWith(pattern.slice(0, -1)))
  if (network.prefix < 16) return false
  const first = toNumber(networkOf(network).bytes)
  const end = first + 2 ** (32 - network.prefix)
  const matches = (value: number) =>
    globMatches(pattern, `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`)
  // Most patterns that do not match all do not match the last address: a file full of patterns must not take minutes.
  if (!matches(end - 1)) return false
  for (let value = first; value < end; value++) if (!matches(value)) return false
  return true
}

/** Every masked address must equal the net, so the mask must not have bits of the network's host part. */
const maskCovers = (net: string, mask: string, network: Network): boolean => {
  const [base, bits] = [dottedQuad(net), maskNumber(mask)]
  if (base === null || bits === null || (bits & ~netmask(network.prefix)) !== 0) return false
  return (toNumber(network.bytes) & bits) === base
}

/** Host names, KNOWN, LOCAL, `@netgroup` and `/file` fall through to the last line: they never equal an address. */
const hostCovers = (pattern: string, network: Network): boolean => {
  if (isAnything(pattern)) return true
  const [net, mask] = splitAt(pattern, '/')
  if (mask !== null && isIPv4(network)) return maskCovers(net, mask, network)
  const outer = bracketed(net, mask ?? undefined)
  if (outer !== null) return contains(outer, network)
  if (mask !== null) return false
  if (/[*?]/.test(pattern)) return globCovers(pattern, network)
  if (pattern.endsWith('.') && isIPv4(network))
    return leadingTexts(network).every((it) => it.startsWith(pattern))
  const text = formatAddress(network.bytes)
  return isHost(network) && (pattern.startsWith('.') ? text.endsWith(pattern) : text === pattern)
}

/**
 * Whether libwrap matches every address of the network with this client pattern, whatever its name is (client_match,
 * host_match and string_match in hosts_access.c). IPv4 `net/mask` with host bits matches nothing, neither do
 * `/255.255.255.255` and `/0`; for `[net]/bits` host bits are ignored.
 */
export const clientCovers = (pattern: string, network: Network): boolean => {
  const [user, host] = splitAt(pattern, '@', 1)
  if (host === null) return hostCovers(pattern, unmapped(network))
  return isAnything(user) && hostCovers(host, unmapped(network))
}

/** Whether the pattern may match some address of the network: false only if that can be ruled out. */
const clientMeets = (pattern: string, network: Network): boolean => {
  const inner = unmapped(network)
  const [net, mask] = splitAt(pattern, '/')
  const outer = bracketed(net, mask ?? undefined)
  if (outer !== null) return overlap(outer, inner)
  if (!/^[\d.]+$/.test(net)) return true
  if (!isIPv4(inner)) return false
  if (mask === null && net.endsWith('.')) {
    return leadingTexts(inner).some((text) => text.startsWith(net) || net.startsWith(text))
  }
  if (mask === null) {
    const host = parseNetwork(net)
    return host === null || contains(inner, host)
  }
  const [base, bits] = [dottedQuad(net), maskNumber(mask)]
  if (base === null || bits === null || (base & ~bits) !== 0) return false
  return ((toNumber(inner.bytes) ^ base) & bits & netmask(inner.prefix)) === 0
}

/** Whether it is an IPv6 address or network in brackets that has none of the networks, nor anything of them. */
export const isElsewhere = (pattern: string, networks: readonly Network[]): boolean => {
  const [net, mask] = splitAt(pattern, '/')
  const outer = bracketed(net, mask ?? undefined)
  if (outer === null || outer.prefix === 0) return false
  return !networks.some((network) => overlap(outer, network))
}

/** Whether every address of the network is matched by the list, exceptions included. */
export const listCovers = (list: readonly string[], network: Network): boolean => {
  const [some, except] = splitExcept(list)
  return some.some((pattern) => clientCovers(pattern, network)) && !listMeets(except, network)
}

/** Whether some address of the network may be matched. */
export const listMeets = (list: readonly string[], network: Network): boolean => {
  const [some, except] = splitExcept(list)
  return some.some((pattern) => clientMeets(pattern, network)) && !listCovers(except, network)
}
