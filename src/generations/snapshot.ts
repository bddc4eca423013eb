import { access, lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readConfigured } from '../apply/packages.ts'
import { readInstalled } from '../facts/packages.ts'
import type { Plan, Step } from '../plan/plan.ts'
import { describeStep } from '../plan/words.ts'
import { effect } from '../system/effect.ts'
import { HostError, isMissing } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'
import { run } from '../system/process.ts'
import { readBans } from './bans.ts'
import { sha256, sha256Of } from './digest.ts'
import type { FileRecord, Generation } from './record.ts'
import { readServices } from './services.ts'
import { addGeneration } from './store.ts'

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/**
 * Paths that the daemons create, and that a package leaves when it is purged, and that do not exist yet; directories
 * last.
 */
const findMissing = async ({ desired }: Plan, packages: readonly string[]): Promise<string[]> => {
  const candidates = [
    desired.release.builtIgnorePath,
    ...desired.blockedPaths,
    '/var/lib/fail2ban/fail2ban.sqlite3',
    ...(packages.includes('libwrap0') ? ['/etc/hosts.allow', '/etc/hosts.deny'] : []),
    '/var/lib/fail2ban',
    '/var/lib/portsentry',
  ]
  const present = await Promise.all(candidates.map(exists))
  return candidates.filter((_, index) => !present[index])
}

/** Directories above a path that do not exist, the topmost first. */
const missingDirectories = async (real: string): Promise<string[]> => {
  const missing: string[] = []
  let directory = dirname(real)
  while (!(await exists(directory))) {
    missing.unshift(directory)
    directory = dirname(directory)
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

/** Whether daemons append to the file. */
const growsByItself = ({ path }: FileStep, { desired }: Plan): boolean =>
  path === '/etc/hosts.deny' || path === desired.historyPath || desired.logs.includes(path)

const recordFile = async (
  plan: Plan,
  step: FileStep,
  directory: string,
  copy: string,
): Promise<FileRecord> => {
  const { path } = step
  const real = await resolveInRoot(plan.root, path)
  const common = { path, real, after: afterOf(step), grows: growsByItself(step, plan) }
  try {
    if (!(await lstat(real)).isFile())
      throw new HostError(`${real} is not a regular file`, 'see what is there')
    const sum = await sha256Of(real)
    await effect(`copy ${real}`, () =>
      run(
        'cp',
        ['--archive', '--', real, join(directory, copy)],
        'see whether there is enough space in /var/lib',
      ),
    )
    return { ...common, copy, sha256: sum }
  } catch (error) {
    if (!isMissing(error)) throw error
    return { ...common, copy: null, directories: await missingDirectories(real) }
  }
}

/**
 * Records everything that a plan replaces, before any of it is changed: files with all their attributes, which
 * files and directories are missing, what runs and starts at boot, which packages are not installed. Throws HostError.
 */
export const takeSnapshot = (
  state: string,
  plan: Plan,
  confirmBy: string | null,
  isRefresh = false,
): Promise<Generation> =>
  addGeneration(state, async (directory) => {
    const isLive = plan.root === '/'
    const files: FileRecord[] = []
    for (const [index, step] of plan.steps.filter(isFileStep).entries()) {
      files.push(await recordFile(plan, step, directory, String(index)))
    }
    // Packages that apt only upgrades were installed before.
    const present = await readInstalled(plan.root)
    const packages = plan.steps
      .flatMap((step) => (step.kind === 'install' ? step.packages : []))
      .filter(({ name }) => !present.has(name))
      .map(({ name, version }) => ({ name, version }))
    const names = packages.map(({ name }) => name)
    return {
      root: plan.root,
      ...(isRefresh && { isRefresh }),
      state: 'open',
      started: new Date().toISOString(),
      steps: plan.steps.map(describeStep),
      files,
      services: isLive ? await readServices() : { enabled: [], active: [], daemons: [] },
      bans: isLive ? await readBans() : { addresses: [], commands: [] },
      releases: plan.steps.flatMap((step) => (step.kind === 'release' ? [step] : [])),
      packages,
      configured: await readConfigured(names),
      newPaths: isLive ? await findMissing(plan, names) : [],
      confirmBy,
    }
  })
