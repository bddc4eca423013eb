import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, test } from 'vitest'
import { run } from '../../src/commands/run.ts'
import { PROBLEM_CODES } from '../../src/problem-codes.ts'
import { CHECK_CODES } from '../../src/verify/check-codes.ts'
import { documentOf } from '../documents.ts'
import { copyOf, fixtures } from '../tree.ts'
import { createTerminal, portward } from './in-process.ts'

const at = async (columns: number, ...argv: string[]) => {
  const { terminal, texts } = createTerminal({ COLUMNS: String(columns) })
  return { status: await run({ argv, ...terminal }), ...texts() }
}

const CODES = Object.keys({ ...PROBLEM_CODES, ...CHECK_CODES })

const NEAR_MISS = `near-miss: Unknown variable
  config.env sets a variable whose name is close to one that portward knows.
  What to do: Correct the name; harmless if another program uses it.
`

test.each([
  [80, ['near-miss'], NEAR_MISS],
  [200, ['near-miss'], NEAR_MISS],
  [Number.POSITIVE_INFINITY, ['Near-Miss'], NEAR_MISS],
  [
    80,
    ['near-miss', 'cut-off'],
    `${NEAR_MISS}
cut-off: check of verify: a scanner is cut off
  A host that scanned the copy of this server was not acted on, or could still
  reach an open port of it.
  What to do: Look at the checks before it, which show where the ban was lost;
  then run portward apply.
`,
  ],
])('at %d columns, %j', async (columns, codes, expected) => {
  expect(await at(columns, 'explain-problem', ...codes)).toMatchObject({
    status: 0,
    stdout: expected,
    stderr: '',
  })
})

it.each([80, 200])('explains every code within %d columns', async (columns) => {
  const { status, stdout } = await at(columns, 'explain-problem', ...CODES)
  expect(status).toBe(0)
  expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(columns)
})

it('lists all codes, one a line where no terminal is', async () => {
  const { status, stdout } = await portward('explain-problem')
  expect(status).toBe(0)
  expect([...stdout.matchAll(/^ {2}(\S+) {2,}\S/gm)].map(([, code]) => code)).toEqual(CODES)
})

test.each([
  ['neer-miss', 'did you mean near-miss?'],
  ['whitelst', 'did you mean whitelist?'],
  ['lan', 'did you mean ipv6-lan or lan-elsewhere or lan-internet'],
  ['frobnicate', 'portward explain-problem lists all codes'],
  ['', 'portward explain-problem lists all codes'],
])('an unknown code: %j', async (code, expected) => {
  const { status, stdout, stderr } = await portward('explain-problem', 'near-miss', code)
  expect([status, stdout]).toEqual([64, ''])
  expect(stderr).toContain(`portward: unknown code '${code}' — ${expected}`)
})

it('prints a document with --json', async () => {
  const { stdout } = await portward('explain-problem', 'near-miss', 'lab', '--json')
  expect(documentOf(stdout)).toMatchObject({
    command: 'explain-problem',
    codes: [
      { code: 'near-miss', kind: 'problem', ...PROBLEM_CODES['near-miss'] },
      { code: 'lab', kind: 'check', ...CHECK_CODES.lab },
    ],
  })
})

test.each([
  ['on a terminal', true, [], true],
  ['not into a file', false, [], false],
  ['not with --quiet', true, ['--quiet'], false],
  ['not with --json', true, ['--json'], false],
])('names the codes of problems after them: %s', async (_, isTTY, options, isNamed) => {
  const root = copyOf(join(fixtures, 'sample-server'))
  writeFileSync(join(root, 'root/config.env'), 'LAN_IP=banana\nNETMASK=24\n')
  const { terminal, texts } = createTerminal({ NO_COLOR: '1', LANG: 'C.UTF-8' })
  Object.assign(terminal.stderr, { isTTY, columns: 80, rows: 24 })
  expect(await run({ argv: ['plan', '--root', root, ...options], ...terminal })).toBe(78)
  expect(texts().stderr).toMatch(/config\.env(?::\d+)?: .* — /)
  expect(/^portward explain-problem (?:[a-z-]+ )+says more$/m.test(texts().stderr)).toBe(isNamed)
})

it('names the codes of checks that failed, too', async () => {
  const root = copyOf(join(fixtures, 'sample-server'))
  const { terminal, texts } = createTerminal()
  Object.assign(terminal.stderr, { isTTY: true, columns: 80, rows: 24 })
  expect(await run({ argv: ['verify', '--root', root], ...terminal })).toBe(1)
  const [, codes = ''] = /portward explain-problem (.*) says more/.exec(texts().stderr) ?? []
  expect(codes.split(' ')).toContain('jail-files')
})
