/** One physical line: `text` without its line end, `eol` being what ended it ('' at an unfinished last line). */
export interface Line {
  readonly offset: number
  readonly number: number
  readonly text: string
  readonly eol: '\n' | '\r\n' | '\r' | ''
}

/** Lines as C programs and shells read them: ended by a newline, and nothing else. */
const LINE = /([^\n]*?)(\r?\n|$)/g
/** As Python's universal newlines have them: a carriage return alone ends a line, too. */
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

/** The line end that new lines of this text should have: that of its first line. */
export const lineEnd = (lines: readonly Line[]): '\n' | '\r\n' => (lines[0]?.eol === '\r\n' ? '\r\n' : '\n')

/** Where the line ends, its line end included. */
export const endOf = (line: { offset: number; text: string; eol: string }): number =>
  line.offset + line.text.length + line.eol.length
