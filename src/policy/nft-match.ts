import { contains, isIPv4, type Network, parseNetwork } from '../network.ts'
import type { Reach } from './filter.ts'

/** A part of what `nft -j` prints: libnftables-json(5). */
export type Json = string | number | null | readonly Json[] | { readonly [key: string]: Json | undefined }

/** The sets of one table, by name; null: packets add themselves to it, so that what it holds now says little. */
export type Sets = ReadonlyMap<string, readonly Json[] | null>

/** What is found by these keys, one within the other; undefined where the value is built otherwise. */
export const dig = (value: Json | undefined, ...keys: readonly string[]): Json | undefined => {
  const [key, ...rest] = keys
  if (key === undefined) return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return dig((value as { readonly [key: string]: Json | undefined })[key], ...rest)
}

const listOf = (value: Json | undefined): readonly Json[] => {
  const set = dig(value, 'set') ?? value
  return Array.isArray(set) ? set : set === undefined ? [] : [set as Json]
}

/** An address, a prefix, or an element with its timeout; null for what is none of these, such as a range. */
const networkOf = (value: Json): Network | null => {
  if (typeof value === 'string') return parseNetwork(value)
  const element = dig(value, 'elem', 'val')
  if (element !== undefined) return networkOf(element)
  return parseNetwork(`${dig(value, 'prefix', 'addr')}/${dig(value, 'prefix', 'len')}`)
}

/** Whether a host is on the right-hand side of a match; null where that cannot be told. */
const isAmong = (right: Json | undefined, sets: Sets, host: Network): boolean | null => {
  const isSet = typeof right === 'string' && right.startsWith('@')
  const elements = isSet ? sets.get(right.slice(1)) : listOf(right)
  if (elements === undefined || elements === null) return null
  const networks = elements.map(networkOf)
  if (networks.some((network) => network !== null && contains(network, host))) return true
  return networks.includes(null) ? null : false
}

const FAMILIES: readonly (Json | undefined)[] = ['ip', 'ip6']

/** Whether a match asks for the packet's source; then in which family. */
const sourceFamily = (match: Json): Json | undefined => {
  const protocol = dig(match, 'left', 'payload', 'protocol')
  const isSource = dig(match, 'left', 'payload', 'field') === 'saddr' && FAMILIES.includes(protocol)
  return isSource ? protocol : undefined
}

const isSubset = (words: readonly Json[], of: readonly Json[]): boolean =>
  words.length > 0 && words.every((word) => of.includes(word))

/** Of matches that say `==`, or `in`. */
const reachOfWords = (left: Json | undefined, words: readonly Json[]): Reach => {
  const meta = dig(left, 'meta', 'key')
  const payload = dig(left, 'payload', 'protocol')
  if (payload === 'icmp' || payload === 'icmpv6') return 'none'
  if (meta === 'l4proto') {
    if (isSubset(words, ['icmp', 'icmpv6', 'ipv6-icmp'])) return 'none'
    // fail2ban's actions ask for both protocols, which is all that a scan can be.
    return isSubset(['tcp', 'udp'], words) ? 'all' : 'unknown'
  }
  if (meta === 'iifname' || meta === 'iif') return isSubset(words, ['lo']) ? 'none' : 'unknown'
  if (dig(left, 'ct', 'key') === 'state') {
    if (isSubset(words, ['established', 'related'])) return 'none'
    return isSubset(words, ['established', 'related', 'invalid', 'untracked']) ? 'some' : 'unknown'
  }
  const isPort = (payload === 'tcp' || payload === 'udp') && dig(left, 'payload', 'field') === 'dport'
  return isPort && words.every((word) => typeof word === 'number') ? 'some' : 'unknown'
}

/** Which of a host's first packets from outside meet a match. */
export const reachOfMatch = (match: Json, sets: Sets, host: Network): Reach => {
  const op = dig(match, 'op')
  const left = dig(match, 'left')
  const right = dig(match, 'right')
  const family = sourceFamily(match)
  if (family !== undefined && (family === 'ip') !== isIPv4(host)) return 'none'
  if (family !== undefined && (op === '==' || op === '!=')) {
    const among = isAmong(right, sets, host)
    return among === null ? 'unknown' : among === (op === '==') ? 'all' : 'none'
  }
  if (op === '!=' && dig(left, 'meta', 'key') === 'iifname' && right === 'lo') return 'all'
  return op === '==' || op === 'in' ? reachOfWords(left, listOf(right)) : 'unknown'
}

/** A match of the source as nft writes it; '' for others, which are too many to be written here. */
export const describeMatch = (match: Json): string => {
  const right = dig(match, 'right')
  const family = sourceFamily(match)
  if (family === undefined || typeof right !== 'string') return ''
  return `${family} saddr ${dig(match, 'op') === '!=' ? '!= ' : ''}${right}`
}
