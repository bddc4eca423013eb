import { isUtf8 } from 'node:buffer'
import { diffArrays } from 'diff'
import { applyEdits, type Edit } from './edit.ts'

/**
 * A file below /etc/fail2ban, read by fail2ban's own rules: Python's strict configparser, UTF-8, universal
 * newlines (a lone CR ends a line too); `;` after white space opens a comment within a line, `#` does not.
 * Authority: client/configparserinc.py of fail2ban 1.0 to 1.1; the tests hold this against Python itself.
 */
export interface Fail2banIni {
  readonly text: string
  readonly lines: readonly IniLine[]
  /** In file order. [DEFAULT] may come twice; any other name that does is a fault, as is no name at all. */
  readonly sections: readonly IniSection[]
  readonly faults: readonly Fault[]
}

export interface IniLine {
  readonly offset: number
  readonly text: string
  readonly eol: '\n' | '\r\n' | '\r' | ''
}

/** What stands below one header, or before the first (`name` undefined). `first` and `last` index lines. */
export interface IniSection {
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

/** One line's share of a value, at offsets `from` to `to`; `line` indexes lines; `commented`: a comment follows. */
interface Piece {
  readonly text: string
  readonly line: number
  readonly from: number
  readonly to: number
  readonly commented: boolean
}

/** `not-utf8` makes fail2ban skip the file and go on; with any other fault it does not start. */
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
const INLINE_COMMENT = new RegExp(`(?<=^|${SPACE});`)
const COMMENT_LINE = new RegExp(`^${SPACE}*[#;]`)
const SPACES = new RegExp(SPACE, 'g')
const BOM = /^(?:\xef\xbb\xbf)+/

const leading = (text: string): string => LEADING.exec(text)?.[0] ?? ''
const strip = (text: string): string => text.slice(leading(text).length).replace(TRAILING, '')
/** fail2ban compares indents by characters, not by bytes. */
const width = (indent: string): number => indent.match(SPACES)?.length ?? 0

/** A key as fail2ban compares it. */
export const lowerKey = (key: string): string =>
  Buffer.from(Buffer.from(key, 'latin1').toString('utf8').toLowerCase(), 'utf8').toString('latin1')

const splitIniLines = (text: string): IniLine[] =>
  [...text.matchAll(/([^\r\n]*)(\r\n|\n|\r|$)/g)]
    .filter(([line]) => line !== '')
    .map((match) => ({ offset: match.index, text: match[1] ?? '', eol: (match[2] ?? '') as IniLine['eol'] }))

const endOf = (line: IniLine): number => line.offset + line.text.length + line.eol.length

/** What a line says, comments taken off: `content` at offset `from`. */
const scan = (line: IniLine) => {
  const skipped = line.offset === 0 ? (BOM.exec(line.text)?.[0].length ?? 0) : 0
  const text = line.text.slice(skipped)
  const indent = leading(text)
  const comment = COMMENT_LINE.test(text) ? 0 : text.search(INLINE_COMMENT)
  const content = strip(comment === -1 ? text : text.slice(0, comment))
  const start = line.offset + skipped
  return { start, indent, from: start + indent.length, content, commented: comment !== -1 }
}

type Draft<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? Draft<I>[] : T[K] }

/** Reads any text and never throws; where there are faults, the sections are what was probably meant. */
export const parseFail2banIni = (text: string): Fail2banIni => {
  const lines = splitIniLines(text)
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
    if (!isUtf8(Buffer.from(line.text, 'latin1'))) fault('not-utf8', 'a byte that is not UTF-8')
    if (content === '') {
      // A blank line belongs to the value above, should more of it follow. A comment is nothing at all.
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
      // After a value without a key nothing continues; after other unreadable lines the entry above does.
      if (delimiter === 0) entry = undefined
      continue
    }
    const key = lowerKey(content.slice(0, delimiter).replace(TRAILING, ''))
    const name = section.name
    if (sections.some((other) => other.name === name && other.entries.some((each) => each.key === key))) {
      fault('duplicate-key', `${key} is set a second time${name === undefined ? '' : ` in [${name}]`}`)
    }
    const value = strip(content.slice(delimiter + 1))
    // The place of an empty value: just behind the delimiter where a comment needs the white space after it.
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

/** Whether fail2ban reads this value back as it is once written: no comment, stray white space or odd bytes. */
export const isWritableValue = (value: string): boolean =>
  isUtf8(Buffer.from(value, 'latin1')) &&
  !/\r|\n$/.test(value) &&
  value
    .split('\n')
    .every(
      (line, index) =>
        strip(line) === line && !INLINE_COMMENT.test(line) && (index === 0 || !line.startsWith('#')),
    )

const CONTINUATION = ' '.repeat(10)
const lineIndent = (ini: Fail2banIni, { line, from }: Piece): string =>
  ini.text.slice(ini.lines[line]?.offset, from)

/** New lines below line `anchor`; where that is the file's unfinished last one, it gets its line end first. */
const insertBelow = (ini: Fail2banIni, anchor: number, texts: readonly string[]): Edit => {
  const line = ini.lines[anchor] as IniLine
  const eol = line.eol || ini.lines[0]?.eol || '\n'
  const text = texts.map((each) => each + eol).join('')
  return { offset: endOf(line), length: 0, text: line.eol === '' ? eol + text : text }
}

/** Only lines of the value that differ are touched, and no comment is lost. */
const replaceValue = (ini: Fail2banIni, entry: IniEntry, value: string): Edit[] => {
  const [first = '', ...rest] = value.split('\n')
  const [head, ...tail] = entry.pieces as [Piece, ...Piece[]]
  // `key =` followed by nothing gets the space that stands before its delimiter
  const pad = /\s[=:]$/.test(ini.text.slice(head.from - 2, head.from)) ? ' ' : ''
  const insertions: Edit[] = []
  const removals: Edit[] = []
  if (first !== head.text) {
    insertions.push({ offset: head.from, length: head.to - head.from, text: first === '' ? '' : pad + first })
  }
  const neighbour = tail.find(({ text }) => text !== '')
  const indent = neighbour ? lineIndent(ini, neighbour) : entry.indent + CONTINUATION
  let anchor = head.line
  let index = 0
  const texts = tail.map(({ text }) => text)
  for (const change of diffArrays(texts, rest)) {
    if (change.added) {
      const added = change.value.map((text) => (text === '' ? '' : indent + text))
      insertions.push(insertBelow(ini, anchor, added))
      continue
    }
    for (const piece of tail.slice(index, index + change.count)) {
      const line = ini.lines[piece.line] as IniLine
      if (!change.removed) anchor = piece.line
      else if (piece.commented) {
        removals.push({ offset: piece.from, length: piece.to - piece.from, text: '' })
      } else removals.push({ offset: line.offset, length: endOf(line) - line.offset, text: '' })
    }
    index += change.count
  }
  // At one offset, what is inserted comes before what is removed.
  return [...insertions, ...removals]
}

const renderEntry = (indent: string, key: string, value: string): string[] => {
  const [first = '', ...rest] = value.split('\n')
  const head = first === '' ? `${indent}${key} =` : `${indent}${key} = ${first}`
  return [head, ...rest.map((line) => (line === '' ? '' : indent + CONTINUATION + line))]
}

/** Below the section's last entry and the comments that go on directly from there, unless a header follows those. */
const insertEntry = (ini: Fail2banIni, section: string, key: string, value: string): Edit => {
  const index = ini.sections.findLastIndex(({ name }) => name === section)
  const block = ini.sections[index]
  if (!block) {
    const last = ini.lines.at(-1)
    const gap = last === undefined || strip(last.text) === '' ? [] : ['']
    const texts = [...gap, `[${section}]`, ...renderEntry('', key, value)]
    if (last) return insertBelow(ini, ini.lines.length - 1, texts)
    return { offset: 0, length: 0, text: texts.map((each) => `${each}\n`).join('') }
  }
  let end = block.last + 1
  while (COMMENT_LINE.test(ini.lines[end]?.text ?? '')) end += 1
  const anchor = strip(ini.lines[end]?.text ?? '') === '' ? end - 1 : block.last
  // Never less indented than what follows, which would become a continuation of the new value.
  const indent = block.entries.at(-1)?.indent ?? ini.sections[index + 1]?.indent ?? block.indent
  return insertBelow(ini, anchor, renderEntry(indent, key, value))
}

/**
 * Edits after which [section] says `key = value`; none where it does already. Meant for a file without faults.
 * Throws on a value that is not writable: whoever renders values has to refuse it first.
 */
export const setValue = (ini: Fail2banIni, section: string, key: string, value: string): Edit[] => {
  const entry = findEntry(ini, section, key)
  if (entry?.value === value) return []
  if (!isWritableValue(value)) throw new Error(`no value for fail2ban: ${key} = ${JSON.stringify(value)}`)
  return entry ? replaceValue(ini, entry, value) : [insertEntry(ini, section, key, value)]
}

/** Every key's last value, content before the first header counted as [section]'s. */
const meaning = (ini: Fail2banIni, section: string): string => {
  const values = new Map<string, string>()
  for (const { name = section, entries } of ini.sections) {
    for (const { key, value } of entries) values.set(JSON.stringify([name, key]), value)
  }
  return JSON.stringify([...values].sort())
}

const mendSections = (ini: Fail2banIni, section: string): Edit[] => {
  const names = ini.sections.map(({ name }) => name ?? section)
  const lines = new Set<number>()
  const last = new Map<string, readonly Piece[]>()
  for (const [index, block] of ini.sections.entries()) {
    for (const { key, pieces } of block.entries) {
      const identity = JSON.stringify([names[index], key])
      for (const piece of last.get(identity) ?? []) lines.add(piece.line)
      last.set(
        identity,
        pieces.filter(({ text }, at) => at === 0 || text !== ''),
      )
    }
  }
  const [orphans] = ini.sections.filter(({ name }) => name === undefined)
  const insertions: Edit[] = []
  const removals: Edit[] = []
  if (orphans) {
    const line = ini.lines[orphans.first] as IniLine
    insertions.push({ offset: scan(line).start, length: 0, text: `[${section}]${line.eol || '\n'}` })
  }
  const comment = (index: number): string => (lines.has(index) ? '# ' : '')
  const moved = new Set<number>()
  for (const [index, block] of ini.sections.entries()) {
    const name = names[index] as string
    const home = names.indexOf(name)
    if (name === 'DEFAULT' || home === index) continue
    lines.add(block.first)
    const after = names.findIndex((other, at) => at > home && other !== name)
    if (after === -1 || index < after) continue
    const range = ini.lines.slice(block.first, block.last + 1)
    const texts = range.map((line, at) => comment(block.first + at) + line.text)
    for (const at of range.keys()) moved.add(block.first + at)
    insertions.push(insertBelow(ini, ini.sections[after - 1]?.last ?? 0, texts))
    const offset = ini.lines[block.first]?.offset ?? 0
    removals.push({ offset, length: endOf(range.at(-1) as IniLine) - offset, text: '' })
  }
  for (const index of [...lines].filter((line) => !moved.has(line))) {
    insertions.push({ offset: scan(ini.lines[index] as IniLine).start, length: 0, text: '# ' })
  }
  return [...insertions, ...removals]
}

/**
 * Edits that make fail2ban accept the file again, with nothing lost: a byte order mark goes, content before the
 * first header gets `[section]`, a section that comes twice joins its first place, of a key that is set twice
 * all but the last are commented out. Unparseable lines and bytes that are not UTF-8 stay as they are, and so
 * does everything but the mark where mending would change what a key says (odd indents can do that).
 */
export const removeFaults = (ini: Fail2banIni, section: string): Edit[] => {
  const marks = BOM.exec(ini.text)?.[0].length ?? 0
  const unmark: Edit[] = marks === 0 ? [] : [{ offset: 0, length: marks, text: '' }]
  const edits = [...unmark, ...mendSections(ini, section)]
  const mended = parseFail2banIni(applyEdits(ini.text, edits))
  const done = mended.faults.every(({ kind }) => kind === 'unparseable' || kind === 'not-utf8')
  return done && meaning(mended, section) === meaning(ini, section) ? edits : unmark
}
