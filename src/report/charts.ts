import { columnsOf, cut, padEnd, styled } from '../styled.ts'
import type { Unit } from './buckets.ts'
import { count } from './wording.ts'

/** Blocks of so many eighths, from the left and from below. */
const LEFT = ' ▏▎▍▌▋▊▉█'
const LOWER = ' ▁▂▃▄▅▆▇█'

/** A horizontal bar: `most` is as long as `columns`. Something is not nothing: a bar has at least an eighth. */
export const bar = (value: number, most: number, columns: number): string => {
  if (value === 0 || most === 0) return ''
  const eighths = Math.max(1, Math.round((value / most) * columns * 8))
  const rest = eighths % 8
  return '█'.repeat(eighths >> 3) + (rest === 0 ? '' : LEFT[rest])
}

/** Sums of as few neighbours as have to share a column. */
const shareColumns = (values: readonly number[], columns: number): { sums: number[]; each: number } => {
  const each = Math.max(1, Math.ceil(values.length / columns))
  const sums = Array.from({ length: Math.ceil(values.length / each) }, (_, index) =>
    values.slice(index * each, (index + 1) * each).reduce((sum, value) => sum + value, 0),
  )
  return { sums, each }
}

/** As wide as they fit, but not as broad as blocks; from three columns on there is a gap between two. */
const widthOf = (count: number, columns: number): number =>
  Math.min(6, Math.max(1, Math.floor(columns / count)))

interface Columns {
  readonly values: readonly number[]
  /** What a value is of, such as `week`. */
  readonly unit: Unit
  /** At most so many labels for the values' places; '' for those without one. */
  readonly labels: (most: number) => readonly string[]
  readonly columns: number
  readonly rows: number
}

/** A label and the space after it. */
const LABEL_COLUMNS: Record<Unit, number> = { hour: 7, day: 7, week: 12 }

const axisOf = (labels: readonly string[], width: number): string => {
  let axis = ''
  for (const [index, label] of labels.entries())
    if (label !== '') axis = `${axis.padEnd(index * width).slice(0, index * width)}${label}`
  return axis
}

/** Upright columns over their axis, with the scale on the left. Where several values share a column it is their sum. */
export const columnChart = ({ values, unit, labels, columns, rows }: Columns): string[] => {
  const scale = (most: number) => count(most).length
  const room = columns - scale(values.reduce((sum, value) => sum + value, 0)) - 2
  const { sums, each } = shareColumns(values, room)
  const most = Math.max(...sums, 1)
  const margin = scale(most)
  const width = widthOf(sums.length, columns - margin - 2)
  const filled = width < 3 ? width : width - 1
  const lines = Array.from({ length: rows }, (_, row) => {
    const level = rows - 1 - row
    const cells = sums.map((sum) => {
      const eighths = sum === 0 ? 0 : Math.max(1, Math.round((sum / most) * rows * 8))
      const part = Math.min(8, Math.max(0, eighths - level * 8))
      return (LOWER[part] as string).repeat(filled).padEnd(width)
    })
    const mark = row === 0 ? count(most) : row === rows - 1 ? '0' : ''
    return `${styled('dim', `${mark.padStart(margin)} │`)}${styled('cyan', cells.join('').trimEnd())}`
  })
  const fitting = Math.floor((sums.length * width) / LABEL_COLUMNS[unit])
  const all = labels(fitting)
  const shown = sums.map((_, index) => all.slice(index * each, (index + 1) * each).find(Boolean) ?? '')
  const indent = ' '.repeat(margin + 2)
  return [
    ...lines,
    `${indent}${styled('dim', axisOf(shown, width))}`,
    ...(each === 1 ? [] : [`${indent}${styled('dim', `each column: ${each} ${unit}s`)}`]),
  ]
}

export interface BarRow {
  readonly label: string
  /** Where the bar ends in words. */
  readonly text: string
  readonly value: number
}

/** One bar a line: label, bar, number; at most `columns` wide. */
export const barChart = (rows: readonly BarRow[], columns: number): string[] => {
  const labelWidth = Math.min(
    Math.max(...rows.map(({ label }) => columnsOf(label)), 0),
    Math.max(10, Math.floor(columns / 2)),
  )
  const textWidth = Math.max(...rows.map(({ text }) => text.length), 0)
  const room = Math.max(4, columns - labelWidth - textWidth - 4)
  const most = Math.max(...rows.map(({ value }) => value), 0)
  return rows.map(({ label, text, value }) => {
    const shown = padEnd(cut(label, labelWidth), labelWidth)
    return `${shown}  ${styled('cyan', bar(value, most, room).padEnd(room))}  ${text.padStart(textWidth)}`
  })
}
