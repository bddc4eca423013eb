import { patchOf } from '../diff.ts'
import type { Step } from '../plan.ts'

/** Adjacent lines of a file that a step changes. Texts are latin1-decoded, without line endings. */
export interface Hunk {
  /** Lines of the present file, from 1; if lines are only added, the one before them. */
  readonly line: number
  readonly endLine: number
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

const hunkAt = (position: number, removed: readonly string[], added: readonly string[]): Hunk => {
  const line = Math.max(1, removed.length > 0 ? position : position - 1)
  return { line, endLine: line + Math.max(0, removed.length - 1), removed, added }
}

/** The changes of a step in its file; one empty hunk for a new empty file, none for a step without a file. */
export const hunksOf = (step: Step): Hunk[] => {
  const patch = patchOf(step)
  if (patch === null) return step.kind === 'touch' ? [hunkAt(1, [], [])] : []
  const hunks: Hunk[] = []
  for (const { oldStart, lines } of patch.hunks) {
    let position = oldStart
    let removed: string[] = []
    let added: string[] = []
    const close = () => {
      if (removed.length + added.length > 0) hunks.push(hunkAt(position - removed.length, removed, added))
      removed = []
      added = []
    }
    for (const line of lines) {
      const text = line.slice(1)
      if (line.startsWith('+')) added.push(text)
      else if (line.startsWith('-')) {
        removed.push(text)
        position += 1
      } else if (line.startsWith(' ')) {
        close()
        position += 1
      }
    }
    close()
  }
  return hunks.length > 0 ? hunks : [hunkAt(1, [], [])]
}
