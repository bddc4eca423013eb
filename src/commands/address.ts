import { formatAddress, type Network, parseAddress, unmapped } from '../network.ts'

/** One IPv4 or IPv6 address as a host; null for anything else, networks too. `::ffff:a.b.c.d` is the IPv4 host. */
export const readHost = (text: string): Network | null => {
  const bytes = parseAddress(text)
  return bytes === null ? null : unmapped({ bytes, prefix: bytes.length * 8 })
}

/** The same in canonical text. */
export const canonicalAddress = (text: string): string | null => {
  const host = readHost(text)
  return host === null ? null : formatAddress(host.bytes)
}
