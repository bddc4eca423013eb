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
  unmapped,
  withoutContained,
} from '../network.ts'
import type { ProblemCode } from '../problem-codes.ts'
import { parseFullName } from './host-name.ts'

/** A problem with one variable, before its line is known. */
export interface Complaint {
  readonly name: string
  /** The entry of a list that is wrong: `message` quotes it. */
  readonly entry?: string
  readonly severity?: 'warning'
  readonly code: ProblemCode
  readonly message: string
  readonly hint: string
}

const complain = (
  name: string,
  code: ProblemCode,
  message: string,
  hint: string,
  severity?: 'warning',
): Complaint => ({ name, code, message, hint, ...(severity && { severity }) })

/** Whether a network covers too much of the Internet. */
export const isTooWide = ({ prefix, bytes }: Network): boolean =>
  bytes.length === 4 ? prefix < 8 : prefix < 16

/** Whether no LAN can have this IPv4 address: "this network", loopback, multicast and what lies above it. */
const isUnusable = ([first = 0]: readonly number[]): boolean => first === 0 || first === 127 || first >= 224

/** The prefix length of LAN_NM, in any of its forms, or what is wrong with it. */
const readMask = (text: string): number | Complaint => {
  const wrong = (code: ProblemCode, what: string, hint = 'use 255.255.255.0, 24 or /24') =>
    complain('LAN_NM', code, `is "${text}", ${what}`, hint)
  const bits = /^\/?(0|[1-9]\d{0,2})$/.exec(text)?.[1]
  if (bits !== undefined && Number(bits) > 32) return wrong('netmask', 'over 32 bits')
  const prefix = bits === undefined ? parseNetmask(text) : Number(bits)
  if (prefix !== null) {
    const hint = 'give the netmask of the LAN only, /8 at the widest'
    return isTooWide({ prefix, bytes: [0, 0, 0, 0] })
      ? wrong('netmask-wide', 'which covers most of the Internet', hint)
      : prefix
  }
  return parseAddress(text)?.length === 4
    ? wrong('netmask-hole', 'whose bits are not contiguous')
    : wrong('netmask', 'not a netmask')
}

/** The bytes of LAN_IP, or what is wrong with it. */
const readAddress = (text: string): readonly number[] | Complaint => {
  const hint = 'give the IPv4 address of this server in its LAN, such as 192.168.1.10'
  const wrong = (code: ProblemCode, what: string, instead = hint) =>
    complain('LAN_IP', code, `is "${text}", ${what}`, instead)
  if (text.includes('/')) return wrong('address', 'with a mask', 'put the mask into LAN_NM')
  const bytes = parseAddress(text)
  if (bytes === null) return wrong('address', 'not an IPv4 address')
  if (bytes.length === 16) {
    const instead = 'give the IPv4 address here and IPv6 networks in WHITELIST'
    return wrong('address-family', 'an IPv6 address', instead)
  }
  return isUnusable(bytes) ? wrong('address', 'which no LAN uses') : bytes
}

const isComplaint = <T>(read: T | Complaint | undefined): read is Complaint =>
  typeof read === 'object' && read !== null && 'code' in read

/**
 * LAN_IP (the address of the server or of the network) and LAN_NM as one network. Null if neither is given: a server
 * without a LAN. If only one is given, it is checked, but there is no network.
 */
export const readLan = (
  address: string | undefined,
  mask: string | undefined,
): Network | null | Complaint[] => {
  if (address === undefined && mask === undefined) return null
  const bytes = address === undefined ? undefined : readAddress(address)
  const prefix = mask === undefined ? undefined : readMask(mask)
  if (isComplaint(bytes) || isComplaint(prefix) || bytes === undefined || prefix === undefined) {
    return [bytes, prefix].filter((read) => isComplaint(read))
  }
  const network = { bytes, prefix }
  if (broadcastOf(network)?.every((byte, index) => byte === bytes[index])) {
    const message = `is "${address}", the broadcast address of its network`
    const hint = `give this server's own address in ${formatCidr(networkOf(network))}`
    return [complain('LAN_IP', 'broadcast', message, hint)]
  }
  return networkOf(network)
}

/** portsentry 1.2 reads its whole ignore list for every packet. */
const MAX_WHITELIST = 500

/** Each is asked for all the time. */
const MAX_NAMES = 50

const splitList = (text: string): string[] => text.split(/[\s,]+/).filter((entry) => entry !== '')

/** What is wrong with one entry of WHITELIST, if anything. */
const checkEntry = (item: string, network: Network | null): Complaint[] => {
  const say = (code: ProblemCode, what: string, hint: string, severity?: 'warning') => [
    { ...complain('WHITELIST', code, `has "${item}", ${what}`, hint, severity), entry: item },
  ]
  if (network === null) {
    if (parseFullName(item) !== null) return []
    const hint = 'write 198.51.100.7, 198.51.100.0/24, 2001:db8::/32 or a full name such as home.example.net'
    return say('whitelist', 'neither an address nor a network nor the full name of a host', hint)
  }
  if (isTooWide(network)) {
    const hint = 'name smaller networks: /8 at the widest for IPv4, /16 for IPv6'
    return say('whitelist-wide', 'which covers a large part of the Internet', hint)
  }
  const taken = `read as ${formatCidr(networkOf(network))}`
  return hasHostBits(network)
    ? say('whitelist-host-bits', taken, 'write the network, or the address alone', 'warning')
    : []
}

export interface Whitelist {
  readonly networks: readonly Network[]
  /** Each once, in lower case. */
  readonly names: readonly string[]
  readonly complaints: readonly Complaint[]
}

/** WHITELIST: addresses and networks of both families, and names of hosts, between commas or blanks. */
export const readWhitelist = (text: string): Whitelist => {
  const items = splitList(text)
  const tooLong = (message: string, hint: string): Whitelist => ({
    ...{ networks: [], names: [] },
    complaints: [complain('WHITELIST', 'whitelist-long', message, hint)],
  })
  if (items.length > MAX_WHITELIST) {
    const message = `has ${items.length} entries, more than the ${MAX_WHITELIST} that portsentry can check for each packet`
    return tooLong(message, 'name networks instead of addresses')
  }
  const names = [
    ...new Set(items.flatMap((item) => (parseNetwork(item) === null ? (parseFullName(item) ?? []) : []))),
  ]
  if (names.length > MAX_NAMES) {
    const message = `has ${names.length} names, more than the ${MAX_NAMES} that are asked for every few minutes`
    return tooLong(message, 'name their addresses or networks instead')
  }
  const entries = items.map((item) => {
    const written = parseNetwork(item)
    // libwrap reads ::ffff:0:0/96 as all of IPv4.
    return { item, network: written && unmapped(written) }
  })
  return {
    networks: entries.flatMap(({ network }) => (network === null ? [] : [networkOf(network)])),
    names,
    complaints: entries.flatMap(({ item, network }) => checkEntry(item, network)),
  }
}

/** UNTRUSTED: networks of this server whose hosts are banned like any other. Protected networks are refused. */
export const readUntrusted = (
  text: string,
  isProtected: (network: Network) => boolean,
): { networks: Network[]; complaints: Complaint[] } => {
  const items = splitList(text)
  const networks = items.flatMap((item) => parseNetwork(item) ?? []).map(networkOf)
  const unreadable = items.filter((item) => parseNetwork(item) === null)
  if (unreadable.length > 0) {
    const hint = 'write networks that this server is on, such as 10.20.0.0/16'
    const complaints = unreadable.map((entry) => ({
      ...complain('UNTRUSTED', 'untrusted', `has "${entry}", neither an address nor a network`, hint),
      entry,
    }))
    return { networks, complaints }
  }
  const contradictory = networks.find(isProtected)
  if (contradictory === undefined) return { networks, complaints: [] }
  const message = `has ${formatCidr(contradictory)}, which LAN_IP and LAN_NM or WHITELIST protect`
  return {
    networks,
    complaints: [complain('UNTRUSTED', 'untrusted-protected', message, 'remove it from one of them')],
  }
}

/** The addresses of the Internet by family: all of IPv4, and the global unicast addresses of IPv6 (RFC 4291). */
const INTERNET: readonly { readonly name: string; readonly whole: Network }[] = [
  { name: 'IPv4', whole: { bytes: [0, 0, 0, 0], prefix: 0 } },
  { name: 'IPv6', whole: { bytes: [0x20, ...Array.from({ length: 15 }, () => 0)], prefix: 3 } },
]

/** The share of `whole` that the networks cover together; each address counts once. */
const coveredShare = (whole: Network, networks: readonly Network[]): number => {
  const inside = networks.filter((network) => isIPv4(network) === isIPv4(whole))
  // CIDR networks are disjoint or nested, so the shares can be added; sums of powers of two are exact.
  return withoutContained(inside)
    .filter((network) => contains(whole, network))
    .reduce((share, { prefix }) => share + 2 ** (whole.prefix - prefix), 0)
}

/** Networks that are narrow enough one by one may together cover most of the Internet: then hardly any host could be banned. */
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
        'remove networks that you do not know: half of the Internet at the most',
      ),
    ]
  })
