/** A word of a shell command: its span in the text, and its value unless that takes a running shell to know. */
export interface Word {
  readonly offset: number
  readonly length: number
  readonly line: number
  readonly value: string | undefined
}

/** A simple command. `conditional` where it stands inside a compound command or behind an operator. */
export interface Command {
  readonly words: readonly Word[]
  readonly conditional: boolean
}

const OPENING = new Set(['if', 'for', 'while', 'until', 'case', '{'])
const CLOSING = new Set(['fi', 'done', 'esac', '}'])
/** A command goes on behind these. */
const LEADING = new Set([...OPENING, 'then', 'else', 'elif', 'do', '!'])
/** Characters that end a word when they are not quoted. A carriage return is not one of them. */
const METACHARACTER = /[ \t\n;&|()<>]/
/** Unquoted or double-quoted, these need a shell. */
const EXPANSION = /[$`]/

interface Scan {
  readonly end: number
  readonly value: string | undefined
}

/** Reads a quoted part starting behind its opening quote; `end` is behind the closing one. */
const readQuoted = (text: string, start: number, quote: string): Scan => {
  let value: string | undefined = ''
  let position = start
  while (position < text.length) {
    const char = text[position] as string
    if (char === quote) return { end: position + 1, value }
    if (quote === '"' && char === '\\') {
      const next = text[position + 1] ?? ''
      // In double quotes a backslash is special before these only.
      if (value !== undefined) value += next === '\n' ? '' : /[$`"\\]/.test(next) ? next : `\\${next}`
      position += 2
    } else {
      if (quote === '"' && EXPANSION.test(char)) value = undefined
      else if (value !== undefined) value += char
      position += 1
    }
  }
  // No closing quote: sh would refuse the file, so nothing in it has a value.
  return { end: text.length, value: undefined }
}

const readWord = (text: string, start: number): Scan => {
  let value: string | undefined = ''
  let position = start
  while (position < text.length) {
    const char = text[position] as string
    if (METACHARACTER.test(char)) break
    let part: Scan
    if (char === "'" || char === '"') part = readQuoted(text, position + 1, char)
    else if (char === '\\') {
      const next = text[position + 1] ?? ''
      part = { end: Math.min(position + 2, text.length), value: next === '\n' ? '' : next }
    } else if (EXPANSION.test(char) || char === '~') part = { end: position + 1, value: undefined }
    else part = { end: position + 1, value: char }
    value = value === undefined || part.value === undefined ? undefined : value + part.value
    position = part.end
  }
  return { end: position, value }
}

/**
 * Splits shell text into simple commands, as far as files of assignments need it: quoting, comments,
 * continuation lines, separators, and enough of compound commands to know what is conditional.
 * Here-documents end the reading, since what follows may be data. Never throws.
 */
export const readCommands = (text: string): Command[] => {
  const commands: Command[] = []
  let words: Word[] = []
  let depth = 0
  let parentheses = 0
  let chained = false
  let position = 0
  let line = 1

  const source = (word: Word) => text.slice(word.offset, word.offset + word.length)

  const endCommand = (operator: string) => {
    while (words[0] && LEADING.has(source(words[0]))) {
      if (OPENING.has(source(words[0]))) depth += 1
      words.shift()
    }
    const piped = operator === '|' || operator === '&'
    const conditional = depth > 0 || parentheses > 0 || chained || piped
    if (words.length > 0) commands.push({ words, conditional })
    if (words[0] && CLOSING.has(source(words[0]))) depth = Math.max(0, depth - 1)
    words = []
    chained = operator !== '' && operator !== ';'
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
    } else if (text.startsWith('<<', position)) break
    else if (char === '(' || char === ')') {
      endCommand('')
      // The parenthesis behind a `case` pattern closes none.
      parentheses = Math.max(0, parentheses + (char === '(' ? 1 : -1))
      position += 1
    } else if (char === '<' || char === '>') {
      position += 1
    } else if (char === ';' || char === '&' || char === '|') {
      const operator = text[position + 1] === char && char !== ';' ? char + char : char
      endCommand(operator)
      position += operator.length
    } else {
      const { end, value } = readWord(text, position)
      const stop = end === position ? position + 1 : end
      words.push({ offset: position, length: stop - position, line, value })
      line += text.slice(position, stop).split('\n').length - 1
      position = stop
    }
  }
  endCommand('')
  return commands
}
