import { diffArrays } from 'diff'
import { applyEdits, type Edit } from './edit.ts'
import {
  COMMENT_LINE,
  type Fail2banIni,
  findEntry,
  INLINE_COMMENT,
  type IniEntry,
  isUtf8,
  type Piece,
  parseFail2banIni,
  strip,
} from './fail2ban-ini.ts'
import { endOf, type Line } from './lines.ts'

/** Whether fail2ban reads this value unchanged once it is written: no comment, surrounding white space or invalid bytes. */
export const isWritableValue = (value: string): boolean =>
  isUtf8(value) &&
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

/**
 * New lines below line `anchor` (-1 in an empty file); if that is the last line and has no line ending, it gets one first.
 */
export const insertBelow = (ini: Fail2banIni, anchor: number, texts: readonly string[]): Edit => {
  const line = ini.lines[anchor]
  const eol = line?.eol || ini.lines[0]?.eol || '\n'
  const text = texts.map((each) => each + eol).join('')
  return { offset: line ? endOf(line) : 0, length: 0, text: line?.eol === '' ? eol + text : text }
}

/** Changes only the lines of the value that differ, and keeps all comments. */
const replaceValue = (ini: Fail2banIni, entry: IniEntry, value: string): Edit[] => {
  const [first = '', ...rest] = value.split('\n')
  const [head, ...tail] = entry.pieces as [Piece, ...Piece[]]
  // `key =` without a value gets a space after the delimiter if there is one before it
  const pad = /\s[=:]$/.test(ini.text.slice(head.from - 2, head.from)) ? ' ' : ''
  const edits: Edit[] = []
  if (first !== head.text) {
    edits.push({ offset: head.from, length: head.to - head.from, text: first === '' ? '' : pad + first })
  }
  const neighbour = tail.find(({ text }) => text !== '')
  const indent = neighbour ? lineIndent(ini, neighbour) : entry.indent + CONTINUATION
  const texts = tail.map(({ text }) => text)
  let anchor = head.line
  let index = 0
  for (const change of diffArrays(texts, rest)) {
    if (change.added) {
      const added = change.value.map((text) => (text === '' ? '' : indent + text))
      edits.push(insertBelow(ini, anchor, added))
      continue
    }
    for (const { line, from, to, commented } of tail.slice(index, index + change.count)) {
      const { offset, text, eol } = ini.lines[line] as Line
      if (!change.removed) anchor = line
      else if (commented) edits.push({ offset: from, length: to - from, text: '' })
      else edits.push({ offset, length: text.length + eol.length, text: '' })
    }
    index += change.count
  }
  return edits
}

const renderEntry = (indent: string, key: string, value: string): string[] => {
  const [first = '', ...rest] = value.split('\n')
  const head = first === '' ? `${indent}${key} =` : `${indent}${key} = ${first}`
  return [head, ...rest.map((line) => (line === '' ? '' : indent + CONTINUATION + line))]
}

/** Below the section's last entry and the comments directly after it, unless a header follows those. */
const insertEntry = (ini: Fail2banIni, section: string, key: string, value: string): Edit => {
  const index = ini.sections.findLastIndex(({ name }) => name === section)
  const block = ini.sections[index]
  if (!block) {
    const gap = strip(ini.lines.at(-1)?.text ?? '') === '' ? [] : ['']
    const texts = [...gap, `[${section}]`, ...renderEntry('', key, value)]
    return insertBelow(ini, ini.lines.length - 1, texts)
  }
  let end = block.last + 1
  while (COMMENT_LINE.test(ini.lines[end]?.text ?? '')) end += 1
  const anchor = strip(ini.lines[end]?.text ?? '') === '' ? end - 1 : block.last
  // At least as indented as the next line, which would otherwise become a continuation of the new value.
  const indent = block.entries.at(-1)?.indent ?? ini.sections[index + 1]?.indent ?? block.indent
  return insertBelow(ini, anchor, renderEntry(indent, key, value))
}

/**
 * Edits after which [section] has `key = value`; none if it has already. For a file without faults. Throws for a value that
 * is not writable: callers have to refuse it first.
 */
export const setValue = (ini: Fail2banIni, section: string, key: string, value: string): Edit[] => {
  const entry = findEntry(ini, section, key)
  if (entry?.value === value) return []
  if (!isWritableValue(value)) throw new Error(`not a value for fail2ban: ${key} = ${JSON.stringify(value)}`)
  return entry ? replaceValue(ini, entry, value) : [insertEntry(ini, section, key, value)]
}

/** The text in which [section] has all of these values. For a file without faults. */
export const setValues = (text: string, section: string, values: ReadonlyMap<string, string>): string =>
  [...values].reduce(
    (current, [key, value]) => applyEdits(current, setValue(parseFail2banIni(current), section, key, value)),
    text,
  )
