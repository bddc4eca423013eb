import { type Line, splitLines } from '../documents/lines.ts'

/** One `NAME=value` of config.env; `raw` is everything after `=`, over several lines inside quotes. */
interface ConfigAssignment {
  readonly name: string
  readonly raw: string
  readonly line: number
  /** Offset of `raw`. */
  readonly offset: number
}

export interface ConfigLines {
  readonly assignments: readonly ConfigAssignment[]
  /** Lines that are neither an assignment nor a comment nor blank. */
  readonly others: readonly { readonly text: string; readonly line: number }[]
  /** Names whose assignment is inside a quoted text of another variable, and the line where that begins. */
  readonly swallowed: ReadonlyMap<string, number>
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)=(.*)$/s

/** Lines without effect: blank lines, comments, `export NAME`. */
const IDLE = /^\s*(?:#|$|export(?:[ \t]+[A-Za-z_][A-Za-z0-9_]*)+\s*$)/

/** Index of the line that closes the quote with which a value begins, or -1. */
const closingLine = (lines: readonly Line[], first: number, raw: string): number => {
  const quote = /^["'`]/.exec(raw)?.[0]
  if (quote === undefined || raw.indexOf(quote, 1) !== -1) return first
  for (let index = first + 1; index < lines.length; index += 1) {
    if (lines[index]?.text.includes(quote)) return index
  }
  return -1
}

/**
 * Finds the assignments of config.env with their line numbers, which dotenv does not provide. A quoted value may span several
 * lines, as it may for dotenv and for a shell. Never throws.
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
    // A quote that never closes ends with its line, so that assignments after it are still found.
    const last = Math.max(index, closingLine(lines, index, raw))
    const rest = lines.slice(index + 1, last + 1).map((inner) => inner.text)
    for (const inner of rest) {
      const hidden = ASSIGNMENT.exec(inner)?.[1]
      if (hidden !== undefined) swallowed.set(hidden, line.number)
    }
    const offset = line.offset + line.text.length - raw.length
    assignments.push({ name, raw: [raw, ...rest].join('\n'), line: line.number, offset })
    index = last
  }
  return { assignments, others, swallowed }
}
