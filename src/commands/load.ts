import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readFacts } from '../host/facts.ts'
import { readFileState } from '../host/files.ts'
import { HostError } from '../host/host-error.ts'
import { type PlanResult, plan } from '../plan/planner.ts'
import type { Facts } from '../policy/facts.ts'
import { isError, type Problem } from '../problem.ts'
import { parseSettings, type Settings } from '../settings/settings.ts'
import type { GlobalOptions } from './output.ts'

export interface Loaded {
  readonly root: string
  /** Null where config.env has errors. */
  readonly settings: Settings | null
  readonly facts: Facts | null
  readonly plan: PlanResult['plan']
  /** All of them: config.env's and the plan's. */
  readonly problems: readonly Problem[]
  /** Whether the errors are config.env's own. */
  readonly badConfiguration: boolean
}

const configPath = ({ config, root }: GlobalOptions): string =>
  resolve(config ?? process.env['PORTWARD_CONFIG'] ?? join(root, '/root/config.env'))

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

const loadSettings = async (
  path: string,
): Promise<{ settings: Settings | null; problems: readonly Problem[] }> => {
  const file = await readFileState('/', path)
  if (file === null) {
    const hint = 'write LAN_IP=… and LAN_NM=… into it, or name another file with --config'
    return {
      settings: null,
      problems: [{ severity: 'error', code: 'no-config', message: 'does not exist', hint, at: { path } }],
    }
  }
  const owner = checkOwner(path, file)
  const { settings, problems } = parseSettings(file.text, process.env, path)
  return { settings: owner.length > 0 ? null : settings, problems: [...owner, ...problems] }
}

/** A tree that is not there is a mistake in the command line, not an empty server. */
const expectDirectory = async (root: string): Promise<void> => {
  const isDirectory = await stat(root).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
  if (!isDirectory) throw new HostError(`${root} is not a directory`, 'give --root the tree to work on')
}

/** config.env, the facts of the server or tree, and the plan that follows. Changes nothing. */
export const load = async (options: GlobalOptions): Promise<Loaded> => {
  const root = resolve(options.root)
  await expectDirectory(root)
  const { settings, problems } = await loadSettings(configPath({ ...options, root }))
  if (settings === null) return { root, settings, facts: null, plan: null, problems, badConfiguration: true }
  const facts = await readFacts(root, settings)
  const result = plan(settings, facts)
  const all = [...problems, ...result.problems]
  const ownPlaces = new Set([...settings.places.values()].map(({ path }) => path))
  const badConfiguration = result.problems.filter(isError).some(({ at }) => ownPlaces.has(at.path))
  return { root, settings, facts, plan: result.plan, problems: all, badConfiguration }
}
