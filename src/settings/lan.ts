import { unmapped } from '../documents/client-patterns.ts'
import {
  broadcastOf,
  contains,
  formatCidr,
  hasHostBits,
  isIPv4,
  type Network,
  networkOf,
  parseAddress,
  parseNetmask,
  parseNetwork,
  withoutContained,
} from '../network.ts'
import { isUnusableLanAddress, tooWide } from './variables.ts'

/** A complaint about one variable, not yet tied to a line. */
export interface Complaint {
  readonly name: string
  readonly severity?: 'warning'
  readonly code: string
  readonly message: string
  readonly hint: string
}

const complain = (name: string, code: string, message: string, hint: string): Complaint => ({
  name,
  code,
  message,
  hint,
})

const MASK_HINT = 'use 255.255.255.0, 24 or /24'

/** Bits of LAN_NM in any of its forms, or what is wrong with it. */
const readMask = (text: string): number | Complaint => {
  const bits = /^\/?(0|[1-9]\d{0,2})$/.exec(text)?.[1]
  if (bits !== undefined) {
    return Number(bits) <= 32
      ? Number(bits)
      : complain('LAN_NM', 'netmask', `is "${text}", over 32 bits`, MASK_HINT)
  }
  const prefix = parseNetmask(text)
  if (prefix !== null) return prefix
  return parseAddress(text) === null || text.includes(':')
    ? complain('LAN_NM', 'netmask', `is "${text}", not a netmask`, MASK_HINT)
    : complain('LAN_NM', 'netmask-hole', `is "${text}", whose bits are not contiguous`, MASK_HINT)
}

const checkAddress = (text: string): Complaint | null => {
  const hint = 'give the IPv4 address of this server in its LAN, such as 192.168.1.10'
  if (text.includes('/'))
    return complain('LAN_IP', 'address', `is "${text}", with a mask`, 'put the mask into LAN_NM')
  const bytes = parseAddress(text)
  if (bytes?.length === 16) {
    return complain(
      'LAN_IP',
      'address-family',
      `is "${text}", an IPv6 address`,
      'give the IPv4 address here and IPv6 networks in WHITELIST',
    )
  }
  if (bytes === null) return complain('LAN_IP', 'address', `is "${text}", not an IPv4 address`, hint)
  return isUnusableLanAddress(text)
    ? complain('LAN_IP', 'address', `is "${text}", which no LAN uses`, hint)
    : null
}

/**
 * LAN_IP (the server's or the network's own address) and LAN_NM as one network. Null where neither is given: a server
 * without a LAN. One of them alone is checked by itself, and gives no network.
 */
export const readLan = (
  address: string | undefined,
  mask: string | undefined,
): Network | null | Complaint[] => {
  if (address === undefined && mask === undefined) return null
  const complaints: Complaint[] = []
  const wrong = address === undefined ? null : checkAddress(address)
  if (wrong) complaints.push(wrong)
  const prefix = mask === undefined ? null : readMask(mask)
  if (typeof prefix === 'number' && tooWide(prefix, [0, 0, 0, 0])) {
    complaints.push(
      complain(
        'LAN_NM',
        'netmask-wide',
        `is "${mask}", which covers most of the Internet`,
        'give the mask of the LAN alone, /8 at the widest',
      ),
    )
  } else if (prefix !== null && typeof prefix !== 'number') complaints.push(prefix)
  if (address === undefined || typeof prefix !== 'number') return complaints
  const bytes = parseAddress(address)
  if (complaints.length > 0 || bytes === null) return complaints
  const network = { bytes, prefix }
  if (broadcastOf(network)?.every((byte, index) => byte === bytes[index])) {
    return [
      complain(
        'LAN_IP',
        'broadcast',
        `is "${address}", the broadcast address of its network`,
        `give this server's own address in ${formatCidr(networkOf(network))}`,
      ),
    ]
  }
  return networkOf(network)
}

/** portsentry 1.2 reads its whole ignore list for every packet. */
const MAX_WHITELIST = 500

/** WHITELIST: addresses and networks of both families, between commas or blanks. */
export const readWhitelist = (text: string): { networks: Network[]; complaints: Complaint[] } => {
  const networks: Network[] = []
  const complaints: Complaint[] = []
  const items = text.split(/[\s,]+/).filter((entry) => entry !== '')
  if (items.length > MAX_WHITELIST) {
    const message = `has ${items.length} entries, more than the ${MAX_WHITELIST} that each packet can be held against`
    return {
      networks,
      complaints: [complain('WHITELIST', 'whitelist-long', message, 'name networks instead of addresses')],
    }
  }
  for (const item of items) {
    const written = parseNetwork(item)
    // ::ffff:0:0/96 is all of IPv4 in another spelling, which libwrap takes it for.
    const network = written === null ? null : unmapped(written)
    if (network === null) {
      complaints.push(
        complain(
          'WHITELIST',
          'whitelist',
          `has "${item}", neither an address nor a network`,
          'write 198.51.100.7, 198.51.100.0/24 or 2001:db8::/32; names are not resolved',
        ),
      )
    } else if (tooWide(network.prefix, network.bytes)) {
      complaints.push(
        complain(
          'WHITELIST',
          'whitelist-wide',
          `has "${item}", which covers a large part of the Internet`,
          'name smaller networks: /8 at the widest for IPv4, /16 for IPv6',
        ),
      )
    } else {
      if (hasHostBits(network)) {
        complaints.push({
          ...complain(
            'WHITELIST',
            'whitelist-host-bits',
            `has "${item}", taken as ${formatCidr(networkOf(network))}`,
            'write the network, or the address alone',
          ),
          severity: 'warning',
        })
      }
      networks.push(networkOf(network))
    }
  }
  return { networks, complaints }
}

/** UNTRUSTED: networks of this server whose hosts are banned like anybody else. What is protected cannot be among them. */
export const readUntrusted = (
  text: string,
  isProtected: (network: Network) => boolean,
): { networks: Network[]; complaints: Complaint[] } => {
  const items = text.split(/[\s,]+/).filter((entry) => entry !== '')
  const networks = items.flatMap((item) => parseNetwork(item) ?? []).map(networkOf)
  const unreadable = items.find((item) => parseNetwork(item) === null)
  if (unreadable !== undefined) {
    const message = `has "${unreadable}", neither an address nor a network`
    const hint = 'write networks that this server is on, such as 10.20.0.0/16'
    return { networks, complaints: [complain('UNTRUSTED', 'untrusted', message, hint)] }
  }
  const contradictory = networks.find(isProtected)
  if (contradictory === undefined) return { networks, complaints: [] }
  const message = `has ${formatCidr(contradictory)}, which LAN_IP and LAN_NM or WHITELIST protect`
  const hint = 'decide for one of the two'
  return { networks, complaints: [complain('UNTRUSTED', 'untrusted-protected', message, hint)] }
}

/** What the Internet's addresses lie in, by family: all of IPv4, and the global unicast addresses of IPv6 (RFC 4291). */
const INTERNET: readonly { readonly name: string; readonly whole: Network }[] = [
  { name: 'IPv4', whole: { bytes: [0, 0, 0, 0], prefix: 0 } },
  { name: 'IPv6', whole: { bytes: [0x20, ...Array.from({ length: 15 }, () => 0)], prefix: 3 } },
]

/** The share of `whole` that the networks cover together; each address counts once. */
const coveredShare = (whole: Network, networks: readonly Network[]): number => {
  const inside = networks.filter((network) => isIPv4(network) === isIPv4(whole))
  // CIDR networks are apart or one in the other, so that what is left over can be added up, without an error in binary.
  return withoutContained(inside)
    .filter((network) => contains(whole, network))
    .reduce((share, { prefix }) => share + 2 ** (whole.prefix - prefix), 0)
}

/** Networks that are each narrow enough may still cover the world together: then nobody is left to be banned. */
export const checkShare = (lan: Network | null, whitelist: readonly Network[]): Complaint[] =>
  INTERNET.flatMap(({ name, whole }) => {
    const share = coveredShare(whole, [...(lan === null ? [] : [lan]), ...whitelist])
    if (share <= 0.5) return []
    const percent = (share * 100).toFixed(1)
    return [
      complain(
        'WHITELIST',
        'whitelist-world',
        `covers ${percent} % of the ${name} addresses${lan === null || name !== 'IPv4' ? '' : ', the LAN included'}`,
        'leave out what you do not know: half of the Internet at the widest',
      ),
    ]
  })
