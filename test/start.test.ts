import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from './checkout.ts'
import { copyOf, fixtures } from './tree.ts'

const start = (args: readonly string[] = [], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, ['scripts/start.mjs', ...args], {
    cwd: checkout,
    env: { PATH: process.env['PATH'], ...env },
    encoding: 'utf8',
  })

/** How many lines of a terminal with 80 columns a text takes. */
const rowsOf = (text: string): number =>
  text
    .trimEnd()
    .split('\n')
    .reduce((sum, line) => sum + Math.max(1, Math.ceil([...line].length / 80)), 0)

it.each([{ LANG: 'C.UTF-8' }, { LC_ALL: 'C' }])(
  'npm start tells its story on a screen and a half: %j',
  (env) => {
    const { stdout, stderr, status } = start([], env)
    expect([status, stderr.replace('Installing the npm packages ...\n', '')]).toEqual([0, ''])
    expect(rowsOf(stdout)).toBeLessThanOrEqual(36)
    expect(stdout).toMatch(
      /What would change\?[\s\S]*Change it\.[\s\S]*in sync[\s\S]*203\.0\.113\.9: noticed [\s\S]*blocked/,
    )
    expect(stdout).toMatch(/192\.168\.1\.55: noticed .* ignored by/)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    if ('LC_ALL' in env) expect(stdout).toMatch(/^[\x20-\x7e\n]*$/)
  },
)

it('npm start -- --details shows the diff, each decision and why', () => {
  const { stdout, status } = start(['--details'])
  expect(status).toBe(0)
  expect(stdout).toMatch(/^ +\d+ \+BLOCK_TCP="1"$/m)
  expect(stdout).toMatch(/KILL_ROUTE: ipset add portward-hosts4 203\.0\.113\.9/)
})

it('npm start -- COMMAND is portward', () => {
  const root = copyOf(join(fixtures, 'sample-server'))
  const { stdout, status } = start(['plan', '--root', root])
  expect(status).toBe(2)
  expect(stdout).toMatch(/^ +\d+ \+BLOCK_TCP="1"$/m)
})
