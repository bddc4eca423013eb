import type { Frame } from './frame.ts'
import {
  type Datagram,
  type FragmentPosition,
  readFragmented,
  readInternet,
  readTransport,
  type Transport,
} from './internet.ts'
import { type Link, readLink, type Undecoded } from './link-layer.ts'
import type { Address, Delivery, Fragmentation, Packet } from './packet.ts'
import { createReassembly } from './reassembly.ts'

/** How many packets were given out, and how many frames or fragments nothing could be made of, by reason. */
export type DecodeCounts = { [reason in 'decoded' | Undecoded]: number }

export interface Decoder {
  /**
   * The packets that a frame tells: one as a rule; none where it is not TCP or UDP or only a part of such; two
   * where a datagram's first fragment is the last to come. Never throws, whatever the bytes.
   */
  decode(frame: Frame): readonly Packet[]
  readonly counts: Readonly<DecodeCounts>
  /** How many datagrams wait for more fragments (256 at most), and the most byte ranges of one (256 at most). */
  sizes(): { datagrams: number; ranges: number }
}

const NONE: readonly Packet[] = []

/** What all packets of a datagram have in common: all but their transport header. */
interface Envelope {
  readonly source: Address
  readonly destination: Address
  readonly delivery: Delivery
  readonly datagram: Datagram
}

const addressAt = (bytes: Uint8Array, start: number, length: number): Address => {
  const address: number[] = []
  for (let at = start; at < start + length; at++) address.push(bytes[at] ?? 0)
  return address
}

const envelopeOf = (bytes: Uint8Array, datagram: Datagram, { delivery }: Link): Envelope => {
  const { version, addressesAt } = datagram
  const length = version === 4 ? 4 : 16
  const source = addressAt(bytes, addressesAt, length)
  return { source, destination: addressAt(bytes, addressesAt + length, length), delivery, datagram }
}

const packetOf = (
  timeMs: number,
  { source, destination, delivery, datagram }: Envelope,
  transport: Transport,
  fragmentation: Fragmentation,
): Packet => ({
  timeMs,
  protocol: transport.protocol,
  source,
  destination,
  sourcePort: transport.sourcePort,
  port: transport.port,
  flags: transport.flags,
  hasIpOptions: datagram.hasIpOptions,
  hasExtensionHeaders: datagram.hasExtensionHeaders,
  fragmentation,
  delivery,
  hasWholeHeader: transport.hasWholeHeader,
})

/**
 * Which datagram a fragment is part of (RFC 791, RFC 8200). A capture on all interfaces has what a host tells
 * itself twice, on its way out and on its way in: those are not to be taken for each other's duplicates.
 */
const keyOf = ({ source, destination, delivery, datagram }: Envelope, { id }: FragmentPosition): string => {
  const way = delivery === 'outgoing' || delivery === 'other-host' ? delivery : ''
  const protocol = datagram.version === 4 ? datagram.protocol : ''
  return `${source} ${destination} ${protocol} ${id} ${way}`
}

/** Makes packets of frames, with IP fragments put together. Checksums are not looked at. */
export const createDecoder = (): Decoder => {
  const counts: DecodeCounts = { decoded: 0, otherProtocol: 0, truncated: 0, malformed: 0 }
  const reassembly = createReassembly<Envelope>()

  const refuse = (reason: Undecoded): readonly Packet[] => {
    counts[reason]++
    return NONE
  }

  const give = (...packets: Packet[]): readonly Packet[] => {
    counts.decoded += packets.length
    return packets
  }

  const decodeFragment = (
    { timeMs, bytes }: Frame,
    envelope: Envelope,
    position: FragmentPosition,
  ): readonly Packet[] => {
    const { datagram } = envelope
    const { version, start, end, wireLength } = datagram
    const begun = position.offset === 0 ? readFragmented(bytes, datagram) : null
    const first =
      begun === null || typeof begun === 'string' ? [] : [packetOf(timeMs, envelope, begun, 'first')]
    // RFC 8200, section 4.5: the first fragment has all headers, or it is dropped.
    if (version === 6 && begun !== null && (begun === 'malformed' || first[0]?.hasWholeHeader === false)) {
      counts.malformed++
      return give(...first)
    }
    const { offset, hasMore } = position
    const result = reassembly.add({
      ...{ key: keyOf(envelope, position), version, timeMs, offset, hasMore },
      ...{ bytes: bytes.subarray(start, end), wireLength, context: envelope },
    })
    if (result === 'malformed') counts.malformed++
    if (result === 'malformed' || result === null) return give(...first)
    const protocol = result.first.datagram.protocol
    const { head } = result
    const payload = { protocol, start: 0, end: head.length, wireLength: result.wireLength }
    const whole = readFragmented(head, payload)
    if (typeof whole === 'string') {
      counts[whole]++
      return give(...first)
    }
    return give(...first, packetOf(timeMs, result.first, whole, 'reassembled'))
  }

  const decode = (frame: Frame): readonly Packet[] => {
    const { bytes, linkType } = frame
    const link = readLink(linkType, bytes)
    if (typeof link === 'string') return refuse(link)
    const originalLength = Math.max(frame.originalLength, bytes.length)
    const datagram = readInternet(link.version, bytes, link.start, originalLength)
    if (typeof datagram === 'string') return refuse(datagram)
    if (datagram.fragment) return decodeFragment(frame, envelopeOf(bytes, datagram, link), datagram.fragment)
    const transport = readTransport(bytes, datagram)
    if (typeof transport === 'string') return refuse(transport)
    return give(packetOf(frame.timeMs, envelopeOf(bytes, datagram, link), transport, 'none'))
  }

  return { decode, counts, sizes: reassembly.sizes }
}
