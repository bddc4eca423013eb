import type { Frame } from './frame.ts'
import { readInternet, readTransport } from './internet.ts'
import { readLink, type Undecoded } from './link-layer.ts'
import type { Address, Packet } from './packet.ts'

/**
 * How many packets were given out, and how many frames nothing was made of, by reason. `fragments` counts all
 * fragments of IP packets: they are not put together, and only a first one with a whole header is given out.
 */
export type DecodeCounts = { [reason in 'decoded' | Undecoded]: number }

export interface Decoder {
  /** The packet in a frame; null where it is not TCP or UDP or only a part of such. Never throws, whatever the bytes. */
  decode(frame: Frame): Packet | null
  readonly counts: Readonly<DecodeCounts>
}

const addressAt = (bytes: Uint8Array, start: number, length: number): Address => {
  const address: number[] = []
  for (let at = start; at < start + length; at++) address.push(bytes[at] ?? 0)
  return address
}

/** Makes packets of frames. Checksums are not looked at. */
export const createDecoder = (): Decoder => {
  const counts: DecodeCounts = { decoded: 0, otherProtocol: 0, fragments: 0, truncated: 0, malformed: 0 }

  const refuse = (reason: Undecoded): null => {
    counts[reason]++
    return null
  }

  const decode = ({ timeMs, linkType, bytes, originalLength }: Frame): Packet | null => {
    const link = readLink(linkType, bytes)
    if (typeof link === 'string') return refuse(link)
    const length = Math.max(originalLength, bytes.length)
    const datagram = readInternet(link.version, bytes, link.start, length)
    if (typeof datagram === 'string') return refuse(datagram)
    const { version, addressesAt, hasIpOptions, hasExtensionHeaders, isFragment } = datagram
    const transport = readTransport(bytes, datagram)
    if (isFragment) counts.fragments++
    if (isFragment && (typeof transport === 'string' || !transport.hasWholeHeader)) return null
    if (typeof transport === 'string') return refuse(transport)
    counts.decoded++
    const addressLength = version === 4 ? 4 : 16
    return {
      timeMs,
      protocol: transport.protocol,
      source: addressAt(bytes, addressesAt, addressLength),
      destination: addressAt(bytes, addressesAt + addressLength, addressLength),
      sourcePort: transport.sourcePort,
      port: transport.port,
      flags: transport.flags,
      hasIpOptions,
      hasExtensionHeaders,
      isFragment,
      delivery: link.delivery,
      hasWholeHeader: transport.hasWholeHeader,
    }
  }

  return { decode, counts }
}
