import { applyEdits, type Edit } from './edit.ts'
import { endOf, splitLines } from './lines.ts'

/** One `NAME=value` as a shell would run it when the file is sourced. */
interface Assignment {
  readonly name: string
  /** Undefined if only a shell could determine it: `$(…)`, `$OTHER`, `~`. */
  readonly value: string | undefined
  readonly line: number
  /** Offset and length of the text after `=`. */
  readonly offset: number
  readonly length: number
  /** Inside `if`, after `&&`, or before another sourced file: this text alone does not decide whether it applies. */
  readonly conditional: boolean
}

interface ShellAssignments {
  readonly text: string
  readonly assignments: readonly Assignment[]
  /** The line at which this reader stopped; null: it read the whole text. */
  readonly unreadLine: number | null
}

interface Word {
  readonly source: string
  readonly offset: number
  readonly line: number
}

/** Expansions that cannot fail. The lookahead keeps a failed match from trying all shorter names. */
const EXPANSION = '\\$(?:[A-Za-z_]\\w*(?!\\w)|\\{[A-Za-z_]\\w*(?::?[-+][\\w./-]*)?\\})'
/** `$(hostname -f)`: one command without quotes, operators or keywords. */
const SUBSTITUTION =
  '\\$\\((?!(?:if|then|else|elif|fi|do|done|case|esac|while|until|for|in)\\b)[\\w./][\\w ./:@%+,-]*\\)'
const DOUBLE_QUOTED = `"(?:[^"\\\\$\`]|\\\\[\\s\\S]|${EXPANSION}|${SUBSTITUTION})*"`
const WORD = `(?:[^ \\t\\n"'\\\\$\`;&|()<>]|\\\\[^\\n]|'[^']*'|${DOUBLE_QUOTED}|${EXPANSION}|${SUBSTITUTION})+`
const TOKEN = new RegExp(`[ \\t]+|#[^\\n]*|(\\n|;|&&|\\|\\|)|(${WORD})`, 'y')

const NAME = /^([A-Za-z_]\w*)=/
/** An operand of `export`. */
const EXPORTED = /^[A-Za-z_]\w*(?:=|$)/
/** Commands that do not change variables. */
const HARMLESS = new Set([':', 'true', 'false', 'echo', 'test', '['])

/** The part of an `if` that is open: a condition, a branch that others may follow, or the last branch. */
type Part = 'condition' | 'branch' | 'else'
const KEYWORDS: ReadonlyMap<string, { readonly from: readonly Part[]; readonly to: Part | null }> = new Map([
  ['then', { from: ['condition'], to: 'branch' }],
  ['elif', { from: ['branch'], to: 'condition' }],
  ['else', { from: ['branch'], to: 'else' }],
  ['fi', { from: ['branch', 'else'], to: null }],
])

/** The value of a word; undefined if it has something to expand. */
const readWord = (source: string): string | undefined => {
  let isKnown = true
  const value = source.replace(
    /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|[$~]/g,
    (_, single?: string, double?: string, escaped?: string) => {
      if (single !== undefined || escaped !== undefined) return single ?? escaped ?? ''
      if (double?.replace(/\\[\s\S]/g, '').includes('$') ?? true) isKnown = false
      // In double quotes a backslash escapes only these.
      return (double ?? '').replace(/\\([$`"\\\n])/g, (__, next: string) => (next === '\n' ? '' : next))
    },
  )
  return isKnown ? value : undefined
}

const toAssignment = ({ source, offset, line }: Word, conditional: boolean): Assignment[] => {
  const [head, name] = NAME.exec(source) ?? []
  if (head === undefined || name === undefined) return []
  const rest = source.slice(head.length)
  const span = { offset: offset + head.length, length: rest.length }
  return [{ name, value: readWord(rest), line, ...span, conditional }]
}

/**
 * Reads a file that a shell sources, such as /etc/default/portsentry. Understands what such files usually contain:
 * assignments, `export`, comments, `if` with a test, sourcing another file. Stops at anything else, since a shell might end
 * there or read the rest differently. Never throws.
 */
export const parseShellAssignments = (text: string): ShellAssignments => {
  const assignments: Assignment[] = []
  const open: { part: Part; readonly line: number }[] = []
  let words: Word[] = []
  /** After `&&` or `||`. */
  let chained = false
  /** A command must follow: after those, and after a keyword. */
  let missing = false
  /** The number of assignments before the last sourced file, which may have changed them. */
  let doubtful = 0
  let line = 1

  /** Whether this reader understands the command. */
  const run = (command: readonly Word[]): boolean => {
    const conditional = open.length > 0 || chained
    const verbAt = command.findIndex(({ source }) => !NAME.test(source))
    const verb = command[verbAt]?.source
    const operands = command.slice(verbAt + 1)
    if (verb === undefined || verb === 'export') {
      assignments.push(...operands.flatMap((word) => toAssignment(word, conditional)))
      const isPlain = ({ source }: Word) => EXPORTED.test(source) && readWord(source) !== undefined
      return verb === undefined || (verbAt === 0 && operands.every(isPlain))
    }
    // `A=1 command` sets A for that command only, or permanently.
    if (verbAt > 0) return false
    if (verb === 'set') return operands.every(({ source }) => source === '-a' || source === '+a')
    if (verb !== '.') return HARMLESS.has(verb)
    doubtful = assignments.length
    return operands.length === 1 && readWord(operands[0]?.source ?? '') !== undefined
  }

  /** Handles the words before an operator or the end of a line; false if this reader does not understand them. */
  const end = (operator: string): boolean => {
    let closed = false
    let first = words.shift()
    for (; first !== undefined && !closed; first = words.shift()) {
      const keyword = KEYWORDS.get(first.source)
      const innermost = open.at(-1)
      if (first.source === 'if') open.push({ part: 'condition', line: first.line })
      else if (keyword === undefined) break
      else if (missing || innermost === undefined || !keyword.from.includes(innermost.part)) return false
      else if (keyword.to === null) open.pop()
      else innermost.part = keyword.to
      closed = keyword?.to === null
      missing = !closed
    }
    if (first !== undefined && (closed || !run([first, ...words]))) return false
    if (first !== undefined) missing = false
    const isEmpty = first === undefined && !closed
    words = []
    if (isEmpty) return operator === '\n'
    chained = operator === '&&' || operator === '||'
    missing ||= chained
    return true
  }

  let position = 0
  let isRead = !text.includes('\0')
  while (isRead && position < text.length) {
    TOKEN.lastIndex = position
    const [token, operator, source] = TOKEN.exec(text) ?? []
    if (token === undefined) isRead = false
    else {
      if (source !== undefined) words.push({ source, offset: position, line })
      if (operator !== undefined) isRead = end(operator)
      if (isRead) line += token.split('\n').length - 1
      position += token.length
    }
  }
  if (isRead && words.length > 0) isRead = end('\n')
  const unreadLine = isRead && !missing ? (open.at(-1)?.line ?? null) : line
  return {
    text,
    assignments: assignments.map((one, index) => (index < doubtful ? { ...one, conditional: true } : one)),
    unreadLine,
  }
}

/** The last assignment of `name`: the one that is in effect after sourcing, unless it is conditional. */
const findAssignment = ({ assignments }: ShellAssignments, name: string): Assignment | undefined =>
  assignments.findLast((assignment) => assignment.name === name)

/** The value after sourcing the file; undefined if it is unset, or only a shell could determine it. */
const getVariable = (file: ShellAssignments, name: string): string | undefined => {
  const assignment = findAssignment(file, name)
  return file.unreadLine !== null || assignment?.conditional ? undefined : assignment?.value
}

/** All variables whose values after sourcing the text are known. None if this reader does not understand the text. */
export const readVariables = (text: string): Map<string, string> => {
  const file = parseShellAssignments(text)
  const names = new Set(file.assignments.map(({ name }) => name))
  return new Map(
    [...names].flatMap((name) => {
      const value = getVariable(file, name)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}

/** Double quotes as in Debian's files; single quotes if the value has characters that a shell expands. */
const quote = (value: string): string =>
  /["$`\\]/.test(value) ? `'${value.replaceAll("'", `'\\''`)}'` : `"${value}"`

/**
 * Edits after which sourcing the file sets `name` to `value`; none if it does already, or if this reader does not understand
 * the file. The last assignment is changed in place. A missing one is inserted after a commented alternative, else at the end;
 * so is one that overrides a conditional assignment: the last assignment wins.
 */
export const setVariable = (file: ShellAssignments, name: string, value: string): Edit[] => {
  if (file.unreadLine !== null || getVariable(file, name) === value) return []
  const assignment = findAssignment(file, name)
  if (assignment && !assignment.conditional) {
    return [{ offset: assignment.offset, length: assignment.length, text: quote(value) }]
  }
  const lines = splitLines(file.text)
  const below = (line = lines.at(-1)): Edit[] => {
    const text = `${name}=${quote(value)}\n`
    return [{ offset: line ? endOf(line) : 0, length: 0, text: line?.eol === '' ? `\n${text}` : text }]
  }
  const commented = new RegExp(`^#\\s*${name}=`)
  const neighbour = assignment ? undefined : lines.findLast(({ text }) => commented.test(text))
  const beside = below(neighbour)
  // What looks like a comment may be in a quoted text, or inside `if`.
  return readVariables(applyEdits(file.text, beside)).get(name) === value ? beside : below()
}

/** Edits that turn CRLF, and several CRs, into LF: a shell reads carriage returns as part of the value. */
export const removeCarriageReturns = (text: string): Edit[] =>
  [...text.matchAll(/(?<!\r)\r+(?=\n|$)/g)].map((match) => ({
    offset: match.index,
    length: match[0].length,
    text: '',
  }))
