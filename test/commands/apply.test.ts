import { join } from 'node:path'
import { expect, it } from 'vitest'
import { copyOf, fixtures } from '../tree.ts'
import { portward } from './in-process.ts'

it('tells of the parts of an apply before and after its steps, too, where nobody watches', async () => {
  const { status, stderr } = await portward(
    'apply',
    '--yes',
    '--root',
    copyOf(join(fixtures, 'sample-server')),
  )
  expect(status).toBe(0)
  expect(stderr).toMatch(/^\S+ \S+ \S+ recording what will be replaced$/m)
  expect(stderr).toMatch(/ recording what was done: done in \d\.\d s\n$/)
})
