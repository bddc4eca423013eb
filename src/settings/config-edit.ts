import { applyEdits, type Edit } from '../documents/edit.ts'
import { endOfLineAt, lineEnd } from '../documents/lines.ts'
import { readConfigLines } from './config-lines.ts'
import { WELL_FORMED } from './config-value.ts'

/** What becomes of a variable: a value, nothing at all (null), or more words in its list. */
export type Change = string | null | { readonly added: readonly string[] }

/** A word without special characters needs no quotes. Addresses, networks and names have no quote inside. */
const quote = (value: string): string => (/^[\w.,:/-]+$/.test(value) ? value : `'${value}'`)

/** A line of config.env that a shell and dotenv read alike. */
export const assign = (name: string, value: string): string => `${name}=${quote(value)}`

/** The list with more words: the old ones stay as they are written, references included. */
const extend = (word: string, added: readonly string[]): string => {
  if (/^["']/.test(word)) {
    const inside = word.slice(1, -1)
    return word[0] + [...(inside.trim() === '' ? [] : [inside]), ...added].join(' ') + word[0]
  }
  return word === '' ? quote(added.join(' ')) : [word, ...added].join(',')
}

/**
 * The text of config.env with these variables changed, and every other byte kept: comments, order, variables of others. A
 * variable that is not there comes behind the last one of `beside` that is, else at the end. What is in quotes that are not
 * closed, or set twice, stays wrong: the caller has to read the result.
 */
export const editConfig = (
  text: string,
  changes: ReadonlyMap<string, Change>,
  beside: readonly string[] = [],
): string => {
  const { assignments } = readConfigLines(text)
  const eol = lineEnd(text)
  const edits: Edit[] = []
  const missing: string[] = []
  for (const [name, change] of changes) {
    const assignment = assignments.findLast((one) => one.name === name)
    if (assignment === undefined) {
      if (change === null) continue
      const value = typeof change === 'string' ? change : change.added.join(' ')
      missing.push(assign(name, value))
      continue
    }
    const { offset, raw } = assignment
    if (change === null) {
      const start = text.lastIndexOf('\n', offset) + 1
      edits.push({ offset: start, length: endOfLineAt(text, offset + raw.length) - start, text: '' })
      continue
    }
    const word = WELL_FORMED.exec(raw)?.[1]
    const replacement = typeof change === 'string' ? quote(change) : extend(word ?? '', change.added)
    edits.push({ offset, length: (word ?? raw).length, text: replacement })
  }
  if (missing.length === 0) return applyEdits(text, edits)
  const added = missing.map((line) => `${line}${eol}`).join('')
  const neighbour = assignments.findLast(({ name }) => beside.includes(name) && changes.get(name) !== null)
  const offset =
    neighbour === undefined ? text.length : endOfLineAt(text, neighbour.offset + neighbour.raw.length)
  if (offset < text.length) return applyEdits(text, [...edits, { offset, length: 0, text: added }])
  const kept = applyEdits(text, edits)
  return `${kept}${kept === '' || kept.endsWith('\n') ? '' : eol}${added}`
}
