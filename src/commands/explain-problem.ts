import { nearest } from '../edit-distance.ts'
import { type Row, termLines } from '../layout.ts'
import { type Description, PROBLEM_CODES } from '../problem-codes.ts'
import { styled, wrap } from '../styled.ts'
import { CHECK_CODES } from '../verify/check-codes.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'

interface Entry extends Description {
  readonly code: string
  /** What reports it. */
  readonly kind: 'problem' | 'check'
}

const entriesOf = (kind: Entry['kind'], table: Readonly<Record<string, Description>>): Entry[] =>
  Object.entries(table).map(([code, description]) => ({ code, kind, ...description }))

const ENTRIES: readonly Entry[] = [...entriesOf('problem', PROBLEM_CODES), ...entriesOf('check', CHECK_CODES)]

/** A headline, what it means, and what to do, wrapped to the width. */
const renderEntry = ({ code, kind, title, meaning, action }: Entry, columns: number): string =>
  [
    wrap(`${styled('bold', code)}: ${kind === 'check' ? `check of verify: ${title}` : title}`, columns, 2),
    wrap(`  ${meaning}`, columns),
    wrap(`  What to do: ${action}`, columns),
    '',
  ].join('\n')

/** All codes, one a line. */
const renderList = (columns: number): string => {
  const width = Math.max(...ENTRIES.map(({ code }) => code.length))
  const listOf = (title: string, wanted: Entry['kind']): string[] => {
    const entries = ENTRIES.filter(({ kind }) => kind === wanted)
    return termLines(
      title,
      entries.map(({ code, title: meaning }): Row => [code, meaning]),
      columns,
      width,
    )
  }
  return [...listOf('Problems', 'problem'), ...listOf('Checks of verify', 'check')].join('\n')
}

/** The codes that were probably meant: with this word in it, or else nearly the same. */
const suggest = (word: string): string => {
  const codes = ENTRIES.map(({ code }) => code)
  const containing = codes.filter((code) => code.split('-').includes(word))
  const found = containing.length > 0 ? containing : nearest(word, codes)
  return found.length === 0
    ? 'portward explain-problem lists all codes'
    : `did you mean ${found.join(' or ')}?`
}

/** `portward explain-problem [CODE…]`: what problems and checks mean, and what to do; without a code all of them in a list. */
export const explainProblemCommand = async (
  options: GlobalOptions,
  given: readonly string[],
): Promise<number> => {
  const output = openOutput(options)
  const wanted = given.map((word) => ({
    word,
    entry: ENTRIES.find(({ code }) => code === word.toLowerCase()),
  }))
  const unknown = wanted.filter(({ entry }) => entry === undefined)
  for (const { word } of unknown)
    output.complain(`portward: unknown code '${word}' — ${suggest(word.toLowerCase())}`)
  if (unknown.length > 0) return EXIT.usage
  const entries = given.length === 0 ? ENTRIES : wanted.flatMap(({ entry }) => entry ?? [])
  const { columns } = output.screen
  await output.page(
    given.length === 0 ? renderList(columns) : entries.map((entry) => renderEntry(entry, columns)).join('\n'),
  )
  output.document('explain-problem', { codes: entries })
  return EXIT.ok
}
