import { access, lstat, readFile, readlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Plan, Step } from '../../plan/plan.ts'
import { describeStep } from '../../plan/render.ts'
import { errnoOf, HostError } from '../host-error.ts'
import { readConfigured, readFilesOf, readInstalled } from '../packages.ts'
import { resolveInRoot } from '../paths.ts'
import { tryRun } from '../process.ts'
import { readServiceState } from '../services.ts'
import { readBans } from './bans.ts'
import type { FileRecord, Generation } from './record.ts'
import { addGeneration, copyInto, sha256 } from './store.ts'

/** What daemons make by themselves: the list that portsentry's start builds, blocked files, fail2ban's database. */
const DAEMONS_OWN = ['/etc/portsentry/portsentry.ignore', '/var/lib/portsentry', '/var/lib/fail2ban']
/** Where packages put files that stay when they go, or that only their maintainer scripts know of. */
const PACKAGES_OWN = ['/etc', '/var/lib/portsentry', '/var/lib/fail2ban']

/** Paths below some directories, as far as these exist. Throws HostError: half a list would have the rest look new. */
const listPaths = async (tops: readonly string[]): Promise<string[]> => {
  const { exitCode, stdout, stderr } = await tryRun('find', [...tops, '-print0'])
  // 1: one of them does not exist, or something went away meanwhile.
  if (exitCode > 1) throw new HostError(`find ${tops.join(' ')} failed: ${stderr.trim()}`, 'try again')
  return stdout.split('\0').filter(Boolean)
}

/** Made by the packages' scripts for both daemons, or for libwrap; what configures fail2ban is its own file or somebody's. */
const SCRIPTS_OWN =
  /^\/etc\/(?:portsentry(?:$|\/portsentry\.)|fail2ban(?!\/.*\.(?:local|conf)$)|hosts\.allow$|hosts\.deny$)/

/**
 * Which paths in /etc are of some packages: their files, what is made for them by their scripts, links to either, and the
 * directories of these. Whatever else came meanwhile is somebody else's.
 */
export const ownedBy = async (
  paths: readonly string[],
  packages: readonly string[],
): Promise<Set<string>> => {
  const files = await readFilesOf(packages)
  const names = new Set([...files].map((path) => basename(path)))
  const owned = new Set<string>()
  for (const path of paths) {
    const target = await readlink(path).catch(() => null)
    if (!files.has(path) && !SCRIPTS_OWN.test(path) && (target === null || !names.has(basename(target))))
      continue
    for (let each = path; each !== '/etc' && each !== '/'; each = dirname(each)) owned.add(each)
  }
  return owned
}

/** What daemons, and packages where some were installed, have made since a generation was taken. Throws HostError. */
export const findNewPaths = async ({ paths, packages }: Generation): Promise<string[]> => {
  if (paths === null) return []
  const before = new Set(paths)
  const now = await listPaths(packages.length > 0 ? PACKAGES_OWN : DAEMONS_OWN)
  const added = now.filter((path) => !before.has(path))
  const inEtc = added.filter((path) => path.startsWith('/etc/'))
  if (inEtc.length === 0 || packages.length === 0) return added
  const owned = await ownedBy(
    inEtc,
    packages.map(({ name }) => name),
  )
  return added.filter((path) => !path.startsWith('/etc/') || owned.has(path))
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
      paths: isLive ? await listPaths(packages.length > 0 ? PACKAGES_OWN : DAEMONS_OWN) : null,
      newPaths: [],
      confirmBy,
    }
  })
