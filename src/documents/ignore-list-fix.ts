import { formatAddress, formatCidr, isIPv4, type Network, networkOf, parseNetwork } from '../network.ts'
import type { Edit } from './edit.ts'
import { hasZeroPrefix, type IgnoreList, MAX_LINE } from './ignore-list.ts'
import { lineFrom } from './lines.ts'
import { findOwnedMarks } from './owned-block.ts'

/** An entry as it was meant, however the daemon reads the line. */
interface Intended {
  readonly network: Network
  /** The entry as both daemons read it. */
  readonly form: string
  /** With its `#`; '' for none. */
  readonly comment: string
}

const ENTRY = /^[ \t\r\f\v]*([^ \t\r\f\v#]+)[ \t\r\f\v]*(#.*)?$/s

/** With surrounding blanks, a comment, host bits, capitals, brackets or a dotted mask the meaning of an entry is still clear. */
const intendedBy = (text: string): Intended | null => {
  const [, written = '', comment = ''] = ENTRY.exec(text) ?? []
  const network = parseNetwork(written.replace(/^\[(.*)\]/, '$1'))
  // Both daemons read /0 of an IPv4 address as /32.
  if (network === null || (isIPv4(network) && network.prefix === 0)) return null
  const form = written.includes('/') ? formatCidr(networkOf(network)) : formatAddress(network.bytes)
  return { network, form, comment: comment.trimEnd() }
}

/** What to do about a line that does not make the daemon ignore a host, or that keeps it from starting. */
export interface IgnoreFix {
  readonly line: number
  /** Why the daemon does not read it as an entry, and whether it keeps 2.x from starting. */
  readonly fault: string
  readonly isFatal: boolean
  /** The entry in the form that the daemon reads; '' for a comment; null: this release has no form for it. */
  readonly form: string | null
  /** Null: the line is kept. */
  readonly edit: Edit | null
}

const LEADING_BLANKS = /^[ \t\r\f\v]+/

/** The line as 2.x reads it: an entry alone, its comment above it; commented out if its meaning is unclear. */
const rewritten2 = (text: string, intended: Intended | null): Rewritten => {
  const bare = text.replace(LEADING_BLANKS, '').trimEnd()
  if (bare === '' || bare.startsWith('#')) return { text: bare, form: '' }
  if (intended === null) return { text: `#${text}`, form: null }
  const { comment, form } = intended
  return { text: comment === '' ? form : `${comment}\n${form}`, form }
}

/** The line as 1.2 reads it: a comment may follow an entry, and lines that it cannot read are skipped. */
const rewritten12 = (text: string, intended: Intended | null): Rewritten => {
  if (intended === null || !isIPv4(intended.network)) return { text, form: null }
  const rest = text.replace(LEADING_BLANKS, '').replace(/^[^ \t\r\f\v#]+/, '')
  return { text: intended.form + rest, form: intended.form }
}

type Rewritten = Pick<IgnoreFix, 'form'> & { readonly text: string }

const HOST_BITS = 'it has host bits set, and so matches no host'

/**
 * What to do about each line that the daemon does not read as an entry. Lines with a clear meaning are rewritten. Others keep
 * 2.x from starting, and are commented out; 1.2 skips them. `deleted` are lines that are going to be deleted. Overlong lines
 * are left out: commenting them out would not help.
 */
export const fixEntries = (list: IgnoreList, deleted: ReadonlySet<number>): IgnoreFix[] => {
  const { dialect, entries, faults } = list
  const { blocks } = findOwnedMarks(list.text)
  const reasons = new Map(faults.map(({ line, message }) => [line, message]))
  return entries.flatMap(({ line: number, offset, end, network }): IgnoreFix[] => {
    const reason = reasons.get(number) ?? (network === null ? HOST_BITS : undefined)
    if (reason === undefined || deleted.has(number)) return []
    if (blocks.some((block) => offset >= block.offset && offset < block.end)) return []
    const line = lineFrom(list.text, offset, end, number)
    if (line.text.length >= MAX_LINE) return []
    const intended = intendedBy(line.text)
    const { text, form } = (dialect === '2.x' ? rewritten2 : rewritten12)(line.text, intended)
    const isUnseen = dialect === '1.2' && intended !== null && !isIPv4(intended.network)
    // A carriage return keeps 2.x from starting, too.
    const eol = dialect === '2.x' && line.eol === '\r\n' ? '\n' : line.eol
    const isSame = text === line.text && eol === line.eol
    return [
      {
        line: number,
        fault: isUnseen ? 'portsentry 1.2 sees no IPv6 at all' : reason,
        isFatal: dialect === '2.x' && reason !== HOST_BITS,
        form,
        edit: isSame ? null : { offset, length: end - offset, text: text + eol },
      },
    ]
  })
}

/** Lines of entries with /0, which ignore only one host. */
export const zeroPrefixes = (list: IgnoreList): number[] =>
  list.entries.filter(hasZeroPrefix).map(({ line }) => line)
