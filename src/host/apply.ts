import { missingFromDump } from '../plan/dump.ts'
import type { Plan, RestartStep, Step, WriteStep } from '../plan/plan.ts'
import { FAIL2BAN_DIRECTORY } from '../policy/jail.ts'
import { confirmRunning } from './confirm-running.ts'
import { dumpStaged, unban } from './fail2ban.ts'
import { readAttributes, readFileState, removeFile, replaceFile } from './files.ts'
import { deleteInputRule } from './firewall.ts'
import { HostError } from './host-error.ts'
import { install, preseed } from './packages.ts'
import { disable, enable, readDaemonsOf, restart, stop } from './services.ts'

/** What apply tells while it works. */
export interface ApplyProgress {
  readonly step: (step: Step) => void
  readonly verifying: () => void
  readonly undoing: (step: Step) => void
}

/** What to do when a step fails half-way: undo the steps that were done, latest first. */
type Undo = () => Promise<void>

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

const undoWrite =
  (root: string, { path, before, mode }: Pick<WriteStep, 'path' | 'before' | 'mode'>): Undo =>
  () =>
    before === null ? removeFile(root, path) : replaceFile(root, path, before, mode)

/** How to bring a service back to where it was: running on what is on disk by then, or stopped. */
const undoRestart = async (step: RestartStep): Promise<Undo> => {
  const wasRunning = (await readDaemonsOf(step.service)).length > 0
  return () => (wasRunning ? restart : stop)(step)
}

/** Does one step. What stays when a later one fails: packages, and a protected host that was set free. */
const perform = async (root: string, step: Step): Promise<void> => {
  switch (step.kind) {
    case 'preseed':
      return preseed(step.selections)
    case 'install':
      return install(step.packages, step.requested)
    case 'write':
      await expectUnchanged(root, step)
      return replaceFile(root, step.path, step.after, step.mode)
    case 'remove':
      await expectUnchanged(root, { ...step, fromPackage: false })
      return removeFile(root, step.path)
    case 'touch':
      if ((await readAttributes(root, step.path)) !== null) return
      return replaceFile(root, step.path, '', step.mode)
    case 'enable':
      return enable(step.unit)
    case 'disable':
      return disable(step.unit)
    case 'restart':
      return restart(step)
    case 'release':
      for (const rule of step.rules) await deleteInputRule(rule)
      if (step.jailed) await unban('portsentry', step.address)
  }
}

/** What takes a step back, once it is done; undefined for what stays or is undone otherwise. */
const undoOf = (root: string, step: Step): Undo | undefined => {
  switch (step.kind) {
    case 'write':
      return undoWrite(root, step)
    case 'remove':
      return undoWrite(root, { ...step, mode: 0o644 })
    case 'enable':
      return () => disable(step.unit)
    case 'disable':
      return () => enable(step.unit)
    default:
      return undefined
  }
}

/** Has fail2ban judge its files that are about to be written. */
const validate = async ({ steps, desired }: Plan): Promise<void> => {
  const files = steps
    .filter(
      (step): step is WriteStep => step.kind === 'write' && step.path.startsWith(`${FAIL2BAN_DIRECTORY}/`),
    )
    .map(({ path, after }) => ({ path, text: after }))
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

const isConfiguration = (step: Step): boolean => step.kind === 'write' && step.path.startsWith('/etc/')

/** Runs `undo` latest first, restarts last; a failing one does not keep the others from being tried. */
const undoAll = async (done: readonly Done[], progress: ApplyProgress): Promise<string[]> => {
  const failures: string[] = []
  const ordered = [...done].reverse()
  const restartsLast = [
    ...ordered.filter(({ step }) => step.kind !== 'restart'),
    ...ordered.filter(({ step }) => step.kind === 'restart'),
  ]
  for (const { step, undo } of restartsLast) {
    progress.undoing(step)
    try {
      await undo()
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      failures.push(error.message)
    }
  }
  return failures
}

/**
 * Does what the plan says, that very object, step by step, and makes sure that the daemons run as planned.
 * On failure, or when `signal` is aborted, what was written is put back and what was restarted is restarted
 * again; then HostError is thrown. Installed packages stay installed.
 */
export const applyPlan = async (plan: Plan, progress: ApplyProgress, signal: AbortSignal): Promise<void> => {
  const done: Done[] = []
  const isLive = plan.root === '/'
  let validated = !isLive
  try {
    for (const step of plan.steps) {
      if (signal.aborted) throw new HostError('interrupted', 'apply again when you are ready')
      if (!validated && isConfiguration(step)) {
        await validate(plan)
        validated = true
      }
      progress.step(step)
      // A restart that fails half-way is to be undone too; a write that fails has changed nothing.
      if (step.kind === 'restart') done.push({ step, undo: await undoRestart(step) })
      await perform(plan.root, step)
      const undo = undoOf(plan.root, step)
      if (undo) done.push({ step, undo })
    }
    if (isLive) {
      progress.verifying()
      await confirmRunning(plan)
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const failures = await undoAll(done, progress)
    const outcome =
      failures.length > 0
        ? `putting things back failed too: ${failures.join('; ')}`
        : done.length > 0
          ? 'what was changed has been put back'
          : 'no file was changed'
    throw new HostError(`${error.message} (${outcome})`, error.hint, { cause: error })
  }
}
