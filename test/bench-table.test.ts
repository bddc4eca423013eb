import { expect, test } from 'vitest'
import { median, type Row, renderLine, renderTable, updateDocument } from '../scripts/bench-table.mjs'

const ROW: Row = {
  ...{ part: 'Nothing to do', work: 'plan', quantity: 'time', unit: 's' },
  ...{ own: [0.2, 0.3, 0.2], peer: { name: 'node -e 0', values: [0.1, 0.1, 0.2] } },
}

test('the median of an even number of values is the mean of the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([3, 1, 2])).toBe(2)
})

test.each<[expected: string, row: Partial<Row>]>([
  ['≤ 2.5x | yes', { mark: { ratio: 2.5 } }],
  ['≤ 1/4 | **no**', { mark: { ratio: 0.25 } }],
  ['+0.1 s (+0–+0.2) | ≤ +0.1 s | yes', { mark: { difference: 0.1 } }],
  ['≤ +0.05 s | **no**', { mark: { difference: 0.05 } }],
  ['≤ 0.1 s | **no**', { mark: { most: 0.1 } }],
  ['≥ 1,000,000/s | yes', { mark: { least: 1e6 }, own: [1e6, 2e6], unit: '/s' }],
])('a mark: %s', (expected, row) => {
  expect(renderLine({ ...ROW, ...row }).endsWith(expected)).toBe(true)
})

test('a row with its peer, and one without', () => {
  expect(renderLine(ROW)).toBe('plan | time | 0.2 s (0.2–0.3) | node -e 0 | 0.1 s (0.1–0.2) | 2x (1x–3x)')
  expect(renderLine({ ...ROW, own: [], remark: 'not measured: no root' })).toBe(
    'plan | not measured: no root',
  )
})

test('a remark is below the table once, with the works that it is about', () => {
  const rows = ['plan', 'apply', 'plan'].map((work) => ({ ...ROW, work, remark: 'in turn' }))
  expect(renderTable(rows).split('\n').at(-1)).toBe('- plan; apply: in turn')
})

test('a new section takes the place of the old one, and others stay', () => {
  const document = '# Benchmarks\n\nHow.\n\n## Nothing to do\n\nold\n\n## Starting\n\nkept\n'
  const updated = updateDocument(document, [ROW, { ...ROW, part: 'Bans' }], 'the machine')
  expect(updated.match(/^#.*|^old$|^kept$|^the machine$/gm)).toEqual([
    ...['# Benchmarks', '## Nothing to do', 'the machine', '## Starting', 'kept', '## Bans', 'the machine'],
  ])
  expect(updateDocument(updated, [ROW, { ...ROW, part: 'Bans' }], 'the machine')).toBe(updated)
})
