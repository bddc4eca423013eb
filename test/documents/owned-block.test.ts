import { describe, expect, test } from 'vitest'
import { countLines } from '../../src/documents/lines.ts'
import { BLOCK_BEGIN, BLOCK_END, findOwnedMarks } from '../../src/documents/owned-block.ts'

/** The index of the line that begins at the offset. */
const lineAt = (text: string, offset: number): number => countLines(text, 0, offset)

describe('findOwnedMarks', () => {
  const begin = `${BLOCK_BEGIN}\n`
  const end = `${BLOCK_END}\n`
  test.each<[string, string, [number, number][]]>([
    ['none', '# x\n', []],
    ['one', `a\n${begin}b\n${end}`, [[1, 3]]],
    ['empty, with other words behind "begin"', `# portward: begin\r\n${end}`, [[0, 1]]],
    ['unfinished last line', `${begin}a\n${BLOCK_END}`, [[0, 2]]],
    ['no end', `${begin}a\n`, []],
    ['no begin', `a\n${end}`, []],
    ['the end before the begin', `${end}a\n${begin}`, []],
    [
      'a begin without end does not reach into the next block',
      `${begin}admin's\n${begin}b\n${end}`,
      [[2, 4]],
    ],
    [
      'two',
      `${begin}${end}a\n${begin}${end}${end}`,
      [
        [0, 1],
        [3, 4],
      ],
    ],
    ['indented comments are not ours', ` ${begin}a\n ${end}`, []],
  ])('%s', (_, text, expected) => {
    const { blocks } = findOwnedMarks(text)
    expect(blocks.map((block) => [lineAt(text, block.offset), lineAt(text, block.content.end)])).toEqual(
      expected,
    )
    for (const { offset, end, content } of blocks) {
      expect(text.slice(offset, content.offset)).toMatch(/^# portward: begin[^\n]*\n$/)
      expect(text.slice(content.end, end)).toMatch(new RegExp(`^${BLOCK_END}[^\\n]*\\n?$`))
    }
  })

  test.each<[string, string, number[]]>([
    ['none', `${begin}${end}`, []],
    ['halves', `${end}a\n${begin}`, [0, 2]],
    ['a block within a block', `${begin}a\n${begin}b\n${end}c\n${end}`, [0, 6]],
  ])('strays: %s', (_, text, expected) =>
    expect(findOwnedMarks(text).strays.map(({ offset }) => lineAt(text, offset))).toEqual(expected),
  )
})
