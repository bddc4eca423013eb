import { contains, isIPv4, type Network, parseNetwork } from '../network.ts'
import type { Reach } from './filter.ts'

/** A part of what `nft -j` prints: libnftables-json(5). */
export type Json = string | number | null | readonly Json[] | { readonly [key: string]: Json | undefined }

/** The sets of one table, by name. */
export type Sets = ReadonlyMap<string, readonly Json[]>

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
  const name = typeof right === 'string' && right.startsWith('@') ? right.slice(1) : null
  const networks = (name === null ? listOf(right) : (sets.get(name) ?? [])).map(networkOf)
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

/** How many of a host's first packets from outside meet a match. */
export const reachOfMatch = (match: Json, sets: Sets, host: Network): Reach => {
  const op = dig(match, 'op')
  const right = dig(match, 'right')
  const family = sourceFamily(match)
  if (family !== undefined) {
    if ((family === 'ip') !== isIPv4(host)) return 'none'
    const among = isAmong(right, sets, host)
    return among === null ? 'some' : among === (op !== '!=') ? 'all' : 'none'
  }
  if (op !== '==' && op !== 'in') return 'some'
  const words = listOf(right)
  const meta = dig(match, 'left', 'meta', 'key')
  // fail2ban's actions ask for both protocols, which is all that a scan can be.
  if (meta === 'l4proto') return ['tcp', 'udp'].every((word) => words.includes(word)) ? 'all' : 'some'
  if (meta === 'iifname' || meta === 'iif') return words.every((word) => word === 'lo') ? 'none' : 'some'
  if (dig(match, 'left', 'ct', 'key') === 'state') {
    return words.every((word) => word === 'established' || word === 'related') ? 'none' : 'some'
  }
  return 'some'
}

/** A match of the source as nft writes it; '' for others, which are too many to be written here. */
export const describeMatch = (match: Json): string => {
  const right = dig(match, 'right')
  const family = sourceFamily(match)
  if (family === undefined || typeof right !== 'string') return ''
  return `${family} saddr ${dig(match, 'op') === '!=' ? '!= ' : ''}${right}`
}
