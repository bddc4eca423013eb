import { applyEdits, type Span } from '../documents/edit.ts'
import { MAX_LINE, parseIgnoreList, residueOf, setIgnored } from '../documents/ignore-list.ts'
import { fixEntries, type IgnoreFix, zeroPrefixes } from '../documents/ignore-list-fix.ts'
import { lineFrom } from '../documents/lines.ts'
import { notContaining } from '../documents/other-addresses.ts'
import type { Desired } from '../policy/desired.ts'
import type { Problem } from '../problem.ts'
import { edited, isArticleEntry, type Rewrite } from './files.ts'
import { networksInWords } from './phrases.ts'

/** The problem with a line of the ignore list that the daemon does not read, and what the plan does about it. */
const describeFix = ({ line, fault, isFatal, form, edit }: IgnoreFix, path: string): Problem => {
  const what = isFatal
    ? 'portsentry would not start because of this line'
    : 'portsentry does not ignore any host because of this line'
  const written =
    form === '' ? 'the plan moves the comment to the start of the line' : `the plan rewrites it as ${form}`
  const lost =
    edit === null
      ? 'write an IPv4 address or ADDRESS/BITS, or remove the line'
      : 'the plan comments it out: write an address or ADDRESS/BITS if a host should be ignored'
  return {
    severity: 'warning',
    code: isFatal ? 'refused-line' : 'unread-line',
    message: `${what}: ${fault}`,
    hint: form === null ? lost : written,
    at: { path, line },
  }
}

/**
 * The ignore list: entries with a clear meaning are rewritten in the form that the daemon reads; others that keep 2.x from
 * starting are commented out.
 */
export const rewriteIgnoreList = (text: string, desired: Desired): Rewrite => {
  const { release, ignored } = desired
  const { dialect, ignorePath: path } = release
  const isObsolete = isArticleEntry(desired)
  // A last line without newline is going to get one, so it is read as if it had it.
  const others = notContaining(ignored)
  const original = parseIgnoreList(text === '' || text.endsWith('\n') ? text : `${text}\n`, dialect, others)
  const deleted = new Set(residueOf(original, ignored, isObsolete).map(({ line }) => line))
  const fixes = fixEntries(original, deleted)
  const edits = fixes.flatMap(({ edit }) => edit ?? [])
  const readable = applyEdits(
    text,
    edits.map((edit) => ({ ...edit, length: Math.min(edit.length, text.length - edit.offset) })),
  )
  const list = readable === original.text ? original : parseIgnoreList(readable, dialect, others)
  const rewritten = edited(
    readable,
    setIgnored(list, [...ignored], isObsolete),
    `ignores ${networksInWords(ignored, desired.lan)}`,
  )
  const isLong = ({ offset, end }: Span): boolean =>
    lineFrom(original.text, offset, end, 0).text.length >= MAX_LINE
  const lasting = dialect === '2.x' ? original.faults.filter(isLong) : []
  const tooLong = lasting.map(
    ({ line, message }): Problem => ({
      severity: 'error',
      code: 'long-line',
      message: `portsentry would not start because of this line, even as a comment: ${message}`,
      hint: 'shorten it',
      at: { path, line },
    }),
  )
  const everybody = zeroPrefixes(original).map(
    (line): Problem => ({
      severity: 'warning',
      code: 'odd-entry',
      message: 'portsentry reads /0 as /32, and ignores only that one address',
      hint: 'list the networks that it should ignore',
      at: { path, line },
    }),
  )
  const reason = fixes.some(({ form }) => form === null)
    ? 'lines that portsentry refuses commented out'
    : 'entries in the form that portsentry reads'
  return {
    ...rewritten,
    reasons: [...(edits.length > 0 ? [reason] : []), ...rewritten.reasons],
    problems: [...fixes.map((fixing) => describeFix(fixing, path)), ...tooLong, ...everybody],
  }
}
