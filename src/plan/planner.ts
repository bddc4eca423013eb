import jailTemplate from '../../templates/fail2ban-jail.conf?raw'
import { parseHostsAccess } from '../documents/hosts-access.ts'
import { BANS_CONF } from '../policy/ban-set.ts'
import { findDependencyProblems } from '../policy/dependencies.ts'
import { type Desired, desire } from '../policy/desired.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { fail2banFaults } from '../policy/fail2ban-faults.ts'
import { findRelease } from '../policy/find-release.ts'
import { JAIL_PATH, overriddenOptions } from '../policy/jail.ts'
import { LEGACY_FILES } from '../policy/legacy-bans.ts'
import { findLenientRules, portsentryWritesHostsDeny } from '../policy/lenient-rules.ts'
import type { Release } from '../policy/release.ts'
import { isError, type Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { type Rewrite, rewriteHostsAllow, rewriteHostsDeny, rewriteJails, rewriteModes } from './files.ts'
import { purposeOf } from './owned-files.ts'
import type { Plan, RemoveStep, Step, TouchStep, WriteStep } from './plan.ts'
import { rewriteConf } from './rewrite-conf.ts'
import { rewriteIgnoreList } from './rewrite-ignore-list.ts'
import { planHandOver, planLegacyRemoval, planServices, planUnload } from './services.ts'
import { planUnbans } from './unban-protected.ts'
import { findBlockedSteps, findUnwritable } from './unwritable.ts'

const HOSTS_ALLOW = '/etc/hosts.allow'
const HOSTS_DENY = '/etc/hosts.deny'

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

interface ManagedFile {
  readonly path: string
  readonly rewrite: (text: string, desired: Desired) => Rewrite
  /** The content to start from if the file does not exist; undefined: a missing file is a problem. */
  readonly initial?: string
}

/** Every configuration file that apply may edit, in that order. */
const managedFiles = ({ release }: Desired): ManagedFile[] => {
  const { modesPath } = release
  const modes: ManagedFile[] =
    modesPath === null
      ? []
      : [{ path: modesPath, rewrite: (text, desired) => rewriteModes(modesPath, text, desired), initial: '' }]
  return [
    ...modes,
    { path: release.confPath, rewrite: rewriteConf },
    { path: HOSTS_ALLOW, rewrite: rewriteHostsAllow, initial: '' },
    { path: release.ignorePath, rewrite: rewriteIgnoreList, initial: '' },
    { path: JAIL_PATH, rewrite: rewriteJails, initial: jailTemplate },
  ]
}

/** Why the backend and target were chosen: shown only by the plan that chooses them. */
const notesOn = (before: string | null, after: string, { banSetNotes }: Desired): readonly string[] => {
  const choice = (text: string) => /^backend = .*\ntarget = .*$/m.exec(text)?.[0]
  return before !== null && choice(before) === choice(after) ? [] : banSetNotes
}

/** Files that portward writes as a whole, or removes. */
const planOwned = (desired: Desired, facts: Facts): (WriteStep | RemoveStep)[] =>
  [...desired.ownedFiles].flatMap(([path, wanted]): (WriteStep | RemoveStep)[] => {
    const before = fileText(facts, path) ?? null
    // A copy of /etc has no files outside of /etc.
    const isElsewhere = facts.inferredRelease !== undefined && !path.startsWith('/etc/')
    if (before === wanted || (isElsewhere && before === null)) return []
    if (wanted !== null) {
      return [
        {
          kind: 'write',
          path,
          before,
          after: wanted,
          mode: 0o644,
          fromPackage: false,
          reasons: [purposeOf(path), ...(path === BANS_CONF ? notesOn(before, wanted, desired) : [])],
        },
      ]
    }
    return before === null ? [] : [{ kind: 'remove', path, before, reasons: ['not needed here any more'] }]
  })

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

const missingFile = (path: string, packageName: string): Problem => ({
  severity: 'error',
  code: 'missing-file',
  message: 'is missing, although its package is installed',
  hint: `apt-get install --reinstall -o Dpkg::Options::=--force-confmiss ${packageName}`,
  at: { path },
})

const planFile = (
  file: ManagedFile,
  desired: Desired,
  facts: Facts,
): { step: WriteStep | null; problems: readonly Problem[] } => {
  const state = facts.files.get(file.path)
  const start = state?.text ?? file.initial
  if (start === undefined) {
    const isMissing = facts.packages.has('portsentry')
    return { step: null, problems: isMissing ? [missingFile(file.path, 'portsentry')] : [] }
  }
  const { text, reasons, problems } = file.rewrite(start, desired)
  if (text === state?.text) return { step: null, problems }
  const step: WriteStep = {
    kind: 'write',
    path: file.path,
    before: state?.text ?? null,
    after: text,
    mode: 0o644,
    fromPackage: facts.predicted.has(file.path),
    reasons,
  }
  return { step, problems }
}

/**
 * fail2ban does not start while a jail's log is missing, and portsentry 1.2 creates its history only when it first detects
 * something: it is created here with the mode that portsentry would use.
 */
const planLogs = (desired: Desired, facts: Facts): TouchStep[] => {
  const { release, historyPath, logs, jails } = desired
  const isComing = release.packageMakesHistory && !facts.packages.has('portsentry')
  const history =
    isComing && historyPath === release.requiredKeys.get('HISTORY_FILE')
      ? []
      : [{ path: historyPath, mode: 0o600 }]
  const isRead = jails.get('portsentry')?.get('enabled') === 'true'
  const forFail2ban = ['fail2ban does not start without its log']
  return [
    ...history.map((log) => ({ ...log, reasons: isRead ? forFail2ban : ['portsentry logs scans in it'] })),
    ...logs.map((path) => ({ path, mode: 0o640, reasons: forFail2ban })),
    // portsentry 2.x appends to the file, but does not create it.
    ...(portsentryWritesHostsDeny(desired) && !desired.writesDenied
      ? [{ path: HOSTS_DENY, mode: 0o644, reasons: ['bans are written to it'] }]
      : []),
  ]
    .filter(({ path }) => !facts.files.has(path))
    .map((file) => ({ kind: 'touch', ...file }))
}

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

/** In hosts.deny only portward's bans, entries for protected hosts and a missing last newline are changed. */
const planHostsDeny = (desired: Desired, facts: Facts): WriteStep | null => {
  const before = fileText(facts, HOSTS_DENY) ?? null
  const { text, reasons } = rewriteHostsDeny(before ?? '', desired)
  if (text === (before ?? '')) return null
  const fromPackage = facts.predicted.has(HOSTS_DENY)
  return { kind: 'write', path: HOSTS_DENY, before, after: text, mode: 0o644, fromPackage, reasons }
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
    ...findLenientRules(parseHostsAccess(fileText(facts, HOSTS_ALLOW) ?? ''), desired),
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
          ...planHandOver(desired, facts),
          ...(desired.banSet === null ? planUnload(desired, facts) : []),
          ...planLogs(desired, facts),
          ...writes.filter((step) => !isLegacy(step)),
          ...(live === null ? [] : planServices(desired, facts, live, writes)),
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
