import { FILE_HEADERS_ONLY, formatPatch, type StructuredPatch, structuredPatch } from 'diff'
import { createLineCounter, endOfLineAt } from '../documents/lines.ts'
import { changedRegions, lineStart } from './changed-regions.ts'
import type { RemoveStep, Step, TouchStep, WriteStep } from './plan.ts'

const newFile = ({ path, mode }: Pick<WriteStep, 'path' | 'mode'>): string =>
  `diff --git a${path} b${path}\nnew file mode 100${mode.toString(8).padStart(3, '0')}\n`

const CONTEXT = 3

/** The offset so many lines before `at`. */
const linesBefore = (text: string, at: number, lines: number): number =>
  lines === 0 || at === 0 ? at : linesBefore(text, lineStart(text, at - 1), lines - 1)

/** The offset so many lines behind `at`. */
const linesBehind = (text: string, at: number, lines: number): number =>
  lines === 0 || at === text.length ? at : linesBehind(text, endOfLineAt(text, at), lines - 1)

type Hunk = StructuredPatch['hunks'][number]

/** The hunks of a change. Only the regions that differ are compared line by line: a file can have a million lines. */
const hunksOf = (one: string, other: string): Hunk[] => {
  const hunks: Hunk[] = []
  const lineAt = createLineCounter(one)
  let growth = 0
  for (const { before, after } of changedRegions(one, other)) {
    const start = linesBefore(one, before.from, CONTEXT)
    const rest = linesBehind(one, before.to, CONTEXT) - before.to
    const lines = lineAt(start) - 1
    const texts = [
      one.slice(start, before.to + rest),
      other.slice(after.from - (before.from - start), after.to + rest),
    ] as const
    const found = structuredPatch('', '', ...texts, undefined, undefined, { context: CONTEXT }).hunks
    const [oldOffset, newOffset] = [lines, lines + growth]
    for (const hunk of found) {
      hunks.push({ ...hunk, oldStart: hunk.oldStart + oldOffset, newStart: hunk.newStart + newOffset })
      growth += hunk.newLines - hunk.oldLines
    }
  }
  return hunks
}

/** The change of a file's text, hunk by hunk; null for steps that change no text. */
export const patchOf = (step: Step): StructuredPatch | null => {
  if (step.kind !== 'write' && step.kind !== 'remove') return null
  const { path, before } = step
  const after = step.kind === 'write' ? step.after : null
  const name = (side: string, text: string | null) => (text === null ? '/dev/null' : `${side}${path}`)
  return {
    oldFileName: name('a', before),
    newFileName: name('b', after),
    oldHeader: undefined,
    newHeader: undefined,
    hunks: hunksOf(before ?? '', after ?? ''),
  }
}

const renderPatch = (step: WriteStep | RemoveStep): string => {
  const patch = patchOf(step)
  return patch === null ? '' : formatPatch(patch, FILE_HEADERS_ONLY)
}

const renderWrite = (step: WriteStep): string => {
  const header = step.before === null ? newFile(step) : `diff --git a${step.path} b${step.path}\n`
  return header + renderPatch(step)
}

const renderRemove = (step: RemoveStep): string =>
  `diff --git a${step.path} b${step.path}\ndeleted file mode 100644\n${renderPatch(step)}`

const renderTouch = (step: TouchStep): string => `${newFile(step)}index 0000000..e69de29\n`

/**
 * One file's change in the format of `patch -p1`, paths below `a/` and `b/`; '' for steps that do not change a file. New
 * files get git's extended header, without which an empty one could not be represented. Latin1-decoded like the
 * texts: write it out as latin1.
 */
export const renderDiff = (step: Step): string => {
  switch (step.kind) {
    case 'write':
      return renderWrite(step)
    case 'remove':
      return renderRemove(step)
    case 'touch':
      return renderTouch(step)
    default:
      return ''
  }
}
