import type { Edit } from './edit.ts'
import { getKey, overlongLines, type PortsentryConf, readLine2, refusedLines } from './portsentry-conf.ts'

/** A setting as it was meant, however the daemon reads the line. */
interface Intended {
  /** In capitals. */
  readonly key: string
  readonly value: string
}

const LEADING_BLANKS = /^[ \t\r\f\v]*/

const ASSIGNMENT = /^[ \t\r\f\v]*([A-Za-z][A-Za-z_]*)(?:[ \t]*=[ \t]*|[ \t](?=["']))(.*)$/s

/** A value in double or single quotes, of which the closing one may be missing, or unquoted up to a comment. */
const VALUE = /^(?:"([^"]*)|'([^'"]*)(?:'|$)|([^"'#]*)(?:#|$))/

export const intendedBy = (text: string): Intended | null => {
  const [, key, rest = ''] = ASSIGNMENT.exec(text) ?? []
  const value = key === undefined ? null : VALUE.exec(rest)
  if (key === undefined || value === null) return null
  const [, double, single, bare = ''] = value
  return { key: key.toUpperCase(), value: double ?? single ?? bare.trimEnd() }
}

/** Keys that only 1.2 has, and their equivalents in 2.x: all ports below ADVANCED_PORTS except the excluded ones. */
const TRANSLATED: ReadonlyMap<string, string> = new Map([
  ['ADVANCED_PORTS_TCP', 'TCP_PORTS in TCP_MODE=atcp'],
  ['ADVANCED_EXCLUDE_TCP', 'TCP_PORTS in TCP_MODE=atcp'],
  ['ADVANCED_PORTS_UDP', 'UDP_PORTS in UDP_MODE=audp'],
  ['ADVANCED_EXCLUDE_UDP', 'UDP_PORTS in UDP_MODE=audp'],
])

/** `1,7,20-25`. */
const PORT_LIST = /^ *\d{1,5}(?:-\d{1,5})?(?: *, *\d{1,5}(?:-\d{1,5})?)* *$/

/** A comment that keeps the value of such a key: with the key itself 2.x does not start. */
const commentFor = (key: string): string => `# for ${TRANSLATED.get(key)} (portward): ${key}=`

/** The value that such a comment keeps; undefined if there is none. */
export const translatedValue = ({ lines }: PortsentryConf, key: string): string | undefined => {
  const start = commentFor(key)
  const kept = lines.findLast(({ text }) => text.startsWith(start))?.text
  const value = kept === undefined ? undefined : intendedBy(key + kept.slice(start.length - 1))?.value
  return value !== undefined && PORT_LIST.test(value) ? value.replaceAll(' ', '') : undefined
}

/** What to do about a line that keeps 2.x from starting. */
interface Fix {
  readonly line: number
  /** What the line becomes: a setting, a comment for `translatedValue`, a plain comment, or commented out. */
  readonly as: 'setting' | 'translation' | 'comment' | 'nothing'
  readonly edit: Edit
}

/** The line in a form that 2.x reads, without indent or else rewritten, and the key that it then sets. */
const readableForm = (
  text: string,
  meant: Intended | null,
  keys: readonly string[],
): { key: string; text: string } | null => {
  const forms = [text.replace(LEADING_BLANKS, '')]
  if (meant !== null && keys.includes(meant.key)) forms.push(`${meant.key}="${meant.value}"`)
  for (const form of forms) {
    const key = readLine2(form, keys)?.key
    if (key !== undefined) return { key, text: form }
  }
  return null
}

/**
 * What to do about each line that keeps 2.x from starting. If its meaning is clear and no other line sets the same key, it is
 * rewritten in the form that 2.x reads; a key of 1.2 for which 2.x has other keys is kept in a comment; anything else is
 * commented out, also overlong lines, although that is not enough for them.
 */
export const fixRefused = (conf: PortsentryConf): Fix[] => {
  const long = new Set(overlongLines(conf))
  const refused = refusedLines(conf).map((line) => {
    const meant = long.has(line.number) ? null : intendedBy(line.text)
    const form = long.has(line.number) ? null : readableForm(line.text, meant, conf.keys)
    return { ...line, meant, form, key: form?.key ?? meant?.key }
  })
  const lastOf = new Map(refused.map(({ key, number }) => [key, number]))
  return refused.map(({ number: line, offset, text, meant, form, key = '' }): Fix => {
    const become = (as: Fix['as'], after: string): Fix => ({
      line,
      as,
      edit: { offset, length: text.length, text: after },
    })
    const bare = text.replace(LEADING_BLANKS, '')
    if (!long.has(line) && /^(?:#|$)/.test(bare)) return become('comment', bare)
    const isLast = lastOf.get(key) === line
    if (isLast && meant !== null && TRANSLATED.has(key) && PORT_LIST.test(meant.value)) {
      return become('translation', `${commentFor(key)}"${meant.value}"`)
    }
    if (isLast && form !== null && getKey(conf, key) === undefined) return become('setting', form.text)
    return become('nothing', `#${text}`)
  })
}

/** Invalidates the comments of an earlier plan for keys that are set again. */
const outdated = ({ lines }: PortsentryConf, fixes: readonly Fix[]): Edit[] => {
  const said = [...TRANSLATED.keys()].filter((key) =>
    fixes.some(({ as, edit }) => as === 'translation' && edit.text.startsWith(commentFor(key))),
  )
  return said.flatMap((key) =>
    lines
      .filter(({ text }) => text.startsWith(commentFor(key)))
      .map(({ offset }) => ({ offset, length: commentFor(key).length, text: `#${key}=` })),
  )
}

/** Edits after which only overlong lines keep 2.x from starting. */
export const fixEdits = (conf: PortsentryConf, fixes: readonly Fix[]): Edit[] => [
  ...fixes.map(({ edit }) => edit),
  ...outdated(conf, fixes),
]
