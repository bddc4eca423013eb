import type { Edit } from './edit.ts'
import { endOf, splitLines } from './lines.ts'
import { readCommands, type Word } from './shell-words.ts'

/** One `NAME=value` as a shell would run it when the file is sourced. */
export interface Assignment {
  readonly name: string
  /** Undefined where only running the shell could tell: `$(…)`, `$OTHER`, a glob. */
  readonly value: string | undefined
  readonly line: number
  /** Offset and length of the text behind `=`. */
  readonly offset: number
  readonly length: number
  /** Inside `if`, behind `&&` and the like: nobody can say here whether it runs. */
  readonly conditional: boolean
}

export interface ShellAssignments {
  readonly text: string
  readonly assignments: readonly Assignment[]
}

const NAME = /^([A-Za-z_][A-Za-z0-9_]*)=/

const toAssignment = (text: string, word: Word, conditional: boolean): Assignment | null => {
  const name = NAME.exec(text.slice(word.offset, word.offset + word.length))?.[1]
  if (name === undefined) return null
  const skip = name.length + 1
  return {
    name,
    value: word.value?.slice(skip),
    line: word.line,
    offset: word.offset + skip,
    length: word.length - skip,
    conditional,
  }
}

/** Reads a file of shell assignments such as /etc/default/portsentry. Never throws. */
export const parseShellAssignments = (text: string): ShellAssignments => {
  const assignments: Assignment[] = []
  for (const { words, conditional } of readCommands(text)) {
    const exported = words[0]?.value === 'export' || words[0]?.value === 'readonly'
    const candidates = (exported ? words.slice(1) : words).map((word) =>
      toAssignment(text, word, conditional),
    )
    // `A=1 command` sets A for that command only.
    if (!exported && candidates.includes(null)) continue
    for (const candidate of candidates) if (candidate) assignments.push(candidate)
  }
  return { text, assignments }
}

/** The last assignment of `name`: the one that holds after sourcing, unless it is conditional. */
export const findAssignment = ({ assignments }: ShellAssignments, name: string): Assignment | undefined =>
  assignments.findLast((assignment) => assignment.name === name)

/** The value after sourcing the file; undefined where it is unset, or where only a shell could tell. */
export const getVariable = (file: ShellAssignments, name: string): string | undefined => {
  const assignment = findAssignment(file, name)
  return assignment?.conditional ? undefined : assignment?.value
}

/** Double quotes as in Debian's own files; single quotes where the value has characters that a shell expands. */
const quote = (value: string): string =>
  /["$`\\]/.test(value) ? `'${value.replaceAll("'", `'\\''`)}'` : `"${value}"`

/**
 * Edits after which sourcing the file leaves `value` in `name`; none where it does already. The last
 * assignment is changed in place. A missing one goes beside a commented alternative, else to the end.
 */
export const setVariable = (file: ShellAssignments, name: string, value: string): Edit[] => {
  if (getVariable(file, name) === value) return []
  const assignment = findAssignment(file, name)
  if (assignment && !assignment.conditional) {
    return [{ offset: assignment.offset, length: assignment.length, text: quote(value) }]
  }
  const lines = splitLines(file.text)
  const commented = new RegExp(`^#\\s*${name}=`)
  const neighbour = assignment ? undefined : lines.findLast(({ text }) => commented.test(text))
  const target = neighbour ?? lines.at(-1)
  const line = `${name}=${quote(value)}\n`
  return [{ offset: target ? endOf(target) : 0, length: 0, text: target?.eol === '' ? `\n${line}` : line }]
}

/** Edits that turn CRLF into LF: a shell takes the carriage return for a part of the value. */
export const removeCarriageReturns = (text: string): Edit[] =>
  splitLines(text)
    .filter(({ eol }) => eol === '\r\n')
    .map((line) => ({ offset: line.offset + line.text.length, length: 1, text: '' }))
