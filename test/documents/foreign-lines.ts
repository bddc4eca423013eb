import { splitLines } from '../../src/documents/lines.ts'
import { findOwnedMarks } from '../../src/documents/owned-block.ts'

/** The lines outside of portward's block, which no edit may remove. Without carriage returns at their ends. */
export const foreignLines = (file: string): string[] => {
  const { blocks, strays } = findOwnedMarks(file)
  const isOurs = (at: number) => [...blocks, ...strays].some(({ offset, end }) => at >= offset && at < end)
  return splitLines(file)
    .filter(({ offset }) => !isOurs(offset))
    .map((line) => line.text.replace(/\r+$/, ''))
}
