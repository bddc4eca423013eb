import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ApplyProgress, applyPlan } from '../../src/apply/apply-plan.ts'
import { readFacts } from '../../src/assessment/read-facts.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { plan } from '../../src/plan/planner.ts'
import { parseSettings } from '../../src/settings/settings.ts'
import { copyOf, fixtures } from '../tree.ts'

const directory = join(fixtures, 'cases')
const FRESH = 'fresh'

const directoriesIn = (parent: string): string[] =>
  readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

/** Every case of fixtures/cases, as RELEASE/NAME. */
export const CASES: readonly string[] = directoriesIn(directory).flatMap((release) =>
  directoriesIn(join(directory, release)).map((name) => join(release, name)),
)

export const configOf = (name: string): string => readFileSync(join(directory, name, 'config.env'), 'utf8')

export const patchOf = (name: string): string => join(directory, name, 'expected.patch')

/** The plan for a tree; throws where there is none. */
export const planFor = async (root: string, config: string): Promise<Plan> => {
  const { settings, problems } = parseSettings(config, {}, 'config.env')
  if (settings === null) throw new Error(JSON.stringify(problems))
  const result = plan(settings, await readFacts(root, settings))
  if (result.plan === null) throw new Error(JSON.stringify(result.problems))
  return result.plan
}

const silent: ApplyProgress = { step: (_, work) => work(), confirming: (work) => work() }

export const carryOut = (made: Plan): Promise<unknown> =>
  applyPlan(made, silent, async () => undefined, new AbortController().signal)

/** What portward writes on a release's fresh server; the case of that name shows it. */
const provisioning = new Map<string, Promise<Plan>>()

/**
 * The server of a case before its plan, in a directory that goes away with the test: the release's fresh server; for any other
 * case, what portward makes of that one, with the files of the case on top.
 */
export const treeOf = async (name: string): Promise<string> => {
  const fresh = join(name, '..', FRESH)
  const root = copyOf(join(directory, fresh, 'root'))
  if (name === fresh) return root
  const provisioned = provisioning.get(fresh) ?? planFor(root, configOf(fresh))
  provisioning.set(fresh, provisioned)
  for (const step of (await provisioned).steps) {
    if (step.kind !== 'write' && step.kind !== 'touch') continue
    const path = join(root, step.path)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, step.kind === 'write' ? step.after : '', 'latin1')
  }
  const files = join(directory, name, 'root')
  if (existsSync(files)) cpSync(files, root, { recursive: true })
  return root
}
