import {
  contains,
  formatAddress,
  formatNetmask,
  isHost,
  isIPv4,
  type Network,
  networkOf,
  parseAddress,
  parseNetwork,
} from '../network.ts'
import type { Edit } from './edit.ts'
import { endOf, type Line, lineEnd, splitLines } from './lines.ts'
import { setGrants } from './owned-block.ts'

/**
 * hosts.allow or hosts.deny as libwrap 7.6.q (Debian) reads it; the tests hold this against tcpdmatch.
 * `readUpTo` is the offset at which libwrap gives the file up, else the text's length: a logical line
 * that is too long or has no newline ends the search, and in hosts.deny that refuses everybody.
 */
export interface HostsAccess {
  readonly text: string
  readonly lines: readonly Line[]
  /** In file order. Those at or behind `readUpTo` are listed, but without effect. */
  readonly rules: readonly Rule[]
  readonly readUpTo: number
  readonly faults: readonly Fault[]
}

/** One logical line, from the offset to `end`; `line` counts from 1. Daemons and clients include EXCEPT. */
export interface Rule {
  readonly line: number
  readonly offset: number
  readonly end: number
  readonly daemons: readonly string[]
  readonly clients: readonly string[]
  /** Trimmed, `\:` unescaped; `ALL: ALL:` has one that is empty, which libwrap answers with a refusal. */
  readonly options: readonly string[]
}

/** libwrap skips a line with a missing colon, reads nothing behind the first of the other two. */
export interface Fault {
  readonly line: number
  readonly kind: 'missing-colon' | 'line-too-long' | 'unfinished-line'
  readonly message: string
}

export type Outcome = 'allow' | 'deny'

/** BUFLEN in hosts_access.c: a logical line with its newline has to be shorter. */
const BUFFER = 2048

interface LogicalLine {
  readonly content: string
  readonly end: number
  readonly state: 'complete' | 'too-long' | 'unfinished'
}

/** xgets() in misc.c. A NUL byte hides the newline behind it, a comment continues too, `\` CR LF does not. */
const readLogicalLine = (text: string, from: number): LogicalLine => {
  let content = ''
  let end = from
  while (end < text.length) {
    const newline = text.indexOf('\n', end)
    const stop = Math.min(newline === -1 ? text.length : newline + 1, end + BUFFER - content.length - 1)
    const got = text.slice(end, stop).split('\0', 1)[0] as string
    end = stop
    if (got.endsWith('\n') && !got.endsWith('\\\n')) return { content: content + got, end, state: 'complete' }
    content += got.endsWith('\n') ? got.slice(0, -2) : got
    if (content.length === BUFFER - 1) {
      const rest = text[end - 1] === '\n' ? end - 1 : text.indexOf('\n', end)
      return { content, end: rest === -1 ? text.length : rest + 1, state: 'too-long' }
    }
  }
  return { content, end, state: content === '' ? 'complete' : 'unfinished' }
}

/** split_at() in misc.c: a separator within brackets does not count, nor any behind an unbalanced one. */
const splitAt = (text: string, separator: ':' | '@' | '/', from = 0): [string, string | null] => {
  let depth = 0
  for (let index = from; index < text.length; index++) {
    if (text[index] === '[') depth++
    else if (text[index] === ']') depth--
    else if (depth === 0 && text[index] === separator) return [text.slice(0, index), text.slice(index + 1)]
  }
  return [text, null]
}

const tokens = (list: string): string[] => list.split(/[, \t\r\n]+/).filter((token) => token !== '')

/** get_field() and chop_string() in options.c. */
const splitOptions = (text: string): string[] =>
  [...text.matchAll(/((?:\\:|[^:])*)(:|$)/g)]
    .filter(([field]) => field !== '')
    .map(([, option]) => (option as string).replaceAll('\\:', ':').replace(/^[ \t-\r]+|[ \t-\r]+$/g, ''))

const isWord = (token: string, word: string): boolean => token.toUpperCase() === word

/** Reads any text and never throws. */
export const parseHostsAccess = (text: string): HostsAccess => {
  const lines = splitLines(text)
  const rules: Rule[] = []
  const faults: Fault[] = []
  let readUpTo = text.length
  let line = 0
  for (let offset = 0, end = 0; offset < text.length; offset = end) {
    const logical = readLogicalLine(text, offset)
    end = logical.end
    while (endOf(lines[line] as Line) <= offset) line++
    const fault = (kind: Fault['kind'], message: string) => faults.push({ line: line + 1, kind, message })
    if (logical.state === 'too-long') {
      fault('line-too-long', `more than ${BUFFER - 2} characters: this and all that follows is not read`)
    } else if (logical.state === 'unfinished') {
      fault('unfinished-line', 'no newline at its end: the line is not read')
    }
    if (logical.state !== 'complete') readUpTo = Math.min(readUpTo, offset)
    if (logical.state === 'too-long' || /^#|^[ \t\r\n]*$/.test(logical.content)) continue
    const [daemons, rest] = splitAt(logical.content, ':')
    if (rest === null) {
      fault('missing-colon', 'no colon between daemons and clients: the line is skipped')
      continue
    }
    const [clients, options] = splitAt(rest, ':')
    rules.push({
      line: line + 1,
      offset,
      end,
      daemons: tokens(daemons),
      clients: tokens(clients),
      options: options === null ? [] : splitOptions(options),
    })
  }
  return { text, lines, rules, readUpTo, faults }
}

const toNumber = (bytes: readonly number[]): number =>
  bytes.reduce((value, byte) => ((value << 8) | byte) >>> 0, 0)

const netmaskNumber = (prefix: number): number => (prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0)

/** dot_quad_addr(): four numbers, octal and hexadecimal ones too. 255.255.255.255 is its error value: null. */
const dottedQuad = (text: string): number | null => {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(part)))
    return null
  const bytes = parts.map((part) => (/^0\d/.test(part) ? Number.parseInt(part, 8) : Number(part)))
  const value = toNumber(bytes)
  return bytes.some((byte) => byte > 255) || value === 0xffffffff ? null : value
}

const leadingInteger = (text: string): number =>
  Number(BigInt.asIntN(32, BigInt(/^[ \t-\r]*([+-]?\d+)/.exec(text)?.[1] ?? 0)))

const maskNumber = (mask: string): number | null => {
  const dotted = dottedQuad(mask)
  if (dotted !== null) return dotted
  const bits = leadingInteger(mask)
  return bits >= 1 && bits <= 32 ? netmaskNumber(bits) : null
}

/** `[net]/bits` as masked_match6() takes it: host bits do not matter, bits that are no number count as 0. */
const bracketed = (net: string, mask = '128'): Network | null => {
  const bytes = /^\[.*\]$/s.test(net) ? parseAddress(net.slice(1, -1)) : null
  const prefix = leadingInteger(mask)
  return bytes?.length !== 16 || prefix < 0 || prefix > 128 ? null : { bytes, prefix }
}

/** What the texts of all addresses of an IPv4 network begin with: up to 256 alternatives. */
const leadingTexts = (network: Network): string[] => {
  const { bytes, prefix } = networkOf(network)
  if (prefix === 32) return [formatAddress(bytes)]
  const fixed = Math.floor(prefix / 8)
  const head = bytes.slice(0, fixed).map((byte) => `${byte}.`)
  const alternatives = Array.from({ length: 2 ** (8 - (prefix % 8)) }, (_, index) => index)
  return alternatives.map((index) => `${head.join('')}${(bytes[fixed] ?? 0) + index}${fixed < 3 ? '.' : ''}`)
}

/** match_pattern_ylo(), a wildcard match; `**` at the end stands for one character at least (as it does there). */
const globMatches = (pattern: string, text: string): boolean => {
  const plain = pattern
    .toLowerCase()
    .replace(/\*\*+$/, '?*')
    .replace(/\*+/g, '*')
  let reached = new Set([0])
  for (const character of plain) {
    const next = new Set<number>()
    if (character === '*') for (let at = Math.min(...reached); at <= text.length; at++) next.add(at)
    else
      for (const at of reached)
        if (character === '?' ? at < text.length : text[at] === character) next.add(at + 1)
    if (next.size === 0) return false
    reached = next
  }
  return reached.has(text.length)
}

/** Exact for IPv4 networks of at most 65536 addresses and for hosts, else only where the pattern is plain. */
const globCovers = (pattern: string, network: Network): boolean => {
  if (/^\*+$/.test(pattern)) return true
  if (isHost(network)) return globMatches(pattern, formatAddress(network.bytes))
  if (!isIPv4(network)) return false
  if (/^[^*?]*\*$/.test(pattern))
    return leadingTexts(network).every((it) => it.startsWith(pattern.slice(0, -1)))
  if (network.prefix < 16) return false
  const first = toNumber(networkOf(network).bytes)
  for (let index = 0; index < 2 ** (32 - network.prefix); index++) {
    const value = first + index
    const address = `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
    if (!globMatches(pattern, address)) return false
  }
  return true
}

const hostCovers = (pattern: string, network: Network): boolean => {
  if (/^(?:$|[@/])/.test(pattern) || isWord(pattern, 'KNOWN') || isWord(pattern, 'LOCAL')) return false
  const [net, mask] = splitAt(pattern, '/')
  if (mask !== null) {
    if (!isIPv4(network)) {
      const outer = bracketed(net, mask)
      return outer !== null && contains(outer, network)
    }
    const [base, bits] = [dottedQuad(net), maskNumber(mask)]
    // Every address masked must give the net: the mask leaves no bit of the network's host part.
    return (
      base !== null &&
      bits !== null &&
      (bits & ~netmaskNumber(network.prefix)) === 0 &&
      (toNumber(network.bytes) & bits) >>> 0 === base
    )
  }
  if (/[*?]/.test(pattern)) return globCovers(pattern, network)
  const text = formatAddress(network.bytes)
  if (pattern.startsWith('.')) {
    return isHost(network) && text.length > pattern.length && text.endsWith(pattern.toLowerCase())
  }
  if (isWord(pattern, 'ALL')) return true
  if (pattern.endsWith('.'))
    return isIPv4(network) && leadingTexts(network).every((it) => it.startsWith(pattern))
  const host = bracketed(pattern)
  return isHost(network) && (host === null ? pattern === text : contains(host, network))
}

/** libwrap treats an IPv4-mapped IPv6 client as the IPv4 client that it is. */
const unmapped = (network: Network): Network =>
  network.prefix >= 96 &&
  contains({ bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0], prefix: 96 }, network)
    ? { bytes: network.bytes.slice(12), prefix: network.prefix - 96 }
    : network

/**
 * Whether libwrap matches every address of the network with this client pattern, whatever its name is
 * (client_match, host_match and string_match in hosts_access.c). IPv4 `net/mask` with host bits set covers
 * nobody, neither does `/255.255.255.255` or `/0`; of `[net]/bits` the host bits are ignored.
 */
export const clientCovers = (pattern: string, network: Network): boolean => {
  const [user, host] = splitAt(pattern, '@', 1)
  const anyUser = isWord(user, 'ALL') || /^\*+$/.test(user)
  return host === null
    ? hostCovers(pattern, unmapped(network))
    : anyUser && hostCovers(host, unmapped(network))
}

/** Whether the pattern may match some address of the network: false only where that can be ruled out. */
const clientMeets = (pattern: string, network: Network): boolean => {
  const inner = unmapped(network)
  const [net, mask] = splitAt(pattern, '/')
  const outer = bracketed(net, mask ?? undefined)
  if (outer !== null) return contains(outer, inner) || contains(inner, outer)
  if (!/^[\d.]+$/.test(net)) return true
  if (!isIPv4(inner)) return false
  if (mask === null && net.endsWith('.')) {
    return leadingTexts(inner).some((text) => text.startsWith(net) || net.startsWith(text))
  }
  if (mask === null) return parseAddress(net) === null || contains(inner, parseNetwork(net) as Network)
  const [base, bits] = [dottedQuad(net), maskNumber(mask)]
  if (base === null || bits === null || (base & ~bits) !== 0) return false
  return ((toNumber(inner.bytes) ^ base) & bits & netmaskNumber(inner.prefix)) === 0
}

/** `a EXCEPT b EXCEPT c` is `a EXCEPT (b EXCEPT c)`. */
const splitExcept = (list: readonly string[]): [string[], string[]] => {
  const at = list.findIndex((token) => isWord(token, 'EXCEPT'))
  return at === -1 ? [[...list], []] : [list.slice(0, at), list.slice(at + 1)]
}

const listCovers = (list: readonly string[], network: Network): boolean => {
  const [some, except] = splitExcept(list)
  return some.some((pattern) => clientCovers(pattern, network)) && !listMeets(except, network)
}

const listMeets = (list: readonly string[], network: Network): boolean => {
  const [some, except] = splitExcept(list)
  return some.some((pattern) => clientMeets(pattern, network)) && !listCovers(except, network)
}

const SEVERITY =
  /^(?:(?:kern|user|mail|daemon|auth|lpr|news|uucp|cron|local[0-7])\.)?(?:emerg|alert|crit|err|warning|notice|info|debug)$/i

/** What the keywords of options.c take as value ('' = none); anything else is a refusal. */
const OPTION_VALUES: Readonly<Record<string, RegExp>> = {
  user: /./s,
  group: /./s,
  umask: /^0*[0-7]{1,3}$/,
  linger: /^\+?\d+$/,
  keepalive: /^$/,
  spawn: /./s,
  rfc931: /^(?:\+?0*[1-9]\d*)?$/,
  setenv: /./s,
  nice: /^(?:[+-]?\d+)?$/,
  severity: SEVERITY,
  banners: /./s,
}

/** `twist` gives the client something else, `aclexec` depends on a program: neither surely allows. */
const outcomeOf = ({ options }: Rule, fallback: Outcome): Outcome => {
  for (const [index, option] of options.entries()) {
    const [, keyword = '', value = ''] = /^([^= \t\r\n]*)[ \t\r\n]*=?[ \t\r\n]*(.*)$/s.exec(option) ?? []
    const key = keyword.toLowerCase()
    if (key === 'allow') return value === '' && index === options.length - 1 ? 'allow' : 'deny'
    if (!Object.hasOwn(OPTION_VALUES, key) || !OPTION_VALUES[key]?.test(value)) return 'deny'
  }
  return fallback
}

const isForAnyDaemon = ({ daemons }: Rule): boolean =>
  daemons.some((daemon) => isWord(daemon, 'ALL') || /^\*+$/.test(daemon)) &&
  splitExcept(daemons)[1].length === 0

/** A refusal of all but a part of the network counts as one: the network is then not allowed as a whole. */
const decisionOf = (rule: Rule, network: Network, fallback: Outcome): Outcome | null => {
  if (!isForAnyDaemon(rule)) return null
  if (outcomeOf(rule, fallback) === 'allow') return listCovers(rule.clients, network) ? 'allow' : null
  const [some, except] = splitExcept(rule.clients)
  return some.some((pattern) => clientCovers(pattern, network)) && !listCovers(except, network)
    ? 'deny'
    : null
}

/**
 * What the file says to every address of the network and any daemon; the first rule that says it wins.
 * `fallback` is what a rule without option does: 'allow' for hosts.allow, 'deny' for hosts.deny. Rules for
 * single daemons, single hosts of the network or host names are not looked at.
 */
export const decides = (
  { rules, readUpTo, text }: HostsAccess,
  network: Network,
  fallback: Outcome = 'allow',
): Outcome | 'none' => {
  for (const rule of rules) {
    const decision = rule.offset < readUpTo ? decisionOf(rule, network, fallback) : null
    if (decision !== null) return decision
  }
  // A file that libwrap gives up is "no match" in hosts.allow, but not "no match" enough in hosts.deny.
  return readUpTo < text.length && fallback === 'deny' ? 'deny' : 'none'
}

const entryFor = (given: Network): string => {
  const network = unmapped(networkOf(given))
  const address = formatAddress(network.bytes)
  if (isIPv4(network)) return `ALL: ${address}${isHost(network) ? '' : `/${formatNetmask(network)}`}`
  return `ALL: [${address}]${isHost(network) ? '' : `/${network.prefix}`}`
}

/** The rule's line where it has one to itself. */
const wholeLine = ({ lines }: HostsAccess, rule: Rule): Line | null => {
  const line = lines[rule.line - 1] as Line
  return line.offset === rule.offset && endOf(line) === rule.end ? line : null
}

/** `ALL: ADDRESS/MASK` as the article leaves it, meant to be a wanted network but covering nobody. */
const isVain = (client: string, networks: readonly Network[]): boolean => {
  const meant = parseNetwork(client.replace('//', '/'))
  if (meant === null || !isIPv4(meant) || !client.includes('/')) return false
  return networks.some(
    (network) =>
      network.prefix === meant.prefix &&
      contains(network, meant) &&
      !clientCovers(client, networkOf(network)),
  )
}

/** The first match wins and a line that is too long or open ends everything: the block goes before all that. */
const placeFor = (text: string, networks: readonly Network[]): number => {
  const { rules, readUpTo } = parseHostsAccess(text === '' || text.endsWith('\n') ? text : `${text}\n`)
  const denying = rules.find((rule) =>
    networks.some((network) => decisionOf(rule, network, 'allow') === 'deny'),
  )
  return Math.min(readUpTo, denying?.offset ?? text.length, text.length)
}

/**
 * Edits to hosts.allow after which `decides` says 'allow' for every network. Of the admin's lines it deletes
 * only `ALL: X` where `dead(X)`, or where X was meant to be one of the networks and matches nobody.
 */
export const setAllowed = (
  doc: HostsAccess,
  networks: readonly Network[],
  dead: (client: string) => boolean,
): Edit[] => {
  const wanted = networks.map(unmapped)
  const residue = doc.rules.filter((rule) => {
    const [client = '', ...more] = rule.clients
    const plain = rule.daemons.length === 1 && isWord(rule.daemons[0] as string, 'ALL') && more.length === 0
    if (!plain || client === '' || rule.options.length > 0 || wholeLine(doc, rule) === null) return false
    return dead(client) || isVain(client, wanted)
  })
  return setGrants(doc.text, wanted, {
    entry: entryFor,
    read: (text) => {
      const reread = parseHostsAccess(text)
      return (network) => decides(reread, network) === 'allow'
    },
    place: placeFor,
    residue: new Set(residue.map(({ line }) => line)),
    eol: lineEnd(doc.lines),
  })
}

/** As portsentry's KILL_HOSTS_DENY writes it; 2.x writes IPv6 addresses without brackets. */
const WRITTEN_BY_PORTSENTRY = /^ALL:[ \t]*\[?([\da-f.:]+?)\]?[ \t]*(?::[ \t]*DENY[ \t]*)?$/i

/** Edits to hosts.deny that delete the lines portsentry wrote for addresses that match, and no others. */
export const removeDenied = (doc: HostsAccess, matches: (client: string) => boolean): Edit[] =>
  doc.rules.flatMap((rule) => {
    const line = wholeLine(doc, rule)
    const address = line === null ? undefined : WRITTEN_BY_PORTSENTRY.exec(line.text)?.[1]
    if (line === null || address === undefined || parseAddress(address) === null || !matches(address))
      return []
    return [{ offset: line.offset, length: endOf(line) - line.offset, text: '' }]
  })
