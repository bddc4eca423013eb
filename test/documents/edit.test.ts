import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyEdits, type Edit } from '../../src/documents/edit.ts'
import { endOf, lineEnd, splitLines } from '../../src/documents/lines.ts'

const edit = (offset: number, length: number, text: string): Edit => ({ offset, length, text })

describe('applyEdits', () => {
  it.each<[string, Edit[], string]>([
    ['nothing', [], 'abcdef'],
    ['a replacement', [edit(1, 2, 'X')], 'aXdef'],
    ['a deletion', [edit(0, 6, '')], ''],
    ['insertions at both ends', [edit(6, 0, '>'), edit(0, 0, '<')], '<abcdef>'],
    ['insertions at one offset keep their order', [edit(2, 0, '1'), edit(2, 0, '2'), edit(2, 0, '3')], 'ab123cdef'],
    ['an insertion before a replacement', [edit(2, 0, '1'), edit(2, 1, 'X')], 'ab1Xdef'],
    ['an insertion behind a replacement', [edit(3, 0, '1'), edit(2, 1, 'X')], 'abX1def'],
    ['any order', [edit(4, 1, 'Y'), edit(0, 1, 'X')], 'XbcdYf'],
    ['side by side', [edit(0, 3, 'X'), edit(3, 3, 'Y')], 'XY'],
    ['offsets are those of the text as given', [edit(0, 0, 'long'), edit(5, 1, '')], 'longabcde'],
  ])('%s', (_, edits, expected) => expect(applyEdits('abcdef', edits)).toBe(expected)) // biome-ignore format: a table

  it.each<[string, Edit[]]>([
    ['an overlap', [edit(0, 3, ''), edit(2, 1, '')]],
    ['the same place twice', [edit(1, 1, 'X'), edit(1, 1, 'X')]],
    ['an insertion into a replacement', [edit(0, 3, ''), edit(1, 0, 'X')]],
    ['before the text', [edit(-1, 1, '')]],
    ['behind the text', [edit(7, 0, '')]],
    ['beyond the end', [edit(5, 2, '')]],
    ['a negative length', [edit(3, -1, '')]],
  ])('%s is a bug', (_, edits) => expect(() => applyEdits('abcdef', edits)).toThrow(/overlapping or stray/))

  it('changes nothing but what is edited', () => {
    const parts = fc.array(fc.tuple(fc.string(), fc.string(), fc.string()))
    fc.assert(
      fc.property(parts, (all) => {
        // Of each part the first text stays, the second becomes the third.
        let offset = 0
        const edits = all.map(([kept, old, text]) => {
          const one = edit(offset + kept.length, old.length, text)
          offset += kept.length + old.length
          return one
        })
        const before = all.map(([kept, old]) => kept + old).join('')
        expect(applyEdits(before, edits)).toBe(all.map(([kept, , text]) => kept + text).join(''))
      }),
    )
  })
})

describe('splitLines', () => {
  const show = (text: string) =>
    splitLines(text).map((line) => [line.number, line.offset, line.text, line.eol])
  it.each<[string, unknown[][]]>([
    ['', []],
    ['a', [[1, 0, 'a', '']]],
    ['a\nb', [[1, 0, 'a', '\n'], [2, 2, 'b', '']]],
    ['\n\r\n', [[1, 0, '', '\n'], [2, 1, '', '\r\n']]],
    ['a\r', [[1, 0, 'a\r', '']]],
    ['a\rb\r\r\n', [[1, 0, 'a\rb\r', '\r\n']]],
    ['a\0\x0b\x0c\x85\n', [[1, 0, 'a\0\x0b\x0c\x85', '\n']]],
  ])('%j', (text, expected) => expect(show(text)).toEqual(expected)) // biome-ignore format: a table

  it('loses nothing', () => {
    const text = fc.array(fc.constantFrom('a', '\n', '\r', '\r\n', '\0')).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (whole) => {
        const lines = splitLines(whole)
        expect(lines.map((line) => line.text + line.eol).join('')).toBe(whole)
        for (const [index, line] of lines.entries()) {
          expect(endOf(line)).toBe(lines[index + 1]?.offset ?? whole.length)
          expect(line.number).toBe(index + 1)
        }
      }),
    )
  })

  it.each([
    ['', '\n'],
    ['a', '\n'],
    ['a\nb\r\n', '\n'],
    ['a\r\nb\n', '\r\n'],
  ])('the line end of %j is %j', (text, expected) => expect(lineEnd(text)).toBe(expected))
})
