import {
  contains,
  formatCidr,
  hasHostBits,
  isIPv4,
  type Network,
  networkOf,
  OCTET,
  parseAddress,
  parseInetAddress,
  parseNetwork,
} from '../network.ts'
import type { Edit, Span } from './edit.ts'
import { createLineCounter, endOfLineAt, type Line, lineEnd, lineFrom } from './lines.ts'
import { createSkip, notContaining, type OtherAddresses } from './other-addresses.ts'
import { setGrants } from './owned-block.ts'
import type { Dialect } from './portsentry-conf.ts'

/**
 * The addresses that portsentry never acts on. 1.2: Debian's portsentry.ignore.static, filtered by the regular expression of
 * portsentry-build-ignore-file and read as NeverBlock() in portsentry_io.c does. 2.x: portsentry.ignore as src/ignore.c reads it.
 */
export interface IgnoreList {
  readonly text: string
  readonly dialect: Dialect
  readonly entries: readonly IgnoreEntry[]
  /** 1.2: lines that are silently ignored. 2.x: lines that keep the daemon from starting. */
  readonly faults: readonly IgnoreFault[]
}

/** `network` is what the daemon really ignores, null for nothing; `raw` is the trimmed line. */
export interface IgnoreEntry extends Span {
  readonly line: number
  readonly network: Network | null
  readonly raw: string
}

interface IgnoreFault extends Span {
  readonly line: number
  readonly message: string
}

/** Both daemons use fgets with a buffer of 1024 bytes. */
export const MAX_LINE = 1023

const BLANKS = ' \t\r\f\v'

/** Not a regular expression, which would take quadratic time for a run of blanks in the middle. */
const trim = (text: string): string => {
  let [from, to] = [0, text.length]
  while (from < to && BLANKS.includes(text[from] as string)) from += 1
  while (to > from && BLANKS.includes(text[to - 1] as string)) to -= 1
  return text.slice(from, to)
}

/** A shift by 32 has no effect: both daemons read `/0` of an IPv4 address as `/32`. */
const prefix4 = (bits: number): number => (bits === 0 ? 32 : bits)

/** How the daemon reads a line: as an entry's network, null for an entry that never matches, or why it is not an entry. */
type Reading = { network: Network | null } | { fault: string } | 'nothing'

/** The builder's regular expression; `\s` is Perl's on bytes, and its `$` stands before the newline. */
const BUILDER = /^[ \t\r\f\v]*((?:\d{1,3}\.){3}\d{1,3})(?:\/(\d{1,2}))?[ \t\r\f\v]*(?:#|$)/

const read12 = ({ text }: Line): Reading => {
  if (/^[ \t\r\f\v]*(?:#|$)/.test(text)) return 'nothing'
  const [, address, bits = '32'] = BUILDER.exec(text) ?? []
  if (address === undefined) return { fault: 'not an IPv4 address or ADDRESS/BITS: left out' }
  if (!/^\d/.test(text)) return { fault: 'begins with a blank: portsentry does not read it' }
  if (Number(bits) > 32) return { fault: 'more than 32 bits: portsentry skips it' }
  const bytes = parseInetAddress(address)
  if (bytes === null)
    return { fault: 'not an IPv4 address: portsentry does not ignore any host because of it' }
  return { network: networkOf({ bytes, prefix: prefix4(Number(bits)) }) }
}

const read2 = ({ text, eol }: Line): Reading => {
  if (text.startsWith('#') || (text === '' && eol === '\n')) {
    return text.length > MAX_LINE
      ? { fault: 'a comment longer than 1023 characters: its rest is read as an entry' }
      : 'nothing'
  }
  if (text.length > MAX_LINE) return { fault: 'longer than 1023 characters' }
  // The daemon removes the last character as the newline, whatever it is.
  const seen = eol === '' ? text.slice(0, -1) : text + eol.slice(0, -1)
  if (/[^\d.:a-f/]/.test(seen)) return { fault: 'a character other than 0-9, a-f, ".", ":" and "/"' }
  const slash = seen.indexOf('/')
  const [address, bits] = slash === -1 ? [seen, null] : [seen.slice(0, slash), seen.slice(slash + 1)]
  const bytes = address.includes(':') ? parseAddress(address) : parseInetAddress(address)
  if (bytes === null) return { fault: 'not an address' }
  if (bits !== null && (!/^\d+$/.test(bits) || Number(bits) > bytes.length * 8)) {
    return { fault: `not a number of bits from 0 to ${bytes.length * 8} behind the slash` }
  }
  const given = bits === null ? bytes.length * 8 : Number(bits)
  const network = { bytes, prefix: bytes.length === 4 ? prefix4(given) : given }
  // The address is compared unmasked with the masked one of the packet: with host bits it matches no host.
  return { network: hasHostBits(network) ? null : network }
}

/** A line with a comment, or an entry that has nothing to do with these addresses. */
const otherLine = (others: OtherAddresses, dialect: Dialect): string => {
  const network = `${others.notTheirs()}${OCTET}\\.${OCTET}\\.(?:0\\.0/16|${OCTET}\\.0/24)`
  const eol = dialect === '1.2' ? '\\r?\\n' : '\\n'
  return `(?:#[^\\n]{0,1000}|${others.host()}(?:/32)?|${network})?${eol}`
}

const ZERO_PREFIX = /\/0+[ \t]*(?:#|$)/

/** Whether an entry has /0, which both daemons read as /32 in IPv4. */
export const hasZeroPrefix = ({ raw, network }: Pick<IgnoreEntry, 'raw' | 'network'>): boolean =>
  network !== null && isIPv4(network) && ZERO_PREFIX.test(raw)

/** Reads any text and never throws. Faultless entries for `others` are left out. */
export const parseIgnoreList = (text: string, dialect: Dialect, others?: OtherAddresses): IgnoreList => {
  const entries: IgnoreEntry[] = []
  const faults: IgnoreFault[] = []
  const skip = createSkip(text, others, (some) => otherLine(some, dialect))
  const numberAt = createLineCounter(text)
  for (let offset = skip(0), end = 0; offset < text.length; offset = skip(end)) {
    end = endOfLineAt(text, offset)
    const number = numberAt(offset)
    const line = lineFrom(text, offset, end, number)
    const reading = dialect === '1.2' ? read12(line) : read2(line)
    if (reading === 'nothing') continue
    if ('fault' in reading) faults.push({ line: number, offset, end, message: reading.fault })
    const network = 'network' in reading ? reading.network : null
    const entry = { line: number, offset, end, network, raw: trim(line.text) }
    const isOther = others && network !== null && !others.networks.some((one) => contains(network, one))
    if (!isOther || hasZeroPrefix(entry)) entries.push(entry)
  }
  return { text, dialect, entries, faults }
}

/** The first entry that covers the whole network, as the daemon reads it: that one counts, in both dialects. */
const ignoringEntry = ({ entries }: IgnoreList, network: Network): IgnoreEntry | undefined =>
  entries.find((entry) => entry.network !== null && contains(entry.network, network))

export const ignored = (list: IgnoreList, network: Network): boolean =>
  ignoringEntry(list, network) !== undefined

/** The number of the line by which an address is ignored, or null. */
export const ignoringLine = (list: IgnoreList, address: readonly number[]): number | null =>
  ignoringEntry(list, { bytes: address, prefix: address.length * 8 })?.line ?? null

/** Whether an entry was meant to be one of the networks but does not match it: dotted mask, `//24`, and host bits in 2.x. */
const isIneffective = ({ raw, network: seen }: IgnoreEntry, networks: readonly Network[]): boolean => {
  const meant = parseNetwork(raw.replace('//', '/'))
  if (meant === null || !raw.includes('/')) return false
  return networks.some(
    (network) =>
      network.prefix === meant.prefix &&
      contains(network, meant) &&
      (seen === null || hasHostBits(meant) || !contains(seen, network)),
  )
}

const expressible = ({ dialect }: IgnoreList, networks: readonly Network[]): Network[] =>
  networks.filter((network) => dialect === '2.x' || isIPv4(network)).map(networkOf)

/** The lines outside of its block that `setIgnored` deletes. */
export const residueOf = (
  list: IgnoreList,
  networks: readonly Network[],
  isObsolete: (raw: string) => boolean,
): IgnoreEntry[] => {
  const wanted = expressible(list, networks)
  return list.entries.filter((entry) => isObsolete(entry.raw) || isIneffective(entry, wanted))
}

/**
 * Edits after which every network is `ignored`; in 1.2, which does not know IPv6, every IPv4 network. Neither can express
 * `/0`. The file then ends with a newline: without it 2.x loses the last character. Of the admin's lines it deletes only those
 * with `isObsolete(raw)`, or that were meant to be one of the networks and do not match it.
 */
export const setIgnored = (
  list: IgnoreList,
  networks: readonly Network[],
  isObsolete: (raw: string) => boolean,
): Edit[] => {
  const { text, dialect } = list
  const wanted = expressible(list, networks)
  // 2.x does not start with a CR in the file, 1.2 ignores it.
  const eol = dialect === '2.x' ? '\n' : lineEnd(text)
  // A last line without newline gets one in any case, so it is read as if it had it.
  const unfinished = text !== '' && !text.endsWith('\n')
  const parse = (other: string) =>
    other === text ? list : parseIgnoreList(other, dialect, notContaining(wanted))
  const whole = unfinished ? parse(text + eol) : list
  const edits = setGrants(whole.text, wanted, {
    entry: formatCidr,
    read: (other) => {
      const reread = parse(other)
      return (network) => ignored(reread, network)
    },
    position: (other) => other.length,
    residue: residueOf(whole, networks, isObsolete),
    eol,
  })
  if (!unfinished) return edits
  const clipped = edits.map((edit) => {
    const offset = Math.min(edit.offset, text.length)
    return { ...edit, offset, length: Math.min(edit.length, text.length - offset) }
  })
  const deletesLastLine = edits.some(({ offset, length }) => length > 0 && offset + length > text.length)
  return deletesLastLine ? clipped : [{ offset: text.length, length: 0, text: eol }, ...clipped]
}
