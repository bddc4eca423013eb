import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBoundedTable, type Key } from '../../src/detector/bounded-table.ts'
import { runs } from '../fast-check.ts'

/** What the table does, one key after the other: the last keys that were new, of which some have been deleted since. */
const createModel = (bound: number) => {
  let entries: { name: string; value: number }[] = []
  const find = (key: Key) => entries.find(({ name, value }) => name === key.join() && value !== 0)
  return {
    get: (key: Key) => find(key)?.value ?? 0,
    set: (key: Key, value: number) => {
      const found = find(key)
      if (found !== undefined) found.value = value
      else entries = [...entries, { name: key.join(), value }].slice(-bound)
    },
    delete: (key: Key) => {
      const found = find(key)
      if (found !== undefined) found.value = 0
    },
    clear: () => {
      entries = []
    },
    size: () => entries.filter(({ value }) => value !== 0).length,
  }
}

const byte = fc.constantFrom(0, 1, 127, 128, 255)
const key = fc
  .constantFrom(3, 4, 16)
  .chain((length) => fc.tuple(fc.constant(length), byte, byte))
  .map(([length, first, last]) => [first, ...Array<number>(length - 2).fill(0), last])
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant('set' as const), key, fc.integer({ min: 1, max: 0x7fff_ffff })),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('get' as const), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('delete' as const), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('clear' as const), fc.constant([])) },
)

it('answers as a list of its keys does', () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 300, size: 'max' })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 80 }), fc.integer(), steps, (bound, seed, all) => {
      const table = createBoundedTable({ bound, longest: 16, seed })
      const model = createModel(bound)
      for (const [what, ...rest] of all) {
        if (what === 'clear') {
          table.clear()
          model.clear()
          continue
        }
        const [of, value = 0] = rest as [Key, number?]
        if (what === 'get') expect(table.get(of)).toBe(model.get(of))
        else if (what === 'set') for (const each of [table, model]) each.set(of, value)
        else for (const each of [table, model]) each.delete(of)
        expect(table.size()).toBe(model.size())
      }
    }),
    { numRuns: runs(300) },
  )
})

describe('a table that grows', () => {
  it.each([0, 1, -1, 0x7fff_ffff])('knows its last keys, with the seed %d', (seed) => {
    const [count, bound] = [10_000, 5_000]
    const keyOf = (index: number): number[] => [10, index >> 16, (index >> 8) & 255, index & 255]
    const table = createBoundedTable({ bound, longest: 16, seed })
    for (let index = 1; index <= count; index += 1) table.set(keyOf(index), index)
    const known = Array.from({ length: count }, (_, index) => table.get(keyOf(index + 1)))
    expect(known).toEqual(
      Array.from({ length: count }, (_, index) => (index < count - bound ? 0 : index + 1)),
    )
    expect(table.size()).toBe(bound)
  })

  it('has no bound if that is infinite', () => {
    const table = createBoundedTable({ bound: Number.POSITIVE_INFINITY, longest: 4 })
    for (let index = 0; index < 1000; index += 1) table.set([0, 0, index >> 8, index & 255], 1)
    expect(table.size()).toBe(1000)
  })
})
