import { FILE_HEADERS_ONLY, formatPatch, type StructuredPatch, structuredPatch } from 'diff'
import type { RemoveStep, Step, TouchStep, WriteStep } from './plan.ts'

const newFile = ({ path, mode }: Pick<WriteStep, 'path' | 'mode'>): string =>
  `diff --git a${path} b${path}\nnew file mode 100${mode.toString(8).padStart(3, '0')}\n`

/** The change of a file's text, hunk by hunk; null for steps that change no text. */
export const patchOf = (step: Step): StructuredPatch | null => {
  if (step.kind !== 'write' && step.kind !== 'remove') return null
  const { path, before } = step
  const after = step.kind === 'write' ? step.after : null
  const name = (side: string, text: string | null) => (text === null ? '/dev/null' : `${side}${path}`)
  const options = { context: 3 }
  return structuredPatch(
    ...([name('a', before), name('b', after), before ?? '', after ?? ''] as const),
    ...([undefined, undefined, options] as const),
  )
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
