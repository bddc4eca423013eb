import { splitLines } from '../../src/documents/lines.ts'
import { findOwnedMarks } from '../../src/documents/owned-block.ts'

/** The lines that are not portward's own: what no edit may take away. Carriage returns at their ends don't count. */
export const foreignLines = (file: string): string[] => {
  const lines = splitLines(file)
  const { blocks, strays } = findOwnedMarks(lines)
  const isOurs = (index: number) =>
    strays.includes(index) || blocks.some(({ begin, end }) => index >= begin && index <= end)
  return lines.filter((_, index) => !isOurs(index)).map((line) => line.text.replace(/\r+$/, ''))
}
