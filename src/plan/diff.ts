import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff'
import type { Step, TouchStep, WriteStep } from './plan.ts'

const newFile = ({ path, mode }: Pick<WriteStep, 'path' | 'mode'>): string =>
  `diff --git a${path} b${path}\nnew file mode 100${mode.toString(8).padStart(3, '0')}\n`

const renderWrite = (step: WriteStep): string => {
  const { path, before, after } = step
  const header = before === null ? newFile(step) : `diff --git a${path} b${path}\n`
  const oldName = before === null ? '/dev/null' : `a${path}`
  const patch = structuredPatch(oldName, `b${path}`, before ?? '', after, undefined, undefined, {
    context: 3,
  })
  return header + formatPatch(patch, FILE_HEADERS_ONLY)
}

/**
 * One file's change as `patch -p1` takes it, paths below `a/` and `b/`; '' for steps that change no file. New
 * files get git's extended header, without which an empty one could not be told. Latin1-decoded like the
 * texts: write it out as latin1.
 */
export const renderDiff = (step: Step): string =>
  step.kind === 'write' ? renderWrite(step) : step.kind === 'touch' ? renderTouch(step) : ''

const renderTouch = (step: TouchStep): string => `${newFile(step)}index 0000000..e69de29\n`
