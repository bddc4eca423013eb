import { applyEdits, type Edit } from './edit.ts'
import { endOf, type Line, splitLines } from './lines.ts'
import { readCommands, type Word } from './shell-words.ts'

/** One `NAME=value` as a shell would run it when the file is sourced. */
export interface Assignment {
  readonly name: string
  /** Undefined where only running the shell could tell: `$(…)`, `$OTHER`, `~`. */
  readonly value: string | undefined
  readonly line: number
  /** Offset and length of the text behind `=`. */
  readonly offset: number
  readonly length: number
  /** Inside `if`, behind `&&`, before a command and the like: nobody can say here whether it holds. */
  readonly conditional: boolean
}

interface ShellAssignments {
  readonly text: string
  readonly assignments: readonly Assignment[]
  /** Whether a shell would refuse the file, or it takes one to follow it: then nothing has a value. */
  readonly broken: boolean
}

const NAME = /^([A-Za-z_][A-Za-z0-9_]*)=/
/** Commands that leave all variables alone, as long as their words need no expansion. */
const HARMLESS = new Set([':', 'true', 'echo', 'printf', 'test', '[', 'umask', 'fi', 'done', 'esac', '}'])
/** `${NAME:=…}` assigns: an equals sign between `${` and the next closing brace. Step by step, to stay linear. */
const isAssigning = (source: string): boolean =>
  source.split('}').some((part) => {
    const opening = part.indexOf('${')
    return opening !== -1 && part.includes('=', opening)
  })
/** An error in one of these ends a shell. */
const SPECIAL = new Set([':', '.', 'eval', 'export', 'readonly', 'shift', 'trap', 'unset'])

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

/** `NAME` or `NAME=value`, as `export` takes them. */
const isOperand = (word: Word, text: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]*(?:=|$)/.test(text.slice(word.offset, word.offset + word.length))

const isRedirection = ({ length, value }: Word): boolean => length === 1 && value === undefined

/** Whether what comes behind the command is perhaps never run. */
const mayStop = ([verb, ...operands]: readonly Word[], text: string): boolean => {
  if (verb === undefined) return false
  const name = verb.value
  if (name === undefined) return !isRedirection(verb)
  // `local` outside of a function ends dash.
  if (['exit', 'return', 'exec', 'local'].includes(name)) return true
  // A pattern may stand for any command.
  if (name !== '[' && /[*?[]/.test(name)) return true
  // `set -a` only exports.
  if (name === 'set') return operands.some(({ value }) => value !== '-a' && value !== '+a')
  if (['unset', 'export', 'readonly'].includes(name) && !operands.every((word) => isOperand(word, text)))
    return true
  return SPECIAL.has(name) && operands.some(isRedirection)
}

/** Reads a file of shell assignments such as /etc/default/portsentry. Never throws. */
export const parseShellAssignments = (text: string): ShellAssignments => {
  const file = readCommands(text)
  const source = ({ offset, length }: Word) => text.slice(offset, offset + length)
  const assignments: Assignment[] = []
  const constants = new Set<string>()
  /** So many of the first assignments may have been undone by a command that came later. */
  let doubtful = 0
  let { broken } = file
  for (const { words, conditional } of file.commands) {
    const start = words.findIndex((word) => toAssignment(text, word, conditional) === null)
    const command = start === -1 ? [] : words.slice(start)
    const verb = command[0]?.value ?? ''
    const declares = verb === 'export' || verb === 'readonly'
    const plain = command.length === 0 || (declares && start === 0)
    const harmless = plain || (HARMLESS.has(verb) && command.every(({ value }) => value !== undefined))
    if (!harmless || words.some((word) => isAssigning(source(word)))) doubtful = assignments.length
    for (const word of words) {
      const one = toAssignment(text, word, conditional)
      if (one && constants.has(one.name)) broken = true
      // `A=1 command` sets A for that command only, `A=1 export B` for good.
      if (one) assignments.push(plain ? one : { ...one, conditional: true })
      if (verb === 'readonly') constants.add(one?.name ?? source(word))
    }
    if (verb === 'unset' && command.some((word) => constants.has(source(word)))) broken = true
    if (mayStop(command, text)) broken = true
  }
  return {
    text,
    assignments: assignments.map((one, index) => (index < doubtful ? { ...one, conditional: true } : one)),
    broken,
  }
}

/** The last assignment of `name`: the one that holds after sourcing, unless it is conditional. */
export const findAssignment = ({ assignments }: ShellAssignments, name: string): Assignment | undefined =>
  assignments.findLast((assignment) => assignment.name === name)

/** The value after sourcing the file; undefined where it is unset, or where only a shell could tell. */
export const getVariable = (file: ShellAssignments, name: string): string | undefined => {
  const assignment = findAssignment(file, name)
  return file.broken || assignment?.conditional ? undefined : assignment?.value
}

/** Double quotes as in Debian's own files; single quotes where the value has characters that a shell expands. */
const quote = (value: string): string =>
  /["$`\\]/.test(value) ? `'${value.replaceAll("'", `'\\''`)}'` : `"${value}"`

const insertAfter = (line: Line | undefined, text: string): Edit[] => [
  { offset: line ? endOf(line) : 0, length: 0, text: line?.eol === '' ? `\n${text}` : text },
]

/**
 * Edits after which sourcing the file leaves `value` in `name`; none where it does already. The last
 * assignment is changed in place. A missing one goes beside a commented alternative, else to the end.
 * Where a shell would refuse the file, no edit helps: parse again and see.
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
  const line = `${name}=${quote(value)}\n`
  const atEnd = insertAfter(lines.at(-1), line)
  if (neighbour === undefined) return atEnd
  // What looks like a comment may stand in a quoted text, or inside `if`.
  const beside = insertAfter(neighbour, line)
  return getVariable(parseShellAssignments(applyEdits(file.text, beside)), name) === value ? beside : atEnd
}

/** Edits that turn CRLF, and more than one CR, into LF: a shell takes carriage returns for a part of the value. */
export const removeCarriageReturns = (text: string): Edit[] =>
  splitLines(text).flatMap(({ offset, text: line, eol }) => {
    let kept = line.length
    while (line[kept - 1] === '\r') kept -= 1
    const length = line.length - kept + (eol === '\r\n' ? 1 : 0)
    return length === 0 ? [] : [{ offset: offset + kept, length, text: '' }]
  })
