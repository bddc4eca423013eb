import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findMissing } from '../../src/facts/log-patterns.ts'
import { temporaryDirectory } from '../tree.ts'

it.each([
  ['/var/log/auth.log', true],
  ['/var/log/gone.log', false],
  ['/var/log/*.log', true],
  ['/var/log/a?th.log', true],
  ['/var/log/[ab]uth.log', true],
  ['/var/log/[!a]uth.log', false],
  ['/var/log/[auth.log', false],
  ['/var/log/*/error.log', true],
  ['/var/log/*/access.log', false],
  ['/var/log/*hidden', false],
  ['/var/log/.*hidden', true],
  ['/var/log/linked.log', true],
  ['/var/log/dangling.log', false],
  ['/var/log/auth.log/x', false],
  ['/none/*', false],
  // Nobody knows from where.
  ['auth.log', true],
])('%s', async (pattern, isThere) => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'var/log/apache2'), { recursive: true })
  for (const name of ['auth.log', 'apache2/error.log', '.hidden'])
    writeFileSync(join(root, 'var/log', name), '')
  // As in the tree, not as on this machine.
  symlinkSync('/var/log/auth.log', join(root, 'var/log/linked.log'))
  symlinkSync('/var/log/gone.log', join(root, 'var/log/dangling.log'))
  expect(await findMissing(root, [pattern])).toEqual(new Set(isThere ? [] : [pattern]))
})
