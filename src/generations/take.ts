import { access, lstat, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf, HostError } from '../host/host-error.ts'
import { readConfigured, readInstalled } from '../host/packages.ts'
import { resolveInRoot } from '../host/paths.ts'
import { tryRun } from '../host/process.ts'
import { readServiceState } from '../host/services.ts'
import type { Plan, Step } from '../plan/plan.ts'
import { describeStep } from '../plan/render.ts'
import { readBans } from './bans.ts'
import type { FileRecord, Generation } from './record.ts'
import { addGeneration, copyInto, sha256 } from './store.ts'

/** What is made by the scripts of a package and by its daemon. What configures fail2ban is dpkg's or somebody's. */
const MADE_FOR: ReadonlyMap<string, RegExp> = new Map([
  ['portsentry', /^\/etc\/portsentry(?:$|\/portsentry\.)|^\/var\/lib\/portsentry/],
  ['fail2ban', /^\/etc\/fail2ban(?!\/.*\.(?:local|conf)$)|^\/var\/lib\/fail2ban/],
  ['libwrap0', /^\/etc\/hosts\.(?:allow|deny)$/],
])
const WATCHED = [
  ...['/etc/portsentry', '/etc/fail2ban', '/etc/hosts.allow', '/etc/hosts.deny'],
  ...['/var/lib/portsentry', '/var/lib/fail2ban'],
]
/** What daemons make by themselves: the list that portsentry's start builds, blocked files, fail2ban's database. */
const DAEMONS_OWN = /^\/etc\/portsentry\/portsentry\.ignore$|^\/var\/lib\//

/** Whether a path was made for one of these packages, beside the files that dpkg knows of. Pure. */
export const isMadeFor = (packages: readonly string[], path: string): boolean =>
  packages.some((name) => MADE_FOR.get(name)?.test(path))

/** Paths that may be of the daemons and their packages. Throws HostError: half a list would have the rest look new. */
const listPaths = async (): Promise<string[]> => {
  const { exitCode, stdout, stderr } = await tryRun('find', [...WATCHED, '-print0'])
  // 1: one of them does not exist, or something went away meanwhile.
  if (exitCode > 1) throw new HostError(`find ${WATCHED.join(' ')} failed: ${stderr.trim()}`, 'try again')
  return stdout.split('\0').filter(Boolean)
}

/** What daemons, and packages where some were installed, have made since a generation was taken. Throws HostError. */
export const findNewPaths = async ({ paths, packages }: Generation): Promise<string[]> => {
  if (paths === null) return []
  const before = new Set(paths)
  const names = packages.map(({ name }) => name)
  return (await listPaths()).filter(
    (path) => !before.has(path) && (DAEMONS_OWN.test(path) || isMadeFor(names, path)),
  )
}

/** Directories on the way to a path that do not exist, the uppermost first. */
const missingDirectories = async (real: string): Promise<string[]> => {
  const missing: string[] = []
  for (let directory = dirname(real); directory !== '/'; directory = dirname(directory)) {
    const exists = await access(directory).then(
      () => true,
      () => false,
    )
    if (exists) break
    missing.unshift(directory)
  }
  return missing
}

type FileStep = Extract<Step, { kind: 'write' | 'remove' | 'touch' }>

const isFileStep = (step: Step): step is FileStep =>
  step.kind === 'write' || step.kind === 'remove' || step.kind === 'touch'

const afterOf = (step: FileStep): FileRecord['after'] => {
  if (step.kind === 'remove') return null
  const text = step.kind === 'touch' ? '' : step.after
  return { sha256: sha256(text), size: text.length }
}

/** Files that daemons add to by themselves. */
const growsByItself = ({ path }: FileStep, { desired }: Plan): boolean =>
  path === '/etc/hosts.deny' || path === desired.historyPath || desired.logs.includes(path)

const recordFile = async (
  plan: Plan,
  step: FileStep,
  directory: string,
  index: number,
): Promise<FileRecord> => {
  const { path } = step
  const real = await resolveInRoot(plan.root, path)
  const common = { path, real, after: afterOf(step), grows: growsByItself(step, plan) }
  try {
    if (!(await lstat(real)).isFile())
      throw new HostError(`${real} is not a regular file`, 'see what is there')
    const bytes = await readFile(real)
    await copyInto(directory, String(index), real)
    return { ...common, copy: String(index), sha256: sha256(bytes) }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error
    return { ...common, copy: null, directories: await missingDirectories(real) }
  }
}

/**
 * Writes down everything that a plan replaces, before any of it is touched: files with all their attributes, which
 * files and directories are missing, what runs and starts at boot, which packages are not installed. Throws HostError.
 */
export const takeGeneration = async (
  state: string,
  plan: Plan,
  confirmBy: string | null,
): Promise<Generation> =>
  addGeneration(state, async (directory) => {
    const isLive = plan.root === '/'
    const services = isLive ? await readServiceState() : { enabled: [], active: [], daemons: [] }
    const bans = isLive ? await readBans() : { addresses: [], commands: [] }
    const files: FileRecord[] = []
    for (const [index, step] of plan.steps.filter(isFileStep).entries()) {
      files.push(await recordFile(plan, step, directory, index))
    }
    // Those that apt only brings to a newer version were there before.
    const present = await readInstalled(plan.root)
    const packages = plan.steps
      .flatMap((step) => (step.kind === 'install' ? step.packages : []))
      .filter(({ name }) => !present.has(name))
    return {
      root: plan.root,
      state: 'open',
      started: new Date().toISOString(),
      steps: plan.steps.map(describeStep),
      files,
      services: { ...services, enabled: [...services.enabled], active: [...services.active] },
      bans,
      releases: plan.steps.flatMap((step) => (step.kind === 'release' ? [step] : [])),
      packages,
      configured: await readConfigured(packages.map(({ name }) => name)),
      paths: isLive ? await listPaths() : null,
      newPaths: [],
      confirmBy,
    }
  })
