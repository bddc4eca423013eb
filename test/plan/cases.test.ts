import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { applyPlan } from '../../src/host/apply.ts'
import { readFacts } from '../../src/host/facts.ts'
import { renderDiff } from '../../src/plan/diff.ts'
import { isInSync, type Plan } from '../../src/plan/plan.ts'
import { plan } from '../../src/plan/planner.ts'
import { FIREWALL_CONF, FIREWALL_PATHS } from '../../src/policy/firewall.ts'
import { parseSettings } from '../../src/settings/settings.ts'
import { copyOf, fixtures } from '../tree.ts'

const cases = join(fixtures, 'cases')
const TEMPLATES = new Set(FIREWALL_PATHS.filter((path) => path !== FIREWALL_CONF))
const hasPatch = existsSync('/usr/bin/patch')
if (!hasPatch)
  console.warn('SKIPPED: GNU patch is not installed, so no diff is applied - apt-get install patch')

const planFor = async (root: string, config: string): Promise<Plan> => {
  const { settings, problems } = parseSettings(config, {}, 'config.env')
  if (settings === null) throw new Error(JSON.stringify(problems))
  const result = plan(settings, await readFacts(root, settings))
  if (result.plan === null) throw new Error(JSON.stringify(result.problems))
  return result.plan
}

const silent = { step: () => {}, confirming: () => {}, undoing: () => {} }

const filesOf = (tree: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(tree, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(tree.length), readFileSync(path, 'latin1')]),
  )

/** Without the files that are templates as they stand: what they say is not the case's business. */
const withoutTemplates = (steps: Plan['steps']): Plan['steps'] =>
  steps.filter((step) => step.kind !== 'write' || !TEMPLATES.has(step.path))

it.each(readdirSync(cases))(
  '%s: the diff is as expected, patch and apply do the same, a second plan is empty',
  async (name) => {
    const config = readFileSync(join(cases, name, 'config.env'), 'utf8')
    const root = copyOf(join(cases, name, 'root'))
    const first = await planFor(root, config)
    const diff = first.steps.map(renderDiff).join('')
    const shown = withoutTemplates(first.steps).map(renderDiff).join('')
    await expect(Buffer.from(shown, 'latin1').toString('latin1')).toMatchFileSnapshot(
      join(cases, name, 'expected.patch'),
    )

    await applyPlan(first, silent, async () => undefined, new AbortController().signal)
    expect(isInSync(await planFor(root, config))).toBe(true)
    if (!hasPatch || diff === '') return
    const patched = copyOf(join(cases, name, 'root'))
    execFileSync('patch', ['-p1', '--quiet', '-d', patched], { input: Buffer.from(diff, 'latin1') })
    expect(filesOf(patched)).toEqual(filesOf(root))
  },
)
