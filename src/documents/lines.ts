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

/** The line ending for new lines of this text: that of its first line. */
export const lineEnd = (lines: readonly Line[]): '\n' | '\r\n' => (lines[0]?.eol === '\r\n' ? '\r\n' : '\n')

/** The offset after the line and its line ending. */
export const endOf = (line: { offset: number; text: string; eol: string }): number =>
  line.offset + line.text.length + line.eol.length
