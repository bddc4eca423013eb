import { parse as parseDotenv } from 'dotenv'

/** A value, or why portward does not take it: `message` says what is wrong, `hint` what to do. */
export type ConfigValue =
  | { readonly value: string }
  | { readonly code: string; readonly message: string; readonly hint: string }

const refuse = (code: string, message: string, hint: string): ConfigValue => ({ code, message, hint })

/** One whole quoted text, or one bare word; a comment may follow. What a shell and dotenv read alike. */
const WELL_FORMED = /^[ \t]*(?:'[^']*'|"(?:\\.|[^"\\])*"|[^\s"'`#\\]*)[ \t]*(?:[ \t]#.*)?\r?$/s
const PLACEHOLDER = /\$(?:TARGET|PORT|MODE)\$/g

const faultOf = (raw: string): ConfigValue | null => {
  const quotes = raw.match(/["']/g)?.length ?? 0
  if (/\$\(|`/.test(raw)) {
    return refuse(
      'substitution',
      'has a command substitution, which portward never runs',
      'write the value itself',
    )
  }
  if (/^[ \t]*(["'])/.test(raw) && quotes === 1) {
    return refuse('unbalanced-quote', 'has a quote that is not closed', 'close it on the same line')
  }
  if (raw.includes('\n')) {
    return refuse('multi-line', 'runs over several lines', 'close the quote on the line where it opens')
  }
  if (!WELL_FORMED.test(raw)) {
    return /^[ \t]+\S/.test(raw)
      ? refuse('blank-after-equals', 'has a blank after "="', 'write NAME=value without blanks around "="')
      : refuse(
          'malformed-value',
          'is not one word or one quoted text',
          'put the whole value in single quotes',
        )
  }
  if (/^[ \t]+[^\s#]/.test(raw)) {
    return refuse('blank-after-equals', 'has a blank after "="', 'write NAME=value without blanks around "="')
  }
  if (/^"/.test(raw) && /\\[nr"$`\\]/.test(raw)) {
    return refuse('escape', 'has a backslash escape that readers take differently', 'use single quotes')
  }
  return null
}

/**
 * The value of `raw`, the text behind `NAME=`, as dotenv reads it, with `${NAME}` expanded by `lookUp` outside
 * single quotes. Refused is what dotenv and a shell that sources the file would understand differently.
 */
export const readConfigValue = (raw: string, lookUp: (name: string) => string | undefined): ConfigValue => {
  const fault = faultOf(raw)
  if (fault) return fault
  const value = parseDotenv(`VALUE=${raw.trim()}`)['VALUE'] ?? ''
  if (raw.startsWith("'")) return { value }
  const missing: string[] = []
  const expanded = value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const found = lookUp(name)
    if (found === undefined) missing.push(name)
    return found ?? ''
  })
  if (missing.length > 0) {
    return refuse(
      'unknown-reference',
      `refers to \${${missing[0]}}, which has no plain value above`,
      'set it first',
    )
  }
  if (expanded.replace(PLACEHOLDER, '').includes('$')) {
    return refuse(
      'expansion',
      'has a "$" that a shell would expand',
      'write ${NAME}, or $TARGET$ in single quotes',
    )
  }
  return { value: expanded }
}

/** The plain value of a variable that portward doesn't use itself, for `${NAME}`; undefined where only a shell knows. */
export const readForeignValue = (raw: string): string | undefined => {
  const value = readConfigValue(raw, () => undefined)
  return 'value' in value ? value.value : undefined
}
