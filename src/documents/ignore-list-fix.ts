import { formatAddress, formatCidr, isIPv4, type Network, networkOf, parseNetwork } from '../network.ts'
import type { Edit } from './edit.ts'
import { type IgnoreList, MAX_LINE } from './ignore-list.ts'
import { endOf, type Line } from './lines.ts'
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

/** What becomes of a line by which the daemon ignores nobody, or over which it does not start. */
export interface IgnoreFix {
  readonly line: number
  /** Why it is no good as it stands, and whether 2.x does not even start over it. */
  readonly fault: string
  readonly isFatal: boolean
  /** The entry in the form that is read; '' for a comment; null: nobody can read it in this release. */
  readonly form: string | null
  /** Null: it stays as it is. */
  readonly edit: Edit | null
}

/** 2.x takes an entry alone on its line: a comment goes above it. */
const rewritten2 = (text: string): { text: string; form: string | null } => {
  const bare = text.replace(/^[ \t\r\f\v]+/, '').trimEnd()
  if (bare === '' || bare.startsWith('#')) return { text: bare, form: '' }
  const meant = intendedBy(text)
  if (meant === null) return { text: `#${text}`, form: null }
  const above = meant.comment === '' ? '' : `${meant.comment}\n`
  return { text: above + meant.form, form: meant.form }
}

/** 1.2 takes a comment behind it; it sees no IPv6, and passes over what it cannot read. */
const rewritten12 = (text: string): { text: string; form: string | null } => {
  const meant = intendedBy(text)
  if (meant === null || !isIPv4(meant.network)) return { text, form: null }
  const rest = text.replace(/^[ \t\r\f\v]*[^ \t\r\f\v#]+/, '')
  return { text: meant.form + rest, form: meant.form }
}

/** Whether a line is for a host or network that 1.2 never sees. */
const isUnseen12 = (text: string): boolean => {
  const network = intendedBy(text)?.network
  return network !== undefined && !isIPv4(network)
}

const HOST_BITS = 'it has host bits set, and so matches nobody'

/**
 * What to do about each line that is no good to the daemon. Its meaning is kept where it is plain: 2.x does not start over
 * others, which are commented out, and 1.2 passes over them. `doomed` are lines that are going to be deleted. Overlong lines
 * are no better as comments, and left out.
 */
export const fixEntries = (list: IgnoreList, doomed: ReadonlySet<number>): IgnoreFix[] => {
  const { dialect, lines, entries, faults } = list
  const owned = new Set(
    findOwnedMarks(lines).blocks.flatMap(({ begin, end }) =>
      lines.slice(begin, end + 1).map(({ number }) => number),
    ),
  )
  const reasons = new Map([
    ...entries.filter(({ network }) => network === null).map(({ line }) => [line, HOST_BITS] as const),
    ...faults.map(({ line, message }) => {
      const isUnseen = dialect === '1.2' && isUnseen12(lines[line - 1]?.text ?? '')
      return [line, isUnseen ? 'portsentry 1.2 sees no IPv6 at all' : message] as const
    }),
  ])
  return [...reasons]
    .filter(([number]) => !doomed.has(number) && !owned.has(number))
    .filter(([number]) => (lines[number - 1]?.text.length ?? 0) < MAX_LINE)
    .sort(([a], [b]) => a - b)
    .map(([number, fault]): IgnoreFix => {
      const line = lines[number - 1] as Line
      const { text, form } = dialect === '2.x' ? rewritten2(line.text) : rewritten12(line.text)
      // 2.x does not start over a carriage return either.
      const eol = dialect === '2.x' && line.eol === '\r\n' ? '\n' : line.eol
      const isSame = text === line.text && eol === line.eol
      const edit = { offset: line.offset, length: endOf(line) - line.offset, text: text + eol }
      const isFatal = dialect === '2.x' && fault !== HOST_BITS
      return { line: number, fault, isFatal, form, edit: isSame ? null : edit }
    })
}

/** Entries that ignore one host only, although they say everybody. */
export const zeroPrefixes = (list: IgnoreList): number[] =>
  list.entries
    .filter(({ raw, network }) => network !== null && isIPv4(network) && /\/0+[ \t]*(?:#|$)/.test(raw))
    .map(({ line }) => line)
