import { join, resolve } from 'node:path'
import { readFacts } from '../host/facts.ts'
import { readFileState } from '../host/files.ts'
import { STATE } from '../host/generations/record.ts'
import {
  describeUnfinished,
  findPending,
  findUnfinished,
  type Unfinished,
} from '../host/generations/transaction.ts'
import { HostError } from '../host/host-error.ts'
import { findMasterAbove, resolveInRoot } from '../host/paths.ts'
import { type PlanResult, plan } from '../plan/planner.ts'
import { type PendingConfirmation, pendingProblem } from '../policy/confirmation.ts'
import type { Facts, FileState } from '../policy/facts.ts'
import { findRelease } from '../policy/find-release.ts'
import type { Release } from '../policy/release.ts'
import { isError, type Problem } from '../problem.ts'
import { parseSettings, type Settings } from '../settings/settings.ts'
import { EXIT, type GlobalOptions } from './output.ts'

export interface Loaded {
  readonly root: string
  /** Null where config.env has errors. */
  readonly settings: Settings | null
  readonly facts: Facts | null
  readonly release: Release | null
  readonly plan: PlanResult['plan']
  /** An apply that is to be confirmed, of which the first of the problems speaks. */
  readonly pending: PendingConfirmation | null
  /** All of them: config.env's and the plan's. */
  readonly problems: readonly Problem[]
  /** The exit code where no plan could be made: by whether the errors are config.env's own. */
  readonly failure: number
}

/** Where config.env is. */
interface ConfigFile {
  /** Links are followed below this: a tree's own config.env must not lead out of the tree. */
  readonly root: string
  readonly path: string
}

export const locate = ({ config, root }: GlobalOptions): ConfigFile => {
  const named = config ?? process.env['PORTWARD_CONFIG']
  return named === undefined ? { root, path: '/root/config.env' } : { root: '/', path: resolve(named) }
}

/** Who else could decide what root is about to do? */
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
    const message = `may be written by others than root (mode ${mode.toString(8)})`
    problems.push({ severity, code: 'config-mode', message, hint: `chmod go-w ${path}`, at })
  }
  return problems
}

/** Of a live server: whoever can put another file there decides, too. */
const checkPlace = async ({ root, path }: ConfigFile): Promise<Problem[]> => {
  if (process.getuid?.() !== 0) return []
  const master = await findMasterAbove(await resolveInRoot(root, path))
  if (master === null) return []
  const message = `could be replaced by others than root: ${master.who}`
  const at = { path: join(root, path) }
  return [
    { severity: 'error', code: 'config-place', message, hint: `keep it in /root, or ${master.cure}`, at },
  ]
}

const unreadable = (path: string, code: string, message: string, hint: string): Problem => ({
  severity: 'error',
  code,
  message,
  hint,
  at: { path },
})

interface LoadedSettings {
  readonly settings: Settings | null
  readonly problems: readonly Problem[]
}

const loadSettings = async (config: ConfigFile, isLive: boolean): Promise<LoadedSettings> => {
  const path = join(config.root, config.path)
  let file: FileState | null
  try {
    file = await readFileState(config.root, config.path)
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { settings: null, problems: [unreadable(path, 'bad-config', error.message, error.hint)] }
  }
  if (file === null) {
    const hint =
      'write LAN_IP=… and LAN_NM=… into it (nothing on a server without a LAN), or name another file with --config'
    return { settings: null, problems: [unreadable(path, 'no-config', 'does not exist', hint)] }
  }
  const owner = [...checkOwner(path, file), ...(isLive ? await checkPlace(config) : [])]
  const { settings, problems } = parseSettings(file.text, process.env, path)
  return { settings: owner.length > 0 ? null : settings, problems: [...owner, ...problems] }
}

const interruption = (unfinished: Unfinished): Problem => ({
  severity: 'warning',
  code: unfinished.isAtWork ? 'at-work' : 'interrupted',
  message: `${describeUnfinished(unfinished)}: what follows is about a server in the middle of it`,
  hint: unfinished.isAtWork
    ? 'wait until it has finished'
    : 'portward apply or portward rollback puts it back first',
  at: { path: STATE },
})

/** config.env, the facts of the server or tree, and the plan that follows. Changes nothing. */
export const load = async (options: GlobalOptions): Promise<Loaded> => {
  const { root } = options
  const [{ settings, problems: given }, unfinished, pending] = await Promise.all([
    loadSettings(locate(options), root === '/'),
    root === '/' ? findUnfinished() : null,
    root === '/' ? findPending() : null,
  ])
  const problems = [
    ...(pending === null ? [] : [pendingProblem(pending)]),
    ...(unfinished === null ? [] : [interruption(unfinished)]),
    ...given,
  ]
  if (settings === null) {
    return {
      root,
      settings,
      facts: null,
      release: null,
      plan: null,
      pending,
      problems,
      failure: EXIT.configuration,
    }
  }
  const facts = await readFacts(root, settings, options.release)
  const result = plan(settings, facts)
  // A tree's files are told by where they are, not as if they were this machine's own.
  const ownPlaces = new Set([settings.path, ...[...settings.places.values()].map(({ path }) => path)])
  const inTree = ({ at, ...problem }: Problem): Problem =>
    at.path.startsWith('/') && !ownPlaces.has(at.path)
      ? { ...problem, at: { ...at, path: join(root, at.path) } }
      : { ...problem, at }
  const all = [...problems, ...(root === '/' ? result.problems : result.problems.map(inTree))]
  const badConfiguration = result.problems.filter(isError).some(({ at }) => ownPlaces.has(at.path))
  const release = findRelease(facts)
  return {
    root,
    settings,
    facts,
    release: 'code' in release ? null : release,
    plan: result.plan,
    pending,
    problems: all,
    failure: badConfiguration ? EXIT.configuration : EXIT.failed,
  }
}
