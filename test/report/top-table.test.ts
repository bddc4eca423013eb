import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createTopTable } from '../../src/report/top-table.ts'

const countAll = (keys: readonly string[], room: number) => {
  const table = createTopTable(room, () => null)
  for (const key of keys) table.entry(key).count += 1
  return { entries: table.top(room), probe: () => table.entry('none of them') }
}

it('counts exactly as long as there is room', () => {
  const { entries } = countAll(['b', 'a', 'c', 'b'], 3)
  expect(entries.map(({ key, count, missed }) => [key, count, missed])).toEqual([
    ['b', 2, 0],
    ['a', 1, 0],
    ['c', 1, 0],
  ])
})

it('keeps whoever comes often among any number of others', () => {
  const keys = Array.from({ length: 100_000 }, (_, index) => (index % 10 === 0 ? 'often' : `${index}`))
  const [first, second] = countAll(keys, 100).entries
  expect(first).toMatchObject({ key: 'often', count: 10_000, missed: 0 })
  expect(second).toMatchObject({ count: 1 })
})

it('never has more entries than there is room for, and knows how wrong it may be', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 40 })),
      fc.integer({ min: 2, max: 12 }),
      (numbers, room) => {
        const keys = numbers.map(String)
        const { entries, probe } = countAll(keys, room)
        expect(entries.length).toBeLessThanOrEqual(room)
        for (const key of new Set(keys)) {
          const times = keys.filter((each) => each === key).length
          const entry = entries.find((each) => each.key === key)
          if (entry === undefined) expect(times).toBeLessThanOrEqual(probe().missed)
          else {
            expect(entry.count).toBeLessThanOrEqual(times)
            expect(entry.count + entry.missed).toBeGreaterThanOrEqual(times)
          }
        }
      },
    ),
  )
})
