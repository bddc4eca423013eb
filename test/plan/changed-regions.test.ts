import { applyPatch, parsePatch } from 'diff'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changedRegions } from '../../src/plan/changed-regions.ts'
import { renderDiff } from '../../src/plan/diff.ts'
import { runs } from '../fast-check.ts'

const step = (before: string, after: string) => ({
  ...({ kind: 'write', path: '/etc/hosts.allow', before, after } as const),
  ...{ mode: 0o644, fromPackage: false, reasons: ['why'] },
})

/** What the diff makes of the text; false: it does not fit. */
const patched = (before: string, after: string): string | false => {
  const [patch] = parsePatch(renderDiff(step(before, after)))
  return patch === undefined ? before : applyPatch(before, patch)
}

describe('a diff', () => {
  it('turns any text into any other', () => {
    const text = fc
      .array(fc.constantFrom('a\n', 'b\n', '\n', 'c', '\r\n', 'd\n', '\\\n'), { maxLength: 30 })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, text, (before, after) => {
        expect(patched(before, after)).toBe(after)
      }),
      { numRuns: runs(2000) },
    )
  })

  const LINES = Array.from({ length: 20_000 }, (_, index) => `sshd: 10.${index >> 8}.${index & 255}.1\n`)

  it('of a long list compares only the lines around each change, wherever those are', () => {
    const change = fc.tuple(
      fc.nat({ max: LINES.length }),
      fc.nat({ max: 3 }),
      fc.constantFrom('', '#\n', 'x: y\n#\n'),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6, size: 'max' }), (changes) => {
        const lines: string[] = [...LINES]
        for (const [at, removed, added] of changes.sort(([a], [b]) => b - a)) lines.splice(at, removed, added)
        const [before, after] = [LINES.join(''), lines.join('')]
        expect(patched(before, after)).toBe(after)
        const compared = [...changedRegions(before, after)].map(({ before: { from, to } }) => to - from)
        // Up to 2^16 characters are not divided any further.
        expect(compared.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(
          changes.length * 2 ** 16,
        )
      }),
      { numRuns: runs(30) },
    )
  })

  it('is right for a long list that has every line many times', () => {
    const before = 'ALL: 10.0.0.1\n'.repeat(20_000)
    const after = `# x\n${before}# y\n`
    expect(patched(before, after)).toBe(after)
  })
})
