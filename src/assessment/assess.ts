import { join, resolve } from 'node:path'
import {
  describeUnfinished,
  findPending,
  findUnfinished,
  type Unfinished,
} from '../generations/unfinished.ts'
import { type Judgement, plan } from '../plan/planner.ts'
import { type PendingConfirmation, pendingProblem } from '../policy/confirmation.ts'
import type { Facts } from '../policy/facts.ts'
import { findRelease } from '../policy/find-release.ts'
import type { Release } from '../policy/release.ts'
import { isError, type Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import { parseSettings, type Settings } from '../settings/settings.ts'
import { type FileState, readFileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { STATE } from '../system/lock.ts'
import { findOtherOwnerAbove, resolveInRoot } from '../system/paths.ts'
import { activity } from '../system/progress.ts'
import { type FactOptions, readFacts } from './read-facts.ts'

interface Common {
  readonly root: string
  /** An apply that waits for confirmation; the first of the problems reports it. */
  readonly pending: PendingConfirmation | null
  /** Those of the problems that report an apply or rollback which is not over. */
  readonly unfinished: readonly Problem[]
  /** All of them: config.env's, the server's and the plan's. */
  readonly problems: readonly Problem[]
  /** The text of config.env; null if it does not exist, or could not be read. */
  readonly configText: string | null
  /** Those of them that come from config.env alone. */
  readonly configProblems: readonly Problem[]
  /** Why the release is unknown; null if it is known. */
  readonly releaseProblem: Problem | null
  /** Whether config.env is the reason that no plan could be made. */
  readonly isConfigurationWrong: boolean
}

/**
 * The facts of a server or tree, read once and judged once by config.env. Every command starts from it; no command reads a file,
 * finds the release or computes the desired state again.
 *
 * `wrong-configuration`: config.env has errors or does not exist; the facts are those that its defaults would need.
 * `unknown-release`: portsentry is not available, or not a supported one. `blocked`: a problem prevents a plan.
 */
export type Assessment =
  | (Common & {
      readonly kind: 'wrong-configuration'
      readonly settings: null
      readonly facts: Facts
      readonly release: Release | null
      readonly desired: null
      readonly plan: null
    })
  | (Common & { readonly settings: Settings; readonly facts: Facts } & Judgement)

type Environment = Readonly<Record<string, string | undefined>>

/** What to assess: the options that are the same for all commands. */
export interface Subject {
  readonly root: string
  /** The release of a tree that is a copy of /etc and does not show it. */
  readonly release?: string
  /** The path of config.env. */
  readonly config?: string
  readonly terminal: { readonly env: Environment }
}

/** Where config.env is. */
interface ConfigFile {
  /** Links are followed below this: a tree's own config.env must not lead out of the tree. */
  readonly root: string
  readonly path: string
}

/** An empty PORTWARD_CONFIG counts as not set. */
export const namedConfig = ({ config, terminal }: Subject): string | undefined =>
  config ?? (terminal.env['PORTWARD_CONFIG'] || undefined)

export const locate = (options: Subject): ConfigFile => {
  const { root } = options
  const named = namedConfig(options)
  return named === undefined ? { root, path: '/root/config.env' } : { root: '/', path: resolve(named) }
}

/** Problems with the owner or mode of config.env: a user who can write it decides what root does. */
const checkOwner = (path: string, { uid, mode }: { uid: number; mode: number }): Problem[] => {
  if (process.getuid?.() !== 0) return []
  const at = { path }
  const problems: Problem[] = []
  const severity = 'error'
  if (uid !== 0) {
    const message = `belongs to user ${uid}, who could change what root does here`
    problems.push({ severity, code: 'config-owner', message, hint: `chown root: ${path}`, at })
  }
  if ((mode & 0o022) !== 0) {
    const message = `can be changed by users other than root (mode ${mode.toString(8)})`
    problems.push({ severity, code: 'config-mode', message, hint: `chmod go-w ${path}`, at })
  }
  return problems
}

/** On a live server: a user who can replace the file can decide what root does. */
const checkLocation = async ({ root, path }: ConfigFile): Promise<Problem[]> => {
  if (process.getuid?.() !== 0) return []
  const owner = await findOtherOwnerAbove(await resolveInRoot(root, path))
  if (owner === null) return []
  const message = `could be replaced by users other than root: ${owner.who}`
  const at = { path: join(root, path) }
  return [{ severity: 'error', code: 'config-place', message, hint: `keep it in /root, or ${owner.fix}`, at }]
}

/** A word as a shell reads it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** The options that name this server or tree and its config.env, for a command that somebody is to run. */
export const namingOptions = ({ config, root, release }: Omit<Subject, 'terminal'>): string[] => [
  ...(config === undefined ? [] : ['--config', quoted(config)]),
  ...(root === '/' ? [] : ['--root', quoted(root)]),
  ...(release === undefined ? [] : ['--release', quoted(release)]),
]

const unreadable = (path: string, code: ProblemCode, message: string, hint: string): Problem => ({
  severity: 'error',
  code,
  message,
  hint,
  at: { path },
})

interface LoadedSettings {
  readonly text: string | null
  readonly settings: Settings | null
  readonly problems: readonly Problem[]
}

const loadSettings = async (
  config: ConfigFile,
  env: Environment,
  isLive: boolean,
): Promise<LoadedSettings> => {
  const path = join(config.root, config.path)
  let file: FileState | null
  try {
    file = await readFileState(config.root, config.path)
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return {
      text: null,
      settings: null,
      problems: [unreadable(path, 'bad-config', error.message, error.hint)],
    }
  }
  if (file === null) {
    // The hint needs the facts: see withProposal.
    return { text: null, settings: null, problems: [unreadable(path, 'no-config', 'does not exist', '')] }
  }
  const owner = [...checkOwner(path, file), ...(isLive ? await checkLocation(config) : [])]
  const { settings, problems } = parseSettings(file.text, env, path)
  return { text: file.text, settings: owner.length > 0 ? null : settings, problems: [...owner, ...problems] }
}

const interruption = (unfinished: Unfinished): Problem => ({
  severity: 'warning',
  code: unfinished.isRunning ? 'at-work' : 'interrupted',
  message: `${describeUnfinished(unfinished)}: what follows is about a server in the middle of it`,
  hint: unfinished.isRunning
    ? 'wait until it has finished'
    : 'portward apply or portward rollback takes care of it first',
  at: { path: STATE },
})

/** The settings of an empty config.env. */
const defaultSettings = (path: string): Settings => {
  const { settings } = parseSettings('', {}, path)
  if (settings === null) throw new Error('an empty config.env must be right')
  return settings
}

/** Whether a problem is about config.env, or about the environment, which overrides it. */
const isAboutConfig = ({ at }: Problem, { path, locations }: Settings): boolean =>
  at.path === path || [...locations.values()].some((location) => location.path === at.path)

/** Paths of a tree's files are shown with its root, not as if they were this machine's. */
const inTree = (root: string, settings: Settings, problem: Problem): Problem =>
  root === '/' || isAboutConfig(problem, settings) || !problem.at.path.startsWith('/')
    ? problem
    : { ...problem, at: { ...problem.at, path: join(root, problem.at.path) } }

type Judged = Pick<Common, 'root' | 'pending' | 'unfinished'> & { readonly facts: Facts }

/** Judges facts by config.env. */
const judge = (
  { root, facts, pending, unfinished }: Judged,
  { text, settings, problems: given }: LoadedSettings,
): Assessment => {
  const common = { root, facts, pending, unfinished, configText: text, configProblems: given }
  const known = [...unfinished, ...given]
  if (settings === null) {
    const found = findRelease(facts)
    return {
      ...common,
      ...{ kind: 'wrong-configuration', settings, desired: null, plan: null, isConfigurationWrong: true },
      ...('code' in found
        ? { release: null, releaseProblem: found, problems: [...known, found] }
        : { release: found, releaseProblem: null, problems: known }),
    }
  }
  const judgement = plan(settings, facts)
  const isConfigurationWrong = judgement.problems.some((one) => isError(one) && isAboutConfig(one, settings))
  return {
    ...judgement,
    ...common,
    settings,
    releaseProblem: judgement.kind === 'unknown-release' ? (judgement.problems[0] ?? null) : null,
    problems: [...known, ...judgement.problems.map((problem) => inTree(root, settings, problem))],
    isConfigurationWrong,
  }
}

/** Says in the problem that there is no config.env what `portward init` would write. */
const withProposal = async (
  loaded: LoadedSettings,
  options: Subject,
  facts: Facts,
): Promise<LoadedSettings> => {
  const { problems } = loaded
  if (!problems.some(({ code }) => code === 'no-config')) return loaded
  const { describeInit } = await import('../policy/proposed-config.ts')
  const command = ['portward init', ...namingOptions(options)].join(' ')
  // Of this server only the files were read: the networks are not unknown.
  const isUnread = facts.root === '/' && facts.live === null
  const which = isUnread ? '' : `, which ${describeInit(facts)};`
  const hint = `run ${command}${which} or name another file with --config`
  return {
    ...loaded,
    problems: problems.map((problem) => (problem.code === 'no-config' ? { ...problem, hint } : problem)),
  }
}

const look = async (options: Subject, scope: Omit<FactOptions, 'release'>): Promise<Assessment> => {
  const { root, release } = options
  const isLive = root === '/'
  const config = locate(options)
  const loading = loadSettings(config, options.terminal.env, isLive)
  const reading = loading.then(({ settings }) =>
    readFacts(root, settings ?? defaultSettings(config.path), {
      ...scope,
      ...(release === undefined ? {} : { release }),
    }),
  )
  const [loaded, facts, unfinished, pending] = await Promise.all([
    loading,
    reading,
    isLive ? findUnfinished() : null,
    isLive ? findPending() : null,
  ])
  const reports = [
    ...(pending === null ? [] : [pendingProblem(pending)]),
    ...(unfinished === null ? [] : [interruption(unfinished)]),
  ]
  return judge({ root, facts, pending, unfinished: reports }, await withProposal(loaded, options, facts))
}

/** Reads config.env and the server or tree, and judges them. Changes nothing. Throws HostError if reading fails. */
export const assess = (options: Subject, scope: Omit<FactOptions, 'release'> = {}): Promise<Assessment> =>
  activity(options.root === '/' ? 'reading this server' : `reading ${options.root}`, () =>
    look(options, scope),
  )

/** The same server or tree as it would be judged if config.env had this text. Reads nothing. */
export const assessText = (assessment: Assessment, text: string, options: Subject): Assessment => {
  const { root, path } = locate(options)
  return judge(assessment, { text, ...parseSettings(text, options.terminal.env, join(root, path)) })
}

/** Why config.env must not be written to this place: root would follow what others put there. Throws HostError. */
export const checkPlace = (options: Subject): Promise<readonly Problem[]> => checkLocation(locate(options))
