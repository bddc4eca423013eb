import { parse as parseDotenv } from 'dotenv'
import type { ProblemCode } from '../problem-codes.ts'

/** A value, or why portward refuses it: `message` says what is wrong, `hint` what to do. */
export type ConfigValue =
  | { readonly value: string }
  | { readonly code: ProblemCode; readonly message: string; readonly hint: string }

const refuse = (code: ProblemCode, message: string, hint: string): ConfigValue => ({ code, message, hint })

/** One quoted text or one bare word, and maybe a comment: values that a shell and dotenv read alike. */
export const WELL_FORMED = /^('[^']*'|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s"'`#\\;&|<>()~]*)(?:[ \t]+(?:#.*)?)?\r?$/s
const PLACEHOLDER = /\$(?:TARGET|PORT|MODE)\$/g
/** References can double a value with every line; no consumer accepts one near this length. */
const MAX_LENGTH = 65_536
/** Quoted texts and comments: a quote that remains without them is not closed. */
export const QUOTED = /\\.|'[^']*'|"[^"\\]*(?:\\.[^"\\]*)*"|[ \t]#.*/gs

const SUBSTITUTION = refuse(
  'substitution',
  'has a command substitution, which portward never runs',
  'write the value itself',
)

/** What is wrong with a value that is not well-formed. */
const faultOf = (raw: string): ConfigValue => {
  if (/\$\(|`/.test(raw)) return SUBSTITUTION
  if (/["']/.test(raw.replace(QUOTED, ''))) {
    return refuse('unbalanced-quote', 'has a quote that is not closed', 'close it on the same line')
  }
  if (raw.includes('\n')) {
    return refuse('multi-line', 'runs over several lines', 'close the quote on the line where it opens')
  }
  if (/^[ \t]/.test(raw)) {
    return refuse('blank-after-equals', 'has a blank after "="', 'write NAME=value without blanks around "="')
  }
  const hint = 'put the whole value in single quotes'
  return refuse('malformed-value', 'is not one word or one quoted text', hint)
}

/** What is wrong with a well-formed word. */
const faultOfWord = (word: string): ConfigValue | null => {
  if (/\$\(|`/.test(word)) return SUBSTITUTION
  if (word.includes('\n')) return faultOf(word)
  return word.startsWith('"') && /\\[nr"$`\\]/.test(word)
    ? refuse('escape', 'has a backslash escape that dotenv and shells read differently', 'use single quotes')
    : null
}

/**
 * The value of `raw`, the text after `NAME=`, as dotenv reads it, with `${NAME}` expanded by `lookUp` outside of single
 * quotes. Refuses values that dotenv and a shell that sources the file would read differently.
 */
export const readConfigValue = (raw: string, lookUp: (name: string) => string | undefined): ConfigValue => {
  const word = WELL_FORMED.exec(raw)?.[1]
  if (word === undefined) return faultOf(raw)
  const fault = faultOfWord(word)
  if (fault) return fault
  const value = parseDotenv(`VALUE=${word}`)['VALUE'] ?? ''
  if (word.startsWith("'")) return { value }
  const missing: string[] = []
  let length = 0
  const expanded = value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const found = lookUp(name)
    if (found === undefined) missing.push(name)
    length += found?.length ?? 0
    return length > MAX_LENGTH ? '' : (found ?? '')
  })
  if (length > MAX_LENGTH) {
    return refuse(
      'too-long',
      `is over ${MAX_LENGTH} bytes long once its references are expanded`,
      'write the value itself',
    )
  }
  if (missing.length > 0) {
    return refuse(
      'unknown-reference',
      `refers to \${${missing[0]}}, which has no plain value above`,
      'set it first',
    )
  }
  // A shell would expand the first half of a placeholder.
  const literal = value.replace(/\$\{[A-Za-z_][A-Za-z0-9_]*\}/g, '')
  if (literal.includes('$') || expanded.replace(PLACEHOLDER, '').includes('$')) {
    return refuse(
      'expansion',
      'has a "$" that a shell would expand',
      'write ${NAME}, or $TARGET$ in single quotes',
    )
  }
  return { value: expanded }
}
