import { type Line, splitLines, UNIVERSAL_LINE } from './lines.ts'

/**
 * A file below /etc/fail2ban, read by fail2ban's own rules: Python's strict configparser, UTF-8, universal
 * newlines (a lone CR ends a line too); `;` after white space opens a comment within a line, `#` does not.
 * Authority: client/configparserinc.py of fail2ban 1.0 to 1.1; the tests compare this with Python itself.
 */
export interface Fail2banIni {
  readonly text: string
  readonly lines: readonly Line[]
  /** In file order. [DEFAULT] may be repeated; any other repeated name is a fault, and so is a missing header. */
  readonly sections: readonly IniSection[]
  readonly faults: readonly Fault[]
}

/** The lines below one header, or before the first (`name` undefined). `first` and `last` index lines. */
interface IniSection {
  readonly name: string | undefined
  readonly indent: string
  readonly first: number
  readonly last: number
  readonly entries: readonly IniEntry[]
}

/** `key` is lower-cased; `value` is raw, its lines joined with a newline; `line` counts from 1. */
export interface IniEntry {
  readonly key: string
  readonly value: string
  readonly line: number
  readonly indent: string
  readonly pieces: readonly Piece[]
}

/** The part of a value in one line, at offsets `from` to `to`; `line` indexes lines; `commented`: a comment follows. */
export interface Piece {
  readonly text: string
  readonly line: number
  readonly from: number
  readonly to: number
  readonly commented: boolean
}

/** Because of `not-utf8` fail2ban skips the file; with any other fault it does not start. */
export interface Fault {
  readonly line: number
  readonly kind: 'bom' | 'not-utf8' | 'no-section' | 'duplicate-section' | 'duplicate-key' | 'unparseable'
  readonly message: string
}

/** One character of white space to Python's str.strip(): UTF-8, as it looks when decoded as latin1. */
const SPACE =
  '(?:[\\t-\\r\\x1c-\\x1f ]|\\xc2[\\x85\\xa0]|\\xe1\\x9a\\x80|\\xe2\\x80[\\x80-\\x8a\\xa8\\xa9\\xaf]|\\xe2\\x81\\x9f|\\xe3\\x80\\x80)'
const LEADING = new RegExp(`^${SPACE}*`)
const TRAILING = new RegExp(`(?<!${SPACE})${SPACE}+$`)
export const INLINE_COMMENT = new RegExp(`(?<=^|${SPACE});`)
export const COMMENT_LINE = new RegExp(`^${SPACE}*[#;]`)
const SPACES = new RegExp(SPACE, 'g')
export const BOM = /^(?:\xef\xbb\xbf)+/

/** Bytes that are not UTF-8 become replacement characters, and these other bytes. */
export const isUtf8 = (text: string): boolean => {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}

/** ASCII has the white space that `SPACE` begins with, and needs neither its long list nor its search back from the end. */
const ASCII = /^[\0-\x7f]*$/
const ASCII_LEADING = /^[\t-\r\x1c-\x1f ]*/
const ASCII_BLANK = /[\t-\r\x1c-\x1f ]/

const leading = (text: string): string => (ASCII.test(text) ? ASCII_LEADING : LEADING).exec(text)?.[0] ?? ''

const withoutTrailing = (text: string): string => {
  if (!ASCII.test(text)) return text.replace(TRAILING, '')
  let end = text.length
  while (end > 0 && ASCII_BLANK.test(text[end - 1] ?? '')) end -= 1
  return text.slice(0, end)
}

/** Without leading and trailing white space, as defined by Python. */
export const strip = (text: string): string => withoutTrailing(text.slice(leading(text).length))
/** fail2ban compares indents by characters, not by bytes. */
const width = (indent: string): number => indent.match(SPACES)?.length ?? 0

/** A key as fail2ban compares it. */
export const lowerKey = (key: string): string =>
  ASCII.test(key)
    ? key.toLowerCase()
    : Buffer.from(Buffer.from(key, 'latin1').toString('utf8').toLowerCase(), 'utf8').toString('latin1')

/** A line without indent and comment: `content` at offset `from`. */
const scan = (line: Line) => {
  const skipped = line.offset === 0 ? (BOM.exec(line.text)?.[0].length ?? 0) : 0
  const text = line.text.slice(skipped)
  const indent = leading(text)
  const isComment = text[indent.length] === '#' || text[indent.length] === ';'
  const comment = isComment ? 0 : text.includes(';') ? text.search(INLINE_COMMENT) : -1
  const content = comment === 0 ? '' : strip(comment === -1 ? text : text.slice(0, comment))
  const start = line.offset + skipped
  return { start, indent, from: start + indent.length, content, commented: comment !== -1 }
}

type Draft<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? Draft<I>[] : T[K] }

/** Reads any text and never throws; if there are faults, the sections are what was probably meant. */
export const parseFail2banIni = (text: string): Fail2banIni => {
  const lines = splitLines(text, UNIVERSAL_LINE)
  const isWholeUtf8 = ASCII.test(text) || isUtf8(text)
  const sections: Draft<IniSection>[] = []
  const faults: Fault[] = []
  let section: Draft<IniSection> | undefined
  let entry: Draft<IniEntry> | undefined
  let level = 0
  const open = (name: string | undefined, index: number, indent: string): Draft<IniSection> => {
    const opened = { name, indent, first: index, last: index, entries: [] }
    sections.push(opened)
    entry = undefined
    return opened
  }
  for (const [index, line] of lines.entries()) {
    const fault = (kind: Fault['kind'], message: string) => faults.push({ line: index + 1, kind, message })
    const { start, indent, from, content, commented } = scan(line)
    if (start > line.offset) fault('bom', 'the file begins with a byte order mark')
    if (!isWholeUtf8 && !isUtf8(line.text)) fault('not-utf8', 'a byte that is not UTF-8')
    if (content === '') {
      // A blank line belongs to the value above if more of that follows. A comment does not count.
      if (!commented) entry?.pieces.push({ text: '', line: index, from, to: from, commented })
      continue
    }
    if (entry && section && width(indent) > level) {
      entry.pieces.push({ text: content, line: index, from, to: from + content.length, commented })
      section.last = index
      continue
    }
    level = width(indent)
    const header = /^\[(.+)\]/s.exec(content)?.[1]
    if (header !== undefined) {
      const twice = header !== 'DEFAULT' && sections.some(({ name }) => name === header)
      if (twice) fault('duplicate-section', `a second [${header}] section`)
      section = open(header, index, indent)
      continue
    }
    if (!section) {
      fault('no-section', 'content before the first [section] header')
      section = open(undefined, index, indent)
    }
    section.last = index
    const delimiter = content.search(/[=:]/)
    if (delimiter < 1) {
      fault(
        'unparseable',
        delimiter === 0 ? 'a value without a key' : 'neither a [section] nor a key = value',
      )
      // After a value without a key there is nothing to continue; other unreadable lines do not end the entry above.
      if (delimiter === 0) entry = undefined
      continue
    }
    const key = lowerKey(withoutTrailing(content.slice(0, delimiter)))
    const name = section.name
    if (sections.some((other) => other.name === name && other.entries.some((each) => each.key === key))) {
      fault('duplicate-key', `${key} is set a second time${name === undefined ? '' : ` in [${name}]`}`)
    }
    const value = strip(content.slice(delimiter + 1))
    // The offset of an empty value: directly after the delimiter if a comment needs the white space after it.
    const empty = commented ? from + delimiter + 1 : line.offset + line.text.length
    const at = value === '' ? empty : from + content.length - value.length
    const piece = { text: value, line: index, from: at, to: at + value.length, commented }
    entry = { key, value, line: index + 1, indent, pieces: [piece] }
    section.entries.push(entry)
  }
  for (const each of sections.flatMap(({ entries }) => entries)) {
    while (each.pieces.length > 1 && each.pieces.at(-1)?.text === '') each.pieces.pop()
    each.value = each.pieces.map((piece) => piece.text).join('\n')
  }
  return { text, lines, sections, faults }
}

/** The entry that sets `key` in [section] of this very file (no [DEFAULT], no other file, no interpolation). */
export const findEntry = (ini: Fail2banIni, section: string, key: string): IniEntry | undefined =>
  ini.sections
    .filter(({ name }) => name === section)
    .flatMap(({ entries }) => entries)
    .findLast((entry) => entry.key === lowerKey(key))

export const getValue = (ini: Fail2banIni, section: string, key: string): string | undefined =>
  findEntry(ini, section, key)?.value
