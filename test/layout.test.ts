import { expect, test } from 'vitest'
import { renderSections, renderTable } from '../src/layout.ts'
import { withoutStyles } from '../src/styled.ts'

const linesOf = (text: string): string[] => withoutStyles(text).split('\n')

test.each<[number, string[]]>([
  [
    30,
    [
      'drift       two changes',
      '              pending: see',
      '              portward plan',
      '            more',
      '',
    ],
  ],
  [80, ['drift       two changes pending: see portward plan', '            more', '']],
  [Infinity, ['drift       two changes pending: see portward plan', '            more', '']],
])('sections at %d columns stay beside their topics', (columns, expected) => {
  const sections = [
    { topic: 'drift', lines: ['two changes pending: see portward plan', 'more'] },
    { topic: 'ports', lines: [] },
  ]
  expect(linesOf(renderSections(sections, columns))).toEqual(expected)
})

test.each<[number, string[]]>([
  [4, ['A', '    BB', '    CCC', '1', '    22', '    333', '']],
  [9, ['A  BB', '    CCC', '1  22', '    333', '']],
  [80, ['A  BB  CCC', '1  22  333', '']],
])('a table at %d columns has all of its cells', (columns, expected) => {
  expect(linesOf(renderTable(['A', 'BB', 'CCC'], [['1', '22', '333']], columns))).toEqual(expected)
})

test('a wide last column is wrapped, and does not fold the others', () => {
  const words = Array.from({ length: 12 }, () => 'word').join(' ')
  expect(linesOf(renderTable(['A', 'B'], [['1', words]], 40))).toEqual([
    'A  B',
    '1  word word word word word word word',
    '  word word word word word',
    '',
  ])
})
