/** Deeper nesting is nobody's configuration, and must not exhaust the stack. */
const MAX_DEPTH = 50

/** In a substitution these take a real shell parser: their quotes and parentheses need not balance. */
const BEYOND = /(?<![A-Za-z0-9_])case(?![A-Za-z0-9_])|<<|(?<![^\s;|&(])#/

/** `${…}` that cannot fail: `${NAME?…}` and bad names end the shell that reads them. */
const PARAMETER = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])(?:\}|:?[-+=]|%|#)/

const readBacktick = (text: string, start: number): number => {
  for (let position = start; position < text.length; position += 1) {
    if (text[position] === '`') return position + 1
    if (text[position] === '\\') position += 1
  }
  return -1
}

/** Finds the end of what the bracket before `start` opens; -1 where it stays open or cannot be followed. */
const readBracketed = (text: string, start: number, open: string, close: string, depth: number): number => {
  let nesting = 1
  let quoted = false
  let position = start
  while (position < text.length) {
    const char = text[position] as string
    if (char === '\\') position += 2
    else if (char === '$' || char === '`') {
      position = readExpansion(text, position, depth + 1)
      if (position === -1) return -1
    } else if (char === '"') {
      quoted = !quoted
      position += 1
    } else if (char === "'" && !quoted) {
      position = text.indexOf("'", position + 1) + 1
      if (position === 0) return -1
    } else {
      if (!quoted && char === open) nesting += 1
      if (!quoted && char === close) nesting -= 1
      position += 1
      if (nesting === 0) return BEYOND.test(text.slice(start, position)) ? -1 : position
    }
  }
  return -1
}

/**
 * The offset behind the expansion that begins with the `$` or backtick at `start`: `$NAME`, `${…}`, `$(…)`,
 * `` `…` ``. -1 where it stays open, where only a shell could say where it ends, or where it may end the shell.
 */
export const readExpansion = (text: string, start: number, depth = 0): number => {
  if (depth > MAX_DEPTH) return -1
  if (text[start] === '`') return readBacktick(text, start + 1)
  if (text.startsWith('$((', start)) return -1
  if (text[start + 1] === '(') return readBracketed(text, start + 2, '(', ')', depth)
  if (text[start + 1] === '{') {
    const parameter = PARAMETER.test(text.slice(start + 2, start + 100))
    return parameter ? readBracketed(text, start + 2, '{', '}', depth) : -1
  }
  // `$$(x)` is the process's number and a parenthesis.
  return /[0-9@*#?$!-]/.test(text[start + 1] ?? '') ? start + 2 : start + 1
}
