import { readExpansion } from './shell-expansion.ts'

/** A word of a shell command: its span in the text, and its value unless that takes a running shell to know. */
export interface Word {
  readonly offset: number
  readonly length: number
  readonly line: number
  readonly value: string | undefined
}

/** A simple command. `conditional` where it stands inside a compound command or behind an operator. */
interface Command {
  readonly words: readonly Word[]
  readonly conditional: boolean
}

export interface ShellCommands {
  readonly commands: readonly Command[]
  /** Whether a shell would refuse the text, or more than this reader is needed to follow it. */
  readonly broken: boolean
}

const CLOSING_OF: ReadonlyMap<string, string> = new Map([
  ...(['for', 'while', 'until'] as const).map((word) => [word, 'done'] as const),
  ...([
    ['if', 'fi'],
    ['case', 'esac'],
    ['{', '}'],
  ] as const),
])
const OPENING = new Set(CLOSING_OF.keys())
const CLOSING = new Set(CLOSING_OF.values())
/** What goes on within a compound command, by the word that will close that. */
const INNER_OF: ReadonlyMap<string, string> = new Map([
  ...(['then', 'else', 'elif'] as const).map((word) => [word, 'fi'] as const),
  ['do', 'done'],
])
const INNER = new Set(INNER_OF.keys())
/** A command goes on behind these. */
const LEADING = new Set([...OPENING, ...INNER, '!'])
/** Characters that end a word when they are not quoted. A carriage return is not one of them. */
const METACHARACTERS = ' \t\n;&|()<>'

/** What follows a function's name: everything up to the brace that opens its body. */
const FUNCTION = /\([ \t]*\)\s*(?=\{[ \t\n])/y

/** A redirection with its target. */
const REDIRECTION = /[<>]>?[&|]?[ \t]*[^\s;&|()<>#]/y

/** A compound command that is open: its closing word, whether that may come, and whether a command is still missing. */
interface Compound {
  readonly closing: string
  ready: boolean
  empty: boolean
}

interface Scan {
  readonly end: number
  readonly value: string | undefined
  readonly broken: boolean
}

/** Reads a quoted part starting behind its opening quote; `end` is behind the closing one. */
const readQuoted = (text: string, start: number, quote: string): Scan => {
  if (quote === "'") {
    const close = text.indexOf("'", start)
    if (close !== -1) return { end: close + 1, value: text.slice(start, close), broken: false }
    return { end: text.length, value: undefined, broken: true }
  }
  let value: string | undefined = ''
  let position = start
  while (position < text.length) {
    const char = text[position] as string
    if (char === '"') return { end: position + 1, value, broken: false }
    if (char === '\\') {
      const next = text[position + 1] ?? ''
      // In double quotes a backslash is special before these only.
      if (value !== undefined) value += next === '\n' ? '' : /[$`"\\]/.test(next) ? next : `\\${next}`
      position += 2
    } else if (char === '$' || char === '`') {
      value = undefined
      const end = readExpansion(text, position)
      if (end === -1) break
      position = end
    } else {
      if (value !== undefined) value += char
      position += 1
    }
  }
  return { end: text.length, value: undefined, broken: true }
}

const readWord = (text: string, start: number): Scan => {
  let value: string | undefined = ''
  let position = start
  let broken = false
  while (position < text.length && !METACHARACTERS.includes(text[position] as string)) {
    const char = text[position] as string
    let part: Scan = { end: position + 1, value: char, broken: false }
    if (char === "'" || char === '"') part = readQuoted(text, position + 1, char)
    else if (char === '\\') {
      const next = text[position + 1]
      part = { end: position + 2, value: next === '\n' ? '' : next, broken: next === undefined }
    } else if (char === '$' || char === '`') {
      const end = readExpansion(text, position)
      part = { end: end === -1 ? text.length : end, value: undefined, broken: end === -1 }
    } else if (char === '~') part = { end: position + 1, value: undefined, broken: false }
    value = value === undefined || part.value === undefined ? undefined : value + part.value
    broken ||= part.broken
    position = Math.min(part.end, text.length)
  }
  return { end: position, value, broken }
}

const countNewlines = (text: string): number => text.split('\n').length - 1

/**
 * Splits shell text into simple commands, as far as files of assignments need it: quoting, comments,
 * continuation lines, separators, and enough of compound commands to know what is conditional.
 * Here-documents end the reading, since what follows may be data. Compound commands are taken to be complete
 * where they open and close as often. Never throws.
 */
export const readCommands = (text: string): ShellCommands => {
  const commands: Command[] = []
  let words: Word[] = []
  const open: Compound[] = []
  let parentheses = 0
  /** Behind `&&`, `||` or `|`. */
  let chained = false
  /** Whether an operator may stand here: behind a command or a closed parenthesis. */
  let complete = false
  let broken = text.includes('\0')
  let position = 0
  let line = 1

  const source = (word: Word) => text.slice(word.offset, word.offset + word.length)

  const endCommand = (operator: string) => {
    let keyword = words[0] && source(words[0])
    let leading = 0
    while (keyword !== undefined && LEADING.has(keyword)) {
      const closing = CLOSING_OF.get(keyword)
      const inner = INNER_OF.get(keyword)
      const compound = open.at(-1)
      if (closing !== undefined) {
        const isCase = keyword === 'case'
        open.push({ closing, ready: isCase || keyword === '{', empty: !isCase })
      } else if (inner !== undefined) {
        const isSecond = compound?.ready === true && (keyword === 'then' || keyword === 'do')
        if (compound?.closing !== inner || compound.empty || isSecond) broken = true
        if (compound !== undefined) Object.assign(compound, { ready: keyword !== 'elif', empty: true })
      }
      leading += 1
      const next = words[leading]
      keyword = next && source(next)
    }
    words.splice(0, leading)
    // `then;` and the like: a command has to come first.
    const isCut = leading > 0 && words.length === 0 && [';', '&', '|', '&&', '||'].includes(operator)
    if (isCut) broken = true
    const depth = open.length
    const isClosing = keyword !== undefined && CLOSING.has(keyword)
    const innermost = open.at(-1)
    if (innermost !== undefined && words.length > 0 && !isClosing) innermost.empty = false
    const piped = operator === '|' || operator === '&' || operator === '('
    const conditional = depth > 0 || parentheses > 0 || chained || piped
    if (words.length > 0) commands.push({ words, conditional })
    if (isClosing) {
      const closed = open.pop()
      if (closed?.closing !== keyword || !closed?.ready || closed.empty || chained) broken = true
      const outer = open.at(-1)
      if (outer !== undefined) outer.empty = false
    }
    words = []
    chained = operator === '&&' || operator === '||' || operator === '|'
    complete = false
  }

  while (position < text.length) {
    const char = text[position] as string
    if (char === '\n') {
      // `a &&` goes on in the next line.
      if (words.length > 0 || !chained) endCommand('')
      line += 1
      position += 1
    } else if (char === '\\' && text[position + 1] === '\n') {
      line += 1
      position += 2
    } else if (char === ' ' || char === '\t') position += 1
    else if (char === '#') {
      const newline = text.indexOf('\n', position)
      position = newline === -1 ? text.length : newline
    } else if (text.startsWith('<<', position)) {
      broken = true
      break
    } else if (char === '(' && words.length > 0) {
      // `name() {`, or else nothing that a shell would take.
      FUNCTION.lastIndex = position
      const isNamed = words.length === 1 && /^[A-Za-z_]\w*$/.test(source(words[0] as Word))
      const end = isNamed && FUNCTION.test(text) ? FUNCTION.lastIndex : -1
      if (end === -1) broken = true
      endCommand('(')
      line += end === -1 ? 0 : countNewlines(text.slice(position, end))
      position = end === -1 ? text.length : end
    } else if (char === '(' || char === ')') {
      endCommand(char)
      complete = char === ')'
      parentheses += char === '(' ? 1 : -1
      // The parenthesis behind a `case` pattern closes none.
      if (parentheses < 0 && open.length === 0) broken = true
      parentheses = Math.max(0, parentheses)
      position += 1
    } else if (char === '<' || char === '>') {
      REDIRECTION.lastIndex = position
      if (!REDIRECTION.test(text)) broken = true
      // What is redirected is a command to us, even where it is an assignment alone.
      words.push({ offset: position, length: 1, line, value: undefined })
      position += 1
    } else if (char === ';' || char === '&' || char === '|') {
      const operator = text[position + 1] === char && char !== ';' ? char + char : char
      // `;;` and the bar between patterns are for `case` alone.
      if (words.length === 0 && !complete && open.at(-1)?.closing !== 'esac') broken = true
      endCommand(operator)
      position += operator.length
    } else {
      const { end, value, broken: unclosed } = readWord(text, position)
      // Only an operator may follow `)`, but for a `case` pattern.
      if (complete && open.length === 0) broken = true
      words.push({ offset: position, length: end - position, line, value })
      broken ||= unclosed
      line += countNewlines(text.slice(position, end))
      position = end
    }
  }
  if (words.length === 0 && chained) broken = true
  endCommand('')
  return { commands, broken: broken || open.length > 0 || parentheses > 0 }
}
