import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff'
import type { RemoveStep, Step, TouchStep, WriteStep } from './plan.ts'

const newFile = ({ path, mode }: Pick<WriteStep, 'path' | 'mode'>): string =>
  `diff --git a${path} b${path}\nnew file mode 100${mode.toString(8).padStart(3, '0')}\n`

const renderPatch = (oldName: string, newName: string, before: string, after: string): string =>
  formatPatch(
    structuredPatch(oldName, newName, before, after, undefined, undefined, { context: 3 }),
    FILE_HEADERS_ONLY,
  )

const renderWrite = (step: WriteStep): string => {
  const { path, before, after } = step
  const header = before === null ? newFile(step) : `diff --git a${path} b${path}\n`
  return header + renderPatch(before === null ? '/dev/null' : `a${path}`, `b${path}`, before ?? '', after)
}

const renderRemove = ({ path, before }: RemoveStep): string =>
  `diff --git a${path} b${path}\ndeleted file mode 100644\n${renderPatch(`a${path}`, '/dev/null', before, '')}`

const renderTouch = (step: TouchStep): string => `${newFile(step)}index 0000000..e69de29\n`

/**
 * One file's change as `patch -p1` takes it, paths below `a/` and `b/`; '' for steps that change no file. New
 * files get git's extended header, without which an empty one could not be told. Latin1-decoded like the
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
