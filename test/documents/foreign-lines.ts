import { splitLines } from '../../src/documents/lines.ts'
import { findOwnedMarks } from '../../src/documents/owned-block.ts'

/** The lines outside of portward's block, which no edit may remove. Without carriage returns at their ends. */
export const foreignLines = (file: string): string[] => {
  const lines = splitLines(file)
  const { blocks, strays } = findOwnedMarks(lines)
  const isOurs = (index: number) =>
    strays.includes(index) || blocks.some(({ begin, end }) => index >= begin && index <= end)
  return lines.filter((_, index) => !isOurs(index)).map((line) => line.text.replace(/\r+$/, ''))
}
