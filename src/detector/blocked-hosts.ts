import type { Dialect } from '../documents/portsentry-conf.ts'
import { createBoundedTable } from './bounded-table.ts'
import { type Address, LONGEST_ADDRESS } from './packet.ts'

/**
 * The hosts that the daemon considers blocked already: those of its blocked file. At most `bound` entries are kept (a
 * million), beyond which the oldest is dropped and would be acted on again; the daemons keep any number.
 */
export interface BlockedHosts {
  has(source: Address): boolean
  /** Adds a host as the entry does that the daemon appends to the file where it knows no name of the host. */
  add(source: Address, dialect: Dialect): void
  /** Adds the hosts of what was appended to the file: a line of 1.2, a record of 2.x. */
  append(content: Uint8Array | string): void
  /** Replaces all hosts by those of the file's present content. */
  replace(content: Uint8Array | string): void
  size(): number
}

/** What one fgets() with a buffer of 1024 bytes reads. */
const PIECE = /[^\n]{0,1022}\n|[^\n]{1,1023}/g
/** Digits and dots that may end in an address. */
const RUN = /[\d.]{7,}/g

/** A number as inet_ntoa() writes it, or -1. */
const octetOf = (text: string): number => {
  const value = Number(text)
  return value <= 255 && `${value}` === text ? value : -1
}

/** The numbers that a text ends in: those of 203 are 203 and 3, but not 03. */
const octetsEnding = (text: string): number[] =>
  Array.from(text, (_, start) => octetOf(text.slice(start))).filter((octet) => octet !== -1)

/** IsBlocked() looks only at the first occurrence of the address in a line, and checks the character that follows it. */
const isFound = (line: string, host: string): boolean => {
  const next = line[line.indexOf(host) + host.length] ?? ''
  return next !== '.' && !(next >= '0' && next <= '9')
}

/**
 * The addresses that 1.2 considers blocked because of one line of its file. It searches the text of the address, which may
 * begin inside another one: the line of 203.0.113.9 also blocks 3.0.113.9.
 */
const addressesIn = (line: string): Address[] => {
  const found: Address[] = []
  for (const run of new Set(line.match(RUN))) {
    const [first = '', second = '', third = '', fourth = ''] = run.split('.').slice(-4)
    const rest = [octetOf(second), octetOf(third), octetOf(fourth)]
    if (rest.includes(-1)) continue
    for (const octet of octetsEnding(first))
      if (isFound(line, `${octet}.${rest.join('.')}`)) found.push([octet, ...rest])
  }
  return found
}

const AF_INET = 2
const AF_INET6 = 10

/** 2.x's records: a family in the machine's byte order, then the address. Reading ends at a truncated or unknown record. */
export const addressesOf = (records: Uint8Array): Address[] => {
  const addresses: Address[] = []
  let at = 0
  while (at + 2 <= records.length) {
    const family = (records[at] ?? 0) | ((records[at + 1] ?? 0) << 8)
    const length = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0
    if (length === 0 || at + 2 + length > records.length) break
    addresses.push([...records.subarray(at + 2, at + 2 + length)])
    at += 2 + length
  }
  return addresses
}

/** The record that 2.x appends for a host. */
export const blockedRecord = (address: Address): Uint8Array =>
  Uint8Array.of(address.length === 4 ? AF_INET : AF_INET6, 0, ...address)

const addressesOf12 = (text: string): Address[] => {
  // A single line, as appended for each host, cannot be too long for fgets().
  const pieces = text.length < 1024 ? text.split('\n') : (text.match(PIECE) ?? [])
  return pieces.flatMap(addressesIn)
}

/** Addresses of IPv4 that differ in their first number, but not in its last digit, share an entry, with a bit for each. */
const bitOf = (first: number): number => 1 << Math.floor(first / 10)
const ONE_BIT = Int32Array.from({ length: 256 }, (_, first) => bitOf(first))
/** By the first number of an address: the bits of all that `addressesIn` finds in a line that has no other name of the host. */
const BITS_FOUND = Int32Array.from({ length: 256 }, (_, first) =>
  octetsEnding(`${first}`).reduce((bits, each) => bits | bitOf(each), 0),
)

/** A string (latin1) is read as 1.2's file, bytes as 2.x's. */
export const createBlockedHosts = (bound: number, seed = 0): BlockedHosts => {
  const blocked = createBoundedTable({ bound, longest: LONGEST_ADDRESS, seed })
  const shared = [0, 0, 0, 0]
  const keyOf = (address: Address): Address => {
    if (address.length !== 4) return address
    shared[0] = (address[0] as number) % 10
    for (let index = 1; index < 4; index++) shared[index] = address[index] as number
    return shared
  }
  const bitsOf = (address: Address, bits: Int32Array): number =>
    address.length === 4 ? (bits[address[0] as number] as number) : 1
  const set = (address: Address, bits: Int32Array): void => {
    const key = keyOf(address)
    blocked.set(key, blocked.get(key) | bitsOf(address, bits))
  }
  const append = (content: Uint8Array | string): void => {
    const addresses = typeof content === 'string' ? addressesOf12(content) : addressesOf(content)
    for (const address of addresses) set(address, ONE_BIT)
  }
  return {
    has: (source) => (blocked.get(keyOf(source)) & bitsOf(source, ONE_BIT)) !== 0,
    add: (source, dialect) => set(source, dialect === '1.2' ? BITS_FOUND : ONE_BIT),
    append,
    replace: (content) => {
      blocked.clear()
      append(content)
    },
    size: blocked.size,
  }
}
