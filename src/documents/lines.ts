/** One physical line: `text` without its line ending, which is `eol` ('' for a last line without one). */
export interface Line {
  readonly offset: number
  readonly number: number
  readonly text: string
  readonly eol: '\n' | '\r\n' | '\r' | ''
}

/** Lines as C programs and shells read them: only a newline ends a line. */
const LINE = /([^\n]*?)(\r?\n|$)/g
/** Lines with Python's universal newlines: a carriage return alone ends a line, too. */
export const UNIVERSAL_LINE = /([^\r\n]*)(\r\n|\n|\r|$)/g

/** The lines of the text; their `text + eol` concatenate to it. */
export const splitLines = (text: string, line = LINE): Line[] =>
  [...text.matchAll(line)]
    .filter(([whole]) => whole !== '')
    .map(({ index, 1: content = '', 2: eol = '' }, at) => ({
      offset: index,
      number: at + 1,
      text: content,
      eol: eol as Line['eol'],
    }))

/** The line from `offset` to `end`, as C programs and shells read it. */
export const lineFrom = (text: string, offset: number, end: number, number: number): Line => {
  const whole = text.slice(offset, end)
  const eol = whole.endsWith('\r\n') ? '\r\n' : whole.endsWith('\n') ? '\n' : ''
  return { offset, number, text: whole.slice(0, whole.length - eol.length), eol }
}

/** The offset after the line that begins, or goes on, at `offset`. */
export const endOfLineAt = (text: string, offset: number): number =>
  text.indexOf('\n', offset) + 1 || text.length

/** How many lines end between two offsets. */
export const countLines = (text: string, from: number, to: number): number => {
  let count = 0
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count += 1
  return count
}

/** The number of the line that an offset is in, for offsets in ascending order: the text is searched only once. */
export const createLineCounter = (text: string): ((offset: number) => number) => {
  let [line, counted] = [1, 0]
  return (offset) => {
    line += countLines(text, counted, offset)
    counted = offset
    return line
  }
}

/** The text of the line with this number, without its line ending; '' if there is none. */
export const lineText = (text: string, number: number): string => {
  let offset = 0
  for (let line = 1; line < number; line += 1) offset = endOfLineAt(text, offset)
  return lineFrom(text, offset, endOfLineAt(text, offset), number).text
}

/** The line ending for new lines of this text: that of its first line. */
export const lineEnd = (text: string): '\n' | '\r\n' =>
  text.slice(0, endOfLineAt(text, 0)).endsWith('\r\n') ? '\r\n' : '\n'

/** The offset after the line and its line ending. */
export const endOf = (line: { offset: number; text: string; eol: string }): number =>
  line.offset + line.text.length + line.eol.length
