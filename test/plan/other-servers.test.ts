import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readFacts } from '../../src/assessment/read-facts.ts'
import { renderDiff } from '../../src/plan/diff.ts'
import { isInSync } from '../../src/plan/plan.ts'
import { findRelease } from '../../src/policy/find-release.ts'
import { fixtures } from '../tree.ts'
import { carryOut, configOf, planFor, treeOf } from './cases.ts'
import { settingsOf } from './live.ts'

/** A server of another distribution, and the Debian whose layout of the packages it has in this test. */
const SERVERS = [
  ['ubuntu-24.04', 'debian-12'],
  ['ubuntu-26.04', 'debian-13'],
  ['ubuntu-26.04', 'debian-testing'],
  ['raspberry-pi-os-12', 'debian-12'],
  ['raspberry-pi-os-13', 'debian-13'],
] as const

/** Package versions that others than Debian built again. */
const rebuilt = (status: string): string =>
  status.replace(/^(Version: 1\.[02]\S*?)(?:\+b\d+)?$/gm, '$1ubuntu1')

it.each(SERVERS)('%s is planned for as %s: by its packages', async (name, debian) => {
  const config = configOf(join(debian, 'fresh'))
  const expected = await planFor(await treeOf(join(debian, 'fresh')), config)

  const root = await treeOf(join(debian, 'fresh'))
  cpSync(join(fixtures, 'other-servers', name), root, { recursive: true })
  const made = await planFor(root, config)
  expect(made.steps.map(renderDiff)).toEqual(expected.steps.map(renderDiff))
  await carryOut(made)
  expect(isInSync(await planFor(root, config))).toBe(true)
})

it.each(SERVERS)('%s: the release of %s by packages that were built again', async (_, debian) => {
  const root = await treeOf(join(debian, 'fresh'))
  const status = readFileSync(join(root, 'var/lib/dpkg/status'), 'latin1')
  const facts = await readFacts(root, settingsOf(''))
  const version = /^Package: portsentry\n(?:.+\n)*?Version: (.*)$/m.exec(rebuilt(status))?.[1] ?? ''
  const found = findRelease({ ...facts, portsentry: { version, files: facts.portsentry?.files ?? null } })
  expect(found).toMatchObject({ name: (findRelease(facts) as { name: string }).name })
})
