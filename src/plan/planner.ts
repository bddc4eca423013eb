import { findDependencyProblems } from '../policy/dependencies.ts'
import { type Desired, desire } from '../policy/desired.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { fail2banFaults } from '../policy/fail2ban-faults.ts'
import { findRelease } from '../policy/find-release.ts'
import { JAIL_PATH, overriddenOptions } from '../policy/jail.ts'
import { LEGACY_FILES } from '../policy/legacy-bans.ts'
import type { Release } from '../policy/release.ts'
import { isError, type Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { managedFiles, planFile, planHostsDeny, planLogs } from './file-steps.ts'
import { planOwned } from './owned-files.ts'
import type { Plan, RemoveStep, Step, WriteStep } from './plan.ts'
import { planHandOver, planLegacyRemoval, planServices, planUnload } from './services.ts'
import { planTimerStarts, planTimerStops } from './timers.ts'
import { planUnbans } from './unban-protected.ts'
import { findBlockedSteps, findUnwritable } from './unwritable.ts'

/** The result for settings and facts: the plan, or why there is none. */
export type Judgement =
  | {
      /** portsentry is neither installed nor available, or not supported: the problem says which. */
      readonly kind: 'unknown-release'
      readonly release: null
      readonly desired: null
      readonly plan: null
      readonly problems: readonly Problem[]
    }
  | {
      /** One of the problems is an error. */
      readonly kind: 'blocked'
      readonly release: Release
      readonly desired: Desired
      readonly plan: null
      readonly problems: readonly Problem[]
    }
  | {
      readonly kind: 'assessed'
      readonly release: Release
      readonly desired: Desired
      readonly plan: Plan
      /** Warnings. */
      readonly problems: readonly Problem[]
    }

export const notLookedAt = (message: string): Problem => ({
  severity: 'warning',
  code: 'not-looked-at',
  message,
  hint: 'run portward as root on the server itself to check this',
  at: { path: 'portward' },
})

const unreadableFiles = ({ unreadable }: Facts): Problem[] =>
  [...unreadable].map(([path, { message, hint }]) => ({
    severity: 'error',
    code: 'unreadable',
    message,
    hint,
    at: { path },
  }))

const planInstallation = (desired: Desired, facts: Facts): { steps: Step[]; inexact: string[] } => {
  const missing = desired.packages.filter((name) => !facts.packages.has(name))
  if (missing.length === 0 || facts.live === null) return { steps: [], inexact: [] }
  if (facts.assumedRelease !== undefined) {
    const { title } = desired.release
    const guess =
      facts.portsentry === null ? [`that it would install ${title} is a guess based on Debian's version`] : []
    return {
      steps: [],
      inexact: [
        'apt has no package lists, so it is unknown what it would install: run apt-get update',
        ...guess,
      ],
    }
  }
  if (facts.installs === null) {
    return { steps: [], inexact: [`apt cannot install ${missing.join(', ')}: run apt-get update`] }
  }
  const steps: Step[] = []
  if (desired.selections.length > 0) steps.push({ kind: 'preseed', selections: desired.selections })
  steps.push({ kind: 'install', requested: missing, packages: facts.installs })
  return { steps, inexact: [] }
}

/** The facts as they will be after these changes: the files and logs with which fail2ban is going to start. */
const factsAfter = (facts: Facts, { logs }: Desired, changes: readonly (WriteStep | RemoveStep)[]): Facts => {
  const files = new Map(facts.files)
  for (const step of changes) {
    const stock = { mode: 0o644, uid: 0, gid: 0, modifiedMs: 0 }
    if (step.kind === 'remove') files.delete(step.path)
    else files.set(step.path, { ...(files.get(step.path) ?? stock), text: step.after })
  }
  const missingLogs = new Set([...facts.missingLogs].filter((pattern) => !logs.includes(pattern)))
  return { ...facts, files, missingLogs }
}

const isLegacy = ({ path }: WriteStep | RemoveStep): boolean => LEGACY_FILES.includes(path)

/** Settings + facts → everything that has to be done, or why it cannot be done. Pure. */
export const plan = (settings: Settings, facts: Facts): Judgement => {
  const release = findRelease(facts)
  if ('code' in release) {
    return { kind: 'unknown-release', release: null, desired: null, plan: null, problems: [release] }
  }
  const { desired, problems: desiredProblems } = desire(settings, facts, release)
  const blocked = (problems: readonly Problem[]): Judgement => ({
    kind: 'blocked',
    release,
    desired,
    plan: null,
    problems,
  })
  if (desiredProblems.some(isError)) return blocked(desiredProblems)
  const installation = planInstallation(desired, facts)
  const files = managedFiles(desired).map((file) => planFile(file, desired, facts))
  const edits = [...files.map(({ step }) => step), planHostsDeny(desired, facts)].filter(
    (step) => step !== null,
  )
  // Files that portward writes as a whole are long: their diff comes last.
  const writes = [...edits, ...planOwned(desired, facts)]
  const jailText = edits.find(({ path }) => path === JAIL_PATH)?.after ?? fileText(facts, JAIL_PATH) ?? ''
  const changesList = edits.some(({ path }) => path === release.ignorePath)
  const dependencies = settings.observeOnly
    ? []
    : findDependencyProblems(
        facts,
        release,
        desired.protectedNetworks,
        settings.locations.get('WHITELIST') ?? { path: settings.path },
        changesList,
      )
  const fileProblems = [
    ...unreadableFiles(facts),
    ...desiredProblems,
    ...dependencies,
    ...files.flatMap((file) => file.problems),
  ]
  // If the jail file cannot be read, all options of other files would seem to override it.
  const overridden = fileProblems.some(isError) ? [] : overriddenOptions(facts, desired.jails, jailText)
  const faults = fail2banFaults(factsAfter(facts, desired, writes))
  const knownProblems = [
    ...fileProblems,
    ...overridden,
    ...faults,
    ...facts.notes.map((message) => notLookedAt(message)),
  ]
  if (knownProblems.some(isError)) return blocked(knownProblems)
  const { root, wrapped, live } = facts
  const inexact = [...installation.inexact, ...facts.unknown]
  // Without the stock files the edits would be guesses: the plan then lists the settings instead.
  const changes: Step[] =
    inexact.length > 0
      ? []
      : [
          // While their unit files still exist.
          ...planTimerStops(desired, facts),
          ...planHandOver(desired, facts),
          ...(desired.banSet === null ? planUnload(desired, facts) : []),
          ...planLogs(desired, facts),
          ...writes.filter((step) => !isLegacy(step)),
          ...(live === null ? [] : planServices(desired, facts, live, writes)),
          ...planTimerStarts(desired, facts, writes),
          // No ban ends before the ban set is loaded and both daemons use it. As long as its files exist, the old unit would
          // remove the rules of both when it stops.
          ...writes.filter(isLegacy),
          ...planLegacyRemoval(desired, facts),
          ...(live === null ? [] : planUnbans(desired, facts, live)),
        ]
  const problems = [...knownProblems, ...findBlockedSteps(changes, facts), ...findUnwritable(desired, facts)]
  if (problems.some(isError)) return blocked(problems)
  return {
    kind: 'assessed',
    release,
    desired,
    plan: { root, desired, steps: [...installation.steps, ...changes], wrapped, inexact },
    problems,
  }
}
