import { expect, it } from 'vitest'
import { counted, listed, shortList } from '../src/phrases.ts'

it.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b'], 'a and b'],
  [['a', 'b', 'c'], 'a, b and c'],
])('lists %j', (words, expected) => {
  expect(listed(words)).toBe(expected)
})

it.each([
  [[], ''],
  [['a', 'b', 'c', 'd'], 'a, b, c, d'],
  [['a', 'b', 'c', 'd', 'e', 'f'], 'a, b, c, d and 2 more'],
])('keeps lists readable: %j', (items, text) => {
  expect(shortList(items)).toBe(text)
})

it.each([
  [0, '0 hosts'],
  [1, '1 host'],
  [2, '2 hosts'],
])('counts %d', (count, text) => {
  expect(counted(count, 'host')).toBe(text)
})
