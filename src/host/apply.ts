import { missingFromDump } from '../plan/dump.ts'
import type { Plan, ReleaseStep, RemoveStep, Step, TouchStep, WriteStep } from '../plan/plan.ts'
import { FAIL2BAN_DIRECTORY } from '../policy/jail.ts'
import { confirmRunning } from './confirm-running.ts'
import { dumpStaged, unban } from './fail2ban.ts'
import { readAttributes, readFileState, removeFile, replaceFile } from './files.ts'
import { undoBan } from './firewall.ts'
import { HostError, messageOf } from './host-error.ts'
import { install, preseed } from './packages.ts'
import { disable, enable, readServiceState, restart, restoreServices, type ServiceState } from './services.ts'

/** What apply tells while it works. */
export interface ApplyProgress {
  readonly step: (step: Step) => void
  readonly confirming: () => void
  readonly undoing: (step: Step) => void
}

/** How to take back a change to a file. */
type Undo = () => Promise<unknown>

interface Done {
  readonly step: Step
  readonly undo: Undo
}

/** The plan was made from other bytes: somebody, or a package, has changed the file since. */
const expectUnchanged = async (
  root: string,
  { path, before, fromPackage }: Pick<WriteStep, 'path' | 'before' | 'fromPackage'>,
): Promise<void> => {
  const now = (await readFileState(root, path))?.text ?? null
  if (now === before) return
  throw fromPackage
    ? new HostError(
        `${path} is not what its package was expected to bring`,
        'apply again: the plan is then made anew',
      )
    : new HostError(`${path} was changed since the plan was made`, 'look at portward plan, then apply again')
}

const write = async (root: string, step: WriteStep): Promise<Undo> => {
  await expectUnchanged(root, step)
  const { path, before, after, mode } = step
  const made = await replaceFile(root, path, after, mode)
  return () => (before === null ? removeFile(root, path, made) : replaceFile(root, path, before, mode))
}

const remove = async (root: string, step: RemoveStep): Promise<Undo> => {
  await expectUnchanged(root, { ...step, fromPackage: false })
  const { mode } = (await readAttributes(root, step.path)) ?? { mode: 0o644 }
  await removeFile(root, step.path)
  return () => replaceFile(root, step.path, step.before, mode)
}

const touch = async (root: string, { path, mode }: TouchStep): Promise<Undo | null> => {
  if ((await readAttributes(root, path)) !== null) return null
  const made = await replaceFile(root, path, '', mode)
  return async () => {
    // What a daemon has logged there meanwhile is kept.
    if ((await readFileState(root, path))?.text === '') await removeFile(root, path, made)
  }
}

const setFree = async ({ address, undo, jailed }: ReleaseStep): Promise<void> => {
  for (const command of undo) await undoBan(command)
  if (jailed) await unban('portsentry', address)
}

/**
 * Does one step. Returns how to take it back; null for what stays when a later one fails (packages, and a
 * protected host that was set free) and for services, which are brought back together.
 */
const perform = async (root: string, step: Step): Promise<Undo | null> => {
  switch (step.kind) {
    case 'write':
      return write(root, step)
    case 'remove':
      return remove(root, step)
    case 'touch':
      return touch(root, step)
    case 'preseed':
      await preseed(step.selections)
      break
    case 'install':
      await install(step.packages, step.requested)
      break
    case 'enable':
      await enable(step.unit)
      break
    case 'disable':
      await disable(step.unit)
      break
    case 'restart':
      await restart(step)
      break
    case 'release':
      await setFree(step)
  }
  return null
}

const isServiceStep = ({ kind }: Step): boolean =>
  kind === 'enable' || kind === 'disable' || kind === 'restart'

/** Has fail2ban judge its files that are about to change. */
const validate = async ({ steps, desired }: Plan): Promise<void> => {
  const files = steps
    .filter((step) => step.kind === 'write' || step.kind === 'remove')
    .filter(({ path }) => path.startsWith(`${FAIL2BAN_DIRECTORY}/`))
    .map((step) => ({ path: step.path, text: step.kind === 'write' ? step.after : null }))
  if (files.length === 0) return
  const dump = await dumpStaged(FAIL2BAN_DIRECTORY, files)
  const missing = missingFromDump(dump, desired.jails)
  if (missing.length > 0) {
    throw new HostError(
      `fail2ban would not take ${missing.join('; ')}`,
      'see which file in /etc/fail2ban says otherwise: jail.local is read after jail.d',
    )
  }
}

const isConfiguration = (step: Step): boolean =>
  (step.kind === 'write' || step.kind === 'remove') && step.path.startsWith('/etc/')

/** Takes back what was done to files, latest first, then brings the services back. Returns what failed. */
const undoAll = async (
  done: readonly Done[],
  services: ServiceState | null,
  progress: ApplyProgress,
): Promise<string[]> => {
  const failures: string[] = []
  for (const { step, undo } of [...done].reverse()) {
    progress.undoing(step)
    // One that fails does not keep the others from being tried.
    await undo().catch((error: unknown) => failures.push(messageOf(error)))
  }
  return services === null ? failures : [...failures, ...(await restoreServices(services))]
}

const expectGoing = (signal: AbortSignal): void => {
  if (signal.aborted) throw new HostError('interrupted', 'apply again when you are ready')
}

const describeUndo = (failures: readonly string[], wasChanged: boolean): string => {
  if (failures.length > 0) return `putting things back failed too: ${failures.join('; ')}`
  return wasChanged ? 'what was changed has been put back' : 'no file was changed'
}

/**
 * Does what the plan says, that very object, step by step, makes sure that the daemons run as planned, and lets
 * `prove` have the last word, which throws HostError where the server is not protected after all. On failure, or when `signal` is aborted, files and services are put back and HostError is thrown. Installed
 * packages stay installed.
 */
export const applyPlan = async (
  plan: Plan,
  progress: ApplyProgress,
  prove: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> => {
  const done: Done[] = []
  const isLive = plan.root === '/'
  let validated = !isLive
  let services: ServiceState | null = null
  try {
    for (const step of plan.steps) {
      expectGoing(signal)
      if (!validated && isConfiguration(step)) {
        await validate(plan)
        validated = true
      }
      if (isServiceStep(step)) services ??= await readServiceState()
      progress.step(step)
      const undo = await perform(plan.root, step)
      if (undo) done.push({ step, undo })
    }
    expectGoing(signal)
    if (isLive) {
      progress.confirming()
      await confirmRunning(plan, signal)
      await prove()
      expectGoing(signal)
    }
  } catch (error) {
    const outcome = describeUndo(
      await undoAll(done, services, progress),
      done.length > 0 || services !== null,
    )
    if (!(error instanceof HostError)) throw error
    throw new HostError(`${error.message} (${outcome})`, error.hint, { cause: error })
  }
}
