import { expect, it } from 'vitest'
import { drawFigure } from '../../src/report/page/figures.ts'

it.each([
  [
    [1, 0],
    ['0', '1'],
  ],
  [
    [2, 1],
    ['0', '1', '2'],
  ],
  [
    [4100, 0],
    ['0', '2,000', '4,000'],
  ],
])('the axis of %j has whole numbers', (values, expected) => {
  const html = drawFigure({
    ...{ id: 'bans', title: 'Bans', description: 'Bans by day', color: 'bans' },
    data: values.map((value, index) => ({ label: `${index}`, value })),
    axis: { labelLetters: 1, labels: () => values.map(() => '') },
  })
  const axis = /<g [^>]*aria-label="y-axis tick label"[^>]*>(.*?)<\/g>/s.exec(html)?.[1] ?? ''
  expect([...axis.matchAll(/<text[^>]*>([^<]*)</g)].map(([, label]) => label)).toEqual(expected)
})
