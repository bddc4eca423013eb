import { expect, it } from 'vitest'
import { runAll } from '../../src/system/query.ts'

it('runs programs one after the other, each with its own input, output and end', async () => {
  const long = 'x'.repeat(200).concat('\n').repeat(2000)
  const results = await runAll([
    { program: 'sh', args: ['-c', 'echo "$1"; echo bad >&2; exit 3', 'sh', "it's"] },
    { program: 'cat', args: [] },
    { program: '/nowhere/program', args: [] },
    { program: 'wc', args: ['-c'], input: long },
    { program: 'cat', args: [], input: "$HOME `id` 'quoted' \\n\n" },
  ])
  expect(results.map(({ exitCode, stdout }) => [exitCode, stdout.trim()])).toEqual([
    [3, "it's"],
    [0, ''],
    [127, ''],
    [0, `${long.length}`],
    [0, "$HOME `id` 'quoted' \\n"],
  ])
  expect(results[0]?.stderr).toBe('bad\n')
  expect(results[2]?.stderr).toContain('/nowhere/program')
  expect(await runAll([])).toEqual([])
})
