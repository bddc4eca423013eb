import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { renderDiff } from '../../src/plan/diff.ts'
import { isInSync, type Step } from '../../src/plan/plan.ts'
import { planAsJson } from '../../src/plan/render.ts'
import { ACTION, LOADER } from '../../src/policy/ban-set.ts'
import { NOTIFY_ACTION } from '../../src/policy/notifications.ts'
import { document } from '../commands/plan-document.ts'
import { faults } from '../documents.ts'
import { contentsOf, copyOf } from '../tree.ts'
import { CASES, carryOut, configOf, patchOf, planFor, treeOf } from './cases.ts'

const TEMPLATES: ReadonlySet<string> = new Set([LOADER, ACTION, NOTIFY_ACTION])
const hasPatch = existsSync('/usr/bin/patch')
if (!hasPatch)
  console.warn('SKIPPED: GNU patch is not installed, so no diff is applied - apt-get install patch')

/** What expected.patch says of a step. Of templates, that they come or go: what they say is not the case's business. */
const shownOf = (step: Step): string => {
  const diff = renderDiff(step)
  const isTemplate = (step.kind === 'write' || step.kind === 'remove') && TEMPLATES.has(step.path)
  return isTemplate ? diff.replace(/^--- [\s\S]*/m, '') : diff
}

it.each(CASES)(
  '%s: the diff is as expected and the JSON as the schema says, patch and apply do the same, a second plan is empty',
  async (name) => {
    const config = configOf(name)
    const root = await treeOf(name)
    const patched = copyOf(root)
    const { steps, ...first } = await planFor(root, config)
    await expect(steps.map(shownOf).join('')).toMatchFileSnapshot(patchOf(name))

    expect(faults(document({ ...planAsJson({ ...first, steps }), problems: [] }))).toBe('')
    await carryOut({ ...first, steps })
    expect(isInSync(await planFor(root, config))).toBe(true)
    const diff = steps.map(renderDiff).join('')
    if (!hasPatch || diff === '') return
    execFileSync('patch', ['-p1', '--quiet', '-d', patched], { input: Buffer.from(diff, 'latin1') })
    expect(contentsOf(patched)).toEqual(contentsOf(root))
  },
)
