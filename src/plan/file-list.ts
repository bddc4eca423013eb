import { counted } from '../phrases.ts'
import { padEnd, styled } from '../styled.ts'
import { patchOf } from './diff.ts'
import type { DiffChoice } from './formats/report.ts'
import { styleVerb } from './overview.ts'
import { sizeInWords } from './phrases.ts'
import type { Plan, RemoveStep, Step, TouchStep, WriteStep } from './plan.ts'

type FileStep = WriteStep | RemoveStep | TouchStep

const isFileStep = (step: Step): step is FileStep =>
  step.kind === 'write' || step.kind === 'remove' || step.kind === 'touch'

/** A changed line and its number: of the present file if it is removed, of the new one if it is added. */
interface ChangedLine {
  readonly number: number
  readonly sign: '-' | '+'
  readonly text: string
}

/** The lines that a step removes and adds, without those around them; the mark of a missing last newline as a line of its own. */
const changedLines = (step: Step): (ChangedLine | string)[] =>
  (patchOf(step)?.hunks ?? []).flatMap(({ oldStart, newStart, lines }) => {
    let [old, now] = [oldStart, newStart]
    return lines.flatMap((line): (ChangedLine | string)[] => {
      const text = line.slice(1)
      if (line.startsWith('-')) return [{ number: old++, sign: '-', text }]
      if (line.startsWith('+')) return [{ number: now++, sign: '+', text }]
      if (!line.startsWith(' ')) return [line]
      old += 1
      now += 1
      return []
    })
  })

const MODE = 0o644

/** A generated file in which no more lines change is not folded: this may be what somebody else has done to it. */
const FEW = 10

/** `-2 +3 lines` */
const changeOf = (removed: number, added: number): string => {
  const parts = [...(removed > 0 ? [`-${removed}`] : []), ...(added > 0 ? [`+${added}`] : [])]
  return `${parts.join(' ')} ${removed + added === 1 ? 'line' : 'lines'}`
}

/** What becomes of a file, and how much that is: `new, 412 lines, 15 kB`. */
const fateOf = (step: FileStep, lines: readonly (ChangedLine | string)[]): string => {
  const count = (sign: ChangedLine['sign']) =>
    lines.filter((line) => typeof line !== 'string' && line.sign === sign).length
  const mode = step.kind === 'remove' || step.mode === MODE ? '' : `, mode ${step.mode.toString(8)}`
  if (step.kind === 'touch') return `new, empty${mode}`
  if (step.kind === 'remove') return `removed, ${counted(count('-'), 'line')}`
  if (step.before !== null) return `edited, ${changeOf(count('-'), count('+'))}`
  return `new, ${counted(count('+'), 'line')}, ${sizeInWords(step.after.length)}${mode}`
}

const signOf = (step: FileStep): string => {
  if (step.kind === 'remove') return styled('red', '-')
  return step.kind === 'touch' || step.before === null ? styled('green', '+') : styled('yellow', '~')
}

const renderLines = (lines: readonly (ChangedLine | string)[]): string => {
  const numbers = lines.map((line) => (typeof line === 'string' ? 0 : line.number))
  const last = numbers.reduce((most, number) => Math.max(most, number), 0)
  const width = Math.max(5, String(last).length + 2)
  return lines
    .map((line) => {
      if (typeof line === 'string') return `${' '.repeat(width + 1)}${styled('dim', line)}\n`
      const { number, sign, text } = line
      const color = sign === '+' ? 'green' : 'red'
      return `${styled('dim', String(number).padStart(width))} ${styled(color, `${sign}${text}`)}\n`
    })
    .join('')
}

/** One line for each file that a plan changes, and below it its changed lines where they are to be shown. Latin1-decoded. */
export const renderFiles = ({ steps, desired }: Plan, choice: DiffChoice): string => {
  const files = steps.filter(isFileStep)
  const width = Math.max(0, ...files.map(({ path }) => path.length))
  const isFolded = (step: FileStep, count: number) =>
    desired.ownedFiles.has(step.path) && (step.kind !== 'write' || step.before === null || count > FEW)
  return files
    .map((step) => {
      const lines = changedLines(step)
      const head = `${signOf(step)} ${padEnd(styled('bold', step.path), width)}  ${styleVerb(fateOf(step, lines))}\n`
      const isShown = choice === 'full' || (choice === 'folded' && !isFolded(step, lines.length))
      return head + (isShown ? renderLines(lines) : '')
    })
    .join('')
}
