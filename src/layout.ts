import { columnsOf, padEnd, styled, wrap } from './styled.ts'

/** A topic and the lines about it. */
export interface Section {
  readonly topic: string
  readonly lines: readonly string[]
}

/** Topics in a column of their own; what is broken off a line stays beside it, indented by so much more. */
export const renderSections = (
  sections: readonly Section[],
  columns: number,
  { topicColumns = 12, indent = 2 } = {},
): string => {
  const margin = ' '.repeat(topicColumns)
  return sections
    .flatMap(({ topic, lines }) =>
      lines.map((line, index) => {
        const text = wrap(line, Math.max(columns - topicColumns, topicColumns), indent).replaceAll(
          '\n',
          `\n${margin}`,
        )
        return `${index === 0 ? padEnd(styled('bold', topic), topicColumns) : margin}${text}\n`
      }),
    )
    .join('')
}

export type Row = readonly [term: string, text: string]

export const heading = (text: string): string => styled('bold', `${text}:`)

/** A heading, and rows whose texts are wrapped beside their terms; no line if there are no rows. */
export const termLines = (
  title: string,
  rows: readonly Row[],
  columns: number,
  width = Math.max(...rows.map(([term]) => columnsOf(term))),
): string[] => {
  if (rows.length === 0) return []
  const lines = rows.map(([term, text]) =>
    wrap(`  ${styled('cyan', padEnd(term, width))}  ${text}`, columns, width + 2),
  )
  return [heading(title), ...lines, '']
}

const GAP = '  '
/** Of the second and further lines of a row. */
const MARGIN = '    '

/** Which columns are on the same line of a row, by their widths: as many as fit. */
const splitColumns = (widths: readonly number[], columns: number): number[][] => {
  const lines: number[][] = []
  let used = Number.POSITIVE_INFINITY
  for (const [column, width] of widths.entries()) {
    const line = lines.at(-1)
    if (line !== undefined && used + GAP.length + width <= columns) {
      line.push(column)
      used += GAP.length + width
    } else {
      lines.push([column])
      used = width + (lines.length > 1 ? MARGIN.length : 0)
    }
  }
  return lines
}

/** The last column is wrapped where it is wider. */
const LAST_COLUMNS = 30

/**
 * A table with a head. Where the screen is too narrow for a row, all rows, the head too, go on in further lines, in which the
 * columns are aligned as well: nothing is cut off.
 */
export const renderTable = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): string => {
  const widths = head.map((title, column) =>
    rows.reduce((most, row) => Math.max(most, columnsOf(row[column] ?? '')), title.length),
  )
  const needed = [...widths.slice(0, -1), Math.min(widths.at(-1) ?? 0, LAST_COLUMNS)]
  const lines = splitColumns(needed, columns)
  const render = (row: readonly string[]): string =>
    lines
      .map((line, index) => {
        const cells = line.map((column) => padEnd(row[column] ?? '', widths[column] ?? 0)).join(GAP)
        return `${wrap(`${index === 0 ? '' : MARGIN}${cells}`.trimEnd(), columns, 2)}\n`
      })
      .join('')
  return [head.map((title) => styled('bold', title)), ...rows].map(render).join('')
}
