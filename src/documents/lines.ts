/** One physical line: `text` without its line end, `eol` being what ended it ('' at an unfinished last line). */
export interface Line {
  readonly offset: number
  readonly number: number
  readonly text: string
  readonly eol: '\n' | '\r\n' | ''
}

/** Splits at newlines only, as the daemons do. The lines' `text + eol` concatenate to the input. */
export const splitLines = (text: string): Line[] => {
  const lines: Line[] = []
  let offset = 0
  while (offset < text.length) {
    const newline = text.indexOf('\n', offset)
    const end = newline === -1 ? text.length : newline
    const eol = newline === -1 ? '' : end > offset && text[end - 1] === '\r' ? '\r\n' : '\n'
    const textEnd = eol === '\r\n' ? end - 1 : end
    lines.push({ offset, number: lines.length + 1, text: text.slice(offset, textEnd), eol })
    offset = newline === -1 ? text.length : newline + 1
  }
  return lines
}

/** The line end that new lines of this text should have: that of its first line. */
export const lineEnd = (lines: readonly Line[]): '\n' | '\r\n' => (lines[0]?.eol === '\r\n' ? '\r\n' : '\n')

/** Where the line ends, its line end included. */
export const endOf = (line: { offset: number; text: string; eol: string }): number =>
  line.offset + line.text.length + line.eol.length
