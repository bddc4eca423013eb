import { formatAddress, formatCidr, isIPv4, type Network, networkOf, parseNetwork } from '../network.ts'
import type { Edit } from './edit.ts'
import { type IgnoreList, MAX_LINE } from './ignore-list.ts'
import { endOf } from './lines.ts'
import { findOwnedMarks } from './owned-block.ts'

/** An entry as somebody meant it, whatever the daemon makes of the line. */
interface Intended {
  readonly network: Network
  /** The entry as both daemons read it. */
  readonly form: string
  /** With its `#`; '' where there is none. */
  readonly comment: string
}

const ENTRY = /^[ \t\r\f\v]*([^ \t\r\f\v#]+)[ \t\r\f\v]*(#.*)?$/s

/** Blanks around it, a comment behind it, host bits, capitals, brackets and a dotted mask leave no doubt about an entry. */
const intendedBy = (text: string): Intended | null => {
  const [, written = '', comment = ''] = ENTRY.exec(text) ?? []
  const network = parseNetwork(written.replace(/^\[(.*)\]/, '$1'))
  // Both take /0 of an IPv4 address for /32.
  if (network === null || (isIPv4(network) && network.prefix === 0)) return null
  const form = written.includes('/') ? formatCidr(networkOf(network)) : formatAddress(network.bytes)
  return { network, form, comment: comment.trimEnd() }
}

/** What becomes of a line by which the daemon ignores no host, or over which it does not start. */
export interface IgnoreFix {
  readonly line: number
  /** Why the daemon does not read it as an entry, and whether 2.x does not even start over it. */
  readonly fault: string
  readonly isFatal: boolean
  /** The entry in the form that is read; '' for a comment; null: there is none in this release. */
  readonly form: string | null
  /** Null: it stays as it is. */
  readonly edit: Edit | null
}

const LEADING_BLANKS = /^[ \t\r\f\v]+/

/** The line as 2.x reads it: an entry alone, the comment above it; commented out where its meaning is not plain. */
const rewritten2 = (text: string, intended: Intended | null): Rewritten => {
  const bare = text.replace(LEADING_BLANKS, '').trimEnd()
  if (bare === '' || bare.startsWith('#')) return { text: bare, form: '' }
  if (intended === null) return { text: `#${text}`, form: null }
  const { comment, form } = intended
  return { text: comment === '' ? form : `${comment}\n${form}`, form }
}

/** As 1.2 reads it: it takes a comment behind an entry, and passes over what it cannot read. */
const rewritten12 = (text: string, intended: Intended | null): Rewritten => {
  if (intended === null || !isIPv4(intended.network)) return { text, form: null }
  const rest = text.replace(LEADING_BLANKS, '').replace(/^[^ \t\r\f\v#]+/, '')
  return { text: intended.form + rest, form: intended.form }
}

type Rewritten = Pick<IgnoreFix, 'form'> & { readonly text: string }

const HOST_BITS = 'it has host bits set, and so matches no host'

/**
 * What to do about each line that the daemon does not read as an entry. Its meaning is kept where it is plain: 2.x does not
 * start over others, which are commented out, and 1.2 passes over them. `deleted` are lines that are going to be deleted.
 * Overlong lines are no better as comments, and left out.
 */
export const fixEntries = (list: IgnoreList, deleted: ReadonlySet<number>): IgnoreFix[] => {
  const { dialect, lines, entries, faults } = list
  const { blocks } = findOwnedMarks(lines)
  const isOwned = (index: number) => blocks.some(({ begin, end }) => index >= begin && index <= end)
  const reasons = new Map(faults.map(({ line, message }) => [line, message]))
  for (const { line, network } of entries)
    if (network === null && !reasons.has(line)) reasons.set(line, HOST_BITS)
  return lines.flatMap((line, index): IgnoreFix[] => {
    const reason = reasons.get(line.number)
    if (reason === undefined || deleted.has(line.number) || isOwned(index)) return []
    if (line.text.length >= MAX_LINE) return []
    const intended = intendedBy(line.text)
    const { text, form } = (dialect === '2.x' ? rewritten2 : rewritten12)(line.text, intended)
    const isUnseen = dialect === '1.2' && intended !== null && !isIPv4(intended.network)
    // 2.x does not start over a carriage return either.
    const eol = dialect === '2.x' && line.eol === '\r\n' ? '\n' : line.eol
    const isSame = text === line.text && eol === line.eol
    return [
      {
        line: line.number,
        fault: isUnseen ? 'portsentry 1.2 sees no IPv6 at all' : reason,
        isFatal: dialect === '2.x' && reason !== HOST_BITS,
        form,
        edit: isSame ? null : { offset: line.offset, length: endOf(line) - line.offset, text: text + eol },
      },
    ]
  })
}

/** Entries that ignore one host only, although they say everybody. */
export const zeroPrefixes = (list: IgnoreList): number[] =>
  list.entries
    .filter(({ raw, network }) => network !== null && isIPv4(network) && /\/0+[ \t]*(?:#|$)/.test(raw))
    .map(({ line }) => line)
