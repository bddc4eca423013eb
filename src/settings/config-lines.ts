import { type Line, splitLines } from '../documents/lines.ts'

/** One `NAME=value` of config.env; `raw` is everything behind `=`, over several lines inside open quotes. */
interface ConfigAssignment {
  readonly name: string
  readonly raw: string
  readonly line: number
}

export interface ConfigLines {
  readonly assignments: readonly ConfigAssignment[]
  /** Lines that are neither an assignment nor a comment nor blank. */
  readonly others: readonly { readonly text: string; readonly line: number }[]
  /** Names whose assignment lies inside a quoted text of another variable, and the line where that began. */
  readonly swallowed: ReadonlyMap<string, number>
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)=(.*)$/s

/** Neither code nor a value: blank lines, comments, `export NAME`. */
const IDLE = /^\s*(?:#|$|export(?:[ \t]+[A-Za-z_][A-Za-z0-9_]*)+\s*$)/

/** Index of the line where a quote that opens a value and doesn't close on its line does close, or -1. */
const closingLine = (lines: readonly Line[], first: number, raw: string): number => {
  const quote = /^["'`]/.exec(raw)?.[0]
  if (quote === undefined || raw.indexOf(quote, 1) !== -1) return first
  for (let index = first + 1; index < lines.length; index += 1) {
    if (lines[index]?.text.includes(quote)) return index
  }
  return -1
}

/**
 * Finds the assignments of config.env with their line numbers, which dotenv does not give. A quoted value
 * may run over several lines, as it does for dotenv and for a shell. Never throws.
 */
export const readConfigLines = (text: string): ConfigLines => {
  const lines = splitLines(text)
  const assignments: ConfigAssignment[] = []
  const others: { text: string; line: number }[] = []
  const swallowed = new Map<string, number>()
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] as Line
    const [, name, raw] = ASSIGNMENT.exec(line.text) ?? []
    if (name === undefined || raw === undefined) {
      if (!IDLE.test(line.text)) others.push({ text: line.text, line: line.number })
      continue
    }
    // A quote that never closes ends with its line: what follows is then still found.
    const last = Math.max(index, closingLine(lines, index, raw))
    const rest = lines.slice(index + 1, last + 1).map((inner) => inner.text)
    for (const inner of rest) {
      const hidden = ASSIGNMENT.exec(inner)?.[1]
      if (hidden !== undefined) swallowed.set(hidden, line.number)
    }
    assignments.push({ name, raw: [raw, ...rest].join('\n'), line: line.number })
    index = last
  }
  return { assignments, others, swallowed }
}
