import type { Edit } from './edit.ts'

/** For each line of an edited text, by index, its number in the original text; null: inserted by an edit. */
export type LineOrigins = readonly (number | null)[]

export const untouched = (text: string): LineOrigins => text.split('\n').map((_, index) => index + 1)

const newlines = (text: string): number => text.split('\n').length - 1

/** The origins after further edits of `text`, which must not delete lines. */
export const afterEdits = (origins: LineOrigins, text: string, edits: readonly Edit[]): LineOrigins => {
  const result = [...origins]
  const inserting = edits.filter((edit) => edit.text.includes('\n'))
  // From the end, so that an edit does not shift the earlier ones.
  for (const { offset, text: inserted } of inserting.sort((a, b) => b.offset - a.offset)) {
    const before = text.slice(0, offset)
    const isAtStart = before === '' || before.endsWith('\n')
    const index = newlines(before) + (isAtStart ? 0 : 1)
    result.splice(index, 0, ...Array.from({ length: newlines(inserted) }, () => null))
  }
  return result
}
