import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Hunk, hunksOf } from '../../src/plan/formats/hunks.ts'
import type { WriteStep } from '../../src/plan/plan.ts'

const write = (before: string | null, after: string): WriteStep => ({
  kind: 'write',
  path: '/etc/hosts.allow',
  before,
  after,
  mode: 0o644,
  fromPackage: false,
  reasons: ['why'],
})

const hunk = (line: number, endLine: number, removed: readonly string[], added: readonly string[]): Hunk => ({
  line,
  endLine,
  removed,
  added,
})

it.each<[string, string | null, string, Hunk[]]>([
  ['a line changes', 'a\nb\nc\n', 'a\nB\nc\n', [hunk(2, 2, ['b'], ['B'])]],
  ['two neighbours change', 'a\nb\nc\n', 'a\nB\nC\n', [hunk(2, 3, ['b', 'c'], ['B', 'C'])]],
  [
    'two places in one hunk of the diff',
    'a\nb\nc\n',
    'A\nb\nC\n',
    [hunk(1, 1, ['a'], ['A']), hunk(3, 3, ['c'], ['C'])],
  ],
  ['a line comes in', 'a\nb\n', 'a\nx\nb\n', [hunk(1, 1, [], ['x'])]],
  ['at the top', 'a\n', 'x\na\n', [hunk(1, 1, [], ['x'])]],
  ['at the end', 'a\nb\n', 'a\nb\nx\n', [hunk(2, 2, [], ['x'])]],
  ['lines go', 'a\nb\nc\n', 'a\n', [hunk(2, 3, ['b', 'c'], [])]],
  ['a last line is ended', 'a\nb', 'a\nb\n', [hunk(2, 2, ['b'], ['b'])]],
  ['an empty file is filled', '', 'x\n', [hunk(1, 1, [], ['x'])]],
  ['a file is made', null, 'x\ny\n', [hunk(1, 1, [], ['x', 'y'])]],
  [
    'lines that look like a diff',
    '-- a\n',
    '++ b\n@@ -1 +1 @@\n',
    [hunk(1, 1, ['-- a'], ['++ b', '@@ -1 +1 @@'])],
  ],
])('%s', (_, before, after, expected) => {
  expect(hunksOf(write(before, after))).toEqual(expected)
})

it('gives an empty file that is made one place, and a step about no file none', () => {
  const reasons = ['why']
  expect(hunksOf({ kind: 'touch', path: '/etc/hosts.deny', mode: 0o644, reasons })).toEqual([
    hunk(1, 1, [], []),
  ])
  expect(hunksOf({ kind: 'enable', unit: 'portsentry' })).toEqual([])
})

it('names the very lines that go', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', '', '+d', '-e', ' f', '\\ g', '@@ -1 +1 @@', '\r'), {
      maxLength: 12,
    })
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
  fc.assert(
    fc.property(text, text, (before, after) => {
      fc.pre(before !== after)
      const hunks = hunksOf(write(before, after))
      const lines = before.split('\n')
      for (const { line, endLine, removed } of hunks) {
        expect(line).toBeGreaterThanOrEqual(1)
        if (removed.length > 0) expect(lines.slice(line - 1, endLine)).toEqual(removed)
      }
      const count = (name: 'added' | 'removed') => hunks.reduce((sum, each) => sum + each[name].length, 0)
      expect(after.split('\n').length - lines.length).toBe(count('added') - count('removed'))
    }),
  )
})
