import type { Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import type { ConfigLines } from './config-lines.ts'
import { QUOTED } from './config-value.ts'
import { nearMiss } from './near-miss.ts'
import { VARIABLE_NAMES } from './variables.ts'

const NAMES = [...VARIABLE_NAMES].join('|')
const NAMED = new RegExp(`(?<![A-Za-z0-9_])(?:${NAMES})(?![A-Za-z0-9_])`)
/** After another variable's value: a shell that sources the file sees an assignment there, portward does not. */
const HIDDEN = new RegExp(`[\\s;&|(](${NAMES})=`)
/** `$LAN_IP` and `${LAN_IP}` only read the variable. */
const REFERENCE = /\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})/g

/** The line number of the first carriage return that a shell would read as part of a value, or null. */
const carriageReturnLine = (text: string): number | null => {
  const offset = text.search(/\r(?:\n|$)/)
  return offset === -1 ? null : text.slice(0, offset).split('\n').length
}

/** Problems of the text as a whole, independent of single variables. */
export const checkLines = (text: string, lines: ConfigLines, path: string): Problem[] => {
  const problems: Problem[] = []
  const present = new Set(lines.assignments.map(({ name }) => name))
  const add = (
    severity: Problem['severity'],
    line: number,
    code: ProblemCode,
    message: string,
    hint: string,
  ) => problems.push({ severity, code, message, hint, at: { path, line } })

  // Decoded as latin1: a UTF-8 byte order mark is three characters, a UTF-16 one two.
  if (/^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)/.test(text)) {
    add(
      'error',
      1,
      'byte-order-mark',
      'begins with a byte order mark',
      'save the file as plain ASCII or UTF-8 without one',
    )
    return problems
  }
  const carriageReturn = carriageReturnLine(text)
  if (carriageReturn !== null) {
    const message = 'ends with CRLF, which scripts that source the file take as part of the value'
    add('error', carriageReturn, 'crlf', message, 'convert the file to LF line ends')
  }
  for (const other of lines.others) {
    const named = NAMED.exec(other.text.replace(REFERENCE, ''))?.[0]
    if (named === undefined) {
      const hint = 'portward does not read this line'
      add('warning', other.line, 'not-an-assignment', 'is not NAME=value', hint)
    } else {
      const hint = 'write the name, "=" and the value without blanks, at the start of the line'
      add('error', other.line, 'malformed-line', `names ${named} but is not ${named}=value`, hint)
    }
  }
  for (const { name, raw, line } of lines.assignments) {
    const hidden = VARIABLE_NAMES.has(name) ? undefined : HIDDEN.exec(raw.replace(QUOTED, ''))?.[1]
    if (hidden !== undefined) {
      const message = `sets ${hidden} where a shell that sources the file sees it, but portward does not`
      add('error', line, 'hidden-assignment', message, `give it a line of its own: ${hidden}=value`)
    }
    const meant = VARIABLE_NAMES.has(name) ? undefined : nearMiss(name, present)
    if (meant === undefined) continue
    const message = `sets ${name}, which portward does not know`
    const set = lines.assignments.find((other) => other.name === meant)?.line
    const also = set === undefined ? '' : ` Line ${set} sets that: write it there, and remove this line`
    add('warning', line, 'near-miss', message, `did you mean ${meant}?${also}`)
  }
  return problems
}
