// Text whose words have styles, as pure functions make it. Where it is written, the styles become colours or are dropped.

/** The codes of ECMA-48's SGR (`ESC [ … m`). None of them can hide text. */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

export type Style = keyof typeof CODES

const STYLES = Object.keys(CODES) as Style[]

/**
 * A mark begins a style, END ends the last one that is open. They are noncharacters of Unicode. No latin1-decoded file has
 * them, and readable.ts shows those that its bytes stand for. If another text has, it is coloured to its end, and nothing else.
 */
const FIRST = 0xfdd0
const END = '\ufdef'
const MARKS = /[\ufdd0-\ufdef]/g

const markOf = (style: Style): string => String.fromCharCode(FIRST + STYLES.indexOf(style))

/** The text in this style. Styles can be nested. */
export const styled = (style: Style, text: string): string =>
  text === '' ? '' : `${markOf(style)}${text}${END}`

export const withoutStyles = (text: string): string => text.replace(MARKS, '')

/** The text with escape sequences for its styles. */
export const paint = (text: string): string => {
  const open: number[] = []
  const painted = text.replace(MARKS, (mark) => {
    if (mark !== END) {
      const style = STYLES[mark.charCodeAt(0) - FIRST]
      if (style === undefined) return ''
      open.push(CODES[style])
      return `\u001b[${CODES[style]}m`
    }
    if (open.pop() === undefined) return ''
    return `\u001b[0m${open.map((code) => `\u001b[${code}m`).join('')}`
  })
  return open.length === 0 ? painted : `${painted}\u001b[0m`
}

const PLAIN = /^[ -~]*$/

/** How many columns of a terminal the text takes: one for each character, which is wrong for East Asian ones. */
export const columnsOf = (text: string): number =>
  // Most cells of a table are plain, and to take a text apart takes ten times as long.
  PLAIN.test(text) ? text.length : [...withoutStyles(text)].length

/** Fills up with spaces. */
export const padEnd = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - columnsOf(text)))

/** At most so many columns of a line; what is cut off leaves an ellipsis. Styles end where they ended. */
export const cut = (line: string, columns: number): string => {
  if (columnsOf(line) <= columns) return line
  let left = columns
  return [...line]
    .flatMap((char) => {
      if (withoutStyles(char) === '') return [char]
      left -= 1
      return left > 0 ? [char] : left === 0 ? ['…'] : []
    })
    .join('')
}

const wrapLine = (line: string, columns: number, indent: number): string => {
  if (columnsOf(line) <= columns) return line
  const [, lead = '', rest = ''] = /^(\s*)(.*)$/s.exec(line) ?? []
  const lines: string[] = []
  let current = lead
  let isEmpty = true
  for (const word of rest.split(' ')) {
    const longer = isEmpty ? `${current}${word}` : `${current} ${word}`
    if (!isEmpty && columnsOf(longer) > columns) {
      lines.push(current.trimEnd())
      current = ' '.repeat(lead.length + indent) + word
    } else current = longer
    isEmpty = false
  }
  return [...lines, current].join('\n')
}

/**
 * Breaks lines at spaces so that they are at most `columns` wide, a single word excepted. What is broken off is indented by
 * `indent` more than its line. With Infinity columns the text stays as it is.
 */
export const wrap = (text: string, columns: number, indent = 0): string =>
  columns === Number.POSITIVE_INFINITY
    ? text
    : text
        .split('\n')
        .map((line) => wrapLine(line, columns, indent))
        .join('\n')

/** What portward itself writes beside ASCII, and how it writes it where the locale is not UTF-8. */
const ASCII: Readonly<Record<string, string>> = {
  ...{
    '—': '-',
    '–': '-',
    '…': '...',
    '→': '->',
    '←': '<-',
    '·': '*',
    '•': '*',
    '×': 'x',
    '≥': '>=',
    '≤': '<=',
  },
  ...{
    '✔': '+',
    '✗': 'x',
    '⚠': '!',
    '▁': '_',
    '▂': '.',
    '▃': '-',
    '▄': '=',
    '▅': '+',
    '▆': '*',
    '▇': '%',
    '█': '#',
  },
  ...{
    '▏': ' ',
    '▎': ' ',
    '▍': ' ',
    '▌': '#',
    '▋': '#',
    '▊': '#',
    '▉': '#',
    '│': '|',
    '─': '-',
    '├': '+',
    '└': '+',
  },
}

const TYPOGRAPHY = new RegExp(`[${Object.keys(ASCII).join('')}]`, 'gu')

export const asAscii = (text: string): string => text.replace(TYPOGRAPHY, (char) => ASCII[char] ?? char)

/** Whether the locale of these variables, of which the first that is not empty counts, has UTF-8. Without any it is C. */
export const isUtf8 = (env: Readonly<Record<string, string | undefined>>): boolean =>
  /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'C')
