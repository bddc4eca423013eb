import { applyEdits, type Edit } from './edit.ts'
import { insertBelow } from './fail2ban-edit.ts'
import { BOM, type Fail2banIni, type IniEntry, parseFail2banIni } from './fail2ban-ini.ts'
import type { Line } from './lines.ts'

/** Every entry by section and key; entries before the first header belong to [section]. */
const identified = (ini: Fail2banIni, section: string): [string, IniEntry][] =>
  ini.sections.flatMap(({ name = section, entries }) =>
    entries.map((entry): [string, IniEntry] => [JSON.stringify([name, entry.key]), entry]),
  )

/** Every key's last value. */
const meaning = (ini: Fail2banIni, section: string): string => {
  const values = new Map(identified(ini, section).map(([identity, { value }]) => [identity, value]))
  return JSON.stringify([...values].sort())
}

/** The lines, except blank ones, of all entries that a later one overrides. */
const overridden = (ini: Fail2banIni, section: string): number[] => {
  const entries = identified(ini, section)
  const last = new Map(entries)
  return entries
    .filter(([identity, entry]) => last.get(identity) !== entry)
    .flatMap(([, { pieces }]) => pieces.filter(({ text }, at) => at === 0 || text !== ''))
    .map(({ line }) => line)
}

const fixSections = (ini: Fail2banIni, section: string): Edit[] => {
  const lineAt = (index: number) => ini.lines[index] as Line
  const names = ini.sections.map(({ name }) => name ?? section)
  const unwanted = new Set(overridden(ini, section))
  const edits: Edit[] = []
  const orphans = ini.sections.find(({ name }) => name === undefined)
  if (orphans) {
    const { offset, eol } = lineAt(orphans.first)
    edits.push({ offset, length: 0, text: `[${section}]${eol || '\n'}` })
  }
  for (const [index, { first, last }] of ini.sections.entries()) {
    const name = names[index] as string
    const home = names.indexOf(name)
    if (name === 'DEFAULT' || home === index) continue
    unwanted.add(first)
    const after = names.findIndex((other, at) => at > home && other !== name)
    if (after === -1 || index < after) continue
    const range = ini.lines.slice(first, last + 1)
    // Overridden lines are commented out while the section is moved.
    const texts = range.map(({ text }, at) => (unwanted.delete(first + at) ? `# ${text}` : text))
    edits.push(insertBelow(ini, ini.sections[after - 1]?.last ?? 0, texts))
    for (const { offset, text, eol } of range)
      edits.push({ offset, length: text.length + eol.length, text: '' })
  }
  const comments = [...unwanted].map((index) => ({ offset: lineAt(index).offset, length: 0, text: '# ' }))
  return [...edits, ...comments]
}

/**
 * Edits that make fail2ban accept the file again, without losing anything: a byte order mark is removed, content before the
 * first header gets `[section]`, a repeated section is merged into its first occurrence, and if a key is set twice, all but
 * the last are commented out. Unparseable lines and bytes that are not UTF-8 are not changed. If fixing would change the value
 * of a key (odd indents can do that), only the mark is removed.
 */
export const removeFaults = (ini: Fail2banIni, section: string): Edit[] => {
  const marks = BOM.exec(ini.text)?.[0].length ?? 0
  const unmark: Edit[] = marks === 0 ? [] : [{ offset: 0, length: marks, text: '' }]
  // An insertion at offset 0 comes before the mark, which is always removed with it.
  const edits = [...unmark, ...fixSections(ini, section)]
  const fixed = parseFail2banIni(applyEdits(ini.text, edits))
  const done = fixed.faults.every(({ kind }) => kind === 'unparseable' || kind === 'not-utf8')
  return done && meaning(fixed, section) === meaning(ini, section) ? edits : unmark
}
