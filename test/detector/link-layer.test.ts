import { expect, it } from 'vitest'
import { checkLinkType, type Link, readLink, type Undecoded } from '../../src/detector/link-layer.ts'
import { frameOf } from './captures.ts'
import { cooked, cooked2, ethernet, ipv4, ipv6, joined, tcp } from './packets.ts'

const four = ipv4(tcp(40000, 11))
const six = ipv6(tcp(40000, 11))

const at = (version: 4 | 6, start: number, delivery: Link['delivery'] = 'unknown'): Link => ({
  ...{ version, start, delivery },
})

const group = (...destination: readonly number[]): Uint8Array => ethernet(four, { destination })
const tagged = (...tags: readonly number[]): Uint8Array => ethernet(six, { tags })
const typed = (...etherType: readonly number[]): Uint8Array => ethernet(four, { etherType })
const VLAN = 0x8100

const CASES: [string, number, Uint8Array, Link | Undecoded][] = [
  ['Ethernet, IPv4', 1, ethernet(four), at(4, 14)],
  ['Ethernet, IPv6', 1, ethernet(six), at(6, 14)],
  ['Ethernet, broadcast', 1, group(255, 255, 255, 255, 255, 255), at(4, 14, 'broadcast')],
  ['Ethernet, multicast', 1, group(1, 0, 0x5e, 0, 0, 1), at(4, 14, 'multicast')],
  ['Ethernet, almost broadcast', 1, group(255, 255, 255, 255, 255, 254), at(4, 14, 'multicast')],
  ['one VLAN', 1, tagged(VLAN), at(6, 18)],
  ['VLANs in a VLAN', 1, tagged(0x88a8, 0x9100, VLAN), at(6, 26)],
  ['many VLANs', 1, tagged(...Array<number>(9).fill(VLAN)), at(6, 50)],
  ['a VLAN tag cut short', 1, tagged(VLAN).subarray(0, 17), 'truncated'],
  ['ARP', 1, typed(8, 6), 'otherProtocol'],
  ['a length of 802.3', 1, typed(0, 46), 'otherProtocol'],
  ['PPPoE', 1, typed(0x88, 0x64), 'otherProtocol'],
  ['an Ethernet header cut short', 1, ethernet(four).subarray(0, 13), 'truncated'],
  ['nothing but an Ethernet header', 1, ethernet(four).subarray(0, 14), at(4, 14)],
  ['cooked, to us', 113, cooked(four), at(4, 16, 'host')],
  ['cooked, IPv6', 113, cooked(six), at(6, 16, 'host')],
  ['cooked, broadcast', 113, cooked(four, 1), at(4, 16, 'broadcast')],
  ['cooked, multicast', 113, cooked(four, 2), at(4, 16, 'multicast')],
  ['cooked, to another host', 113, cooked(four, 3), at(4, 16, 'other-host')],
  ['cooked, outgoing', 113, cooked(four, 4), at(4, 16, 'outgoing')],
  ['cooked, a type of packet unheard of', 113, cooked(four, 5), at(4, 16)],
  ['cooked, cut short', 113, cooked(four).subarray(0, 15), 'truncated'],
  ['cooked, netlink', 113, joined(cooked(four).subarray(0, 14), [0, 15], four), 'otherProtocol'],
  ['cooked 2, to us', 276, cooked2(four), at(4, 20, 'host')],
  ['cooked 2, IPv6, outgoing', 276, cooked2(six, 4), at(6, 20, 'outgoing')],
  ['cooked 2, a type of packet unheard of', 276, cooked2(six, 7), at(6, 20)],
  ['cooked 2, cut short', 276, cooked2(four).subarray(0, 19), 'truncated'],
  ['raw, IPv4', 101, four, at(4, 0)],
  ['raw, IPv6', 101, six, at(6, 0)],
  ['raw, neither', 101, Uint8Array.of(0x50), 'malformed'],
  ['raw, nothing', 101, new Uint8Array(0), 'truncated'],
  ['a link type unheard of', 147, four, 'malformed'],
]

it.each(CASES)('%s', (_, linkType, bytes, expected) => {
  const link: Link = at(4, 0)
  const frame = frameOf({ timeMs: 0, linkType, bytes, originalLength: bytes.length })
  const unread = readLink(frame, link)
  expect(unread ?? { ...link, start: link.start - frame.start }).toEqual(expected)
})

it('says of link types that it does not read what to do', () => {
  const isRead = (linkType: number) => {
    try {
      checkLinkType(linkType)
      return true
    } catch {
      return false
    }
  }
  expect(Array.from({ length: 400 }, (_, linkType) => linkType).filter(isRead)).toEqual([1, 101, 113, 276])
  expect(() => checkLinkType(0)).toThrow(/^link type 0 is not supported, .* tcpdump -i any/)
})
