import { loadBanSet, removeBanSet, removeLeftovers } from '../bans/ban-set.ts'
import { undoBan } from '../bans/firewall.ts'
import { writeDenied } from '../bans/hosts-deny.ts'
import { unban } from '../bans/jail.ts'
import { handOverBans, removeBanProgram } from '../bans/legacy.ts'
import { dumpStaged } from '../facts/fail2ban-config.ts'
import { HOSTS_DENY } from '../facts/hosts-deny.ts'
import { readInit, serviceOf } from '../facts/systemd.ts'
import { missingFromDump } from '../plan/dump.ts'
import type { Plan, ReleaseStep, Step, UnloadStep, WriteStep } from '../plan/plan.ts'
import { FAIL2BAN_DIRECTORY } from '../policy/jail.ts'
import { OUTPUT_TIMERS } from '../policy/timers.ts'
import { hasText, readAttributes, removeFile, replaceFile } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { step } from '../system/progress.ts'
import { confirmDaemons } from './confirm-running.ts'
import { install, preseed } from './packages.ts'
import {
  disable,
  discardOutput,
  enable,
  reloadFail2ban,
  restart,
  start,
  startTimer,
  stopBanUnit,
} from './services.ts'

const changedSince = (path: string, fromPackage: boolean): HostError =>
  fromPackage
    ? new HostError(
        `${path} is not the file that its package was expected to install`,
        'run apply again: it makes a new plan',
      )
    : new HostError(
        `${path} was changed since the plan was made`,
        'look at portward plan, then run apply again',
      )

/** Throws HostError where an admin or a package has changed the file since the plan was made. */
const expectUnchanged = async (
  root: string,
  { path, before, fromPackage }: Pick<WriteStep, 'path' | 'before' | 'fromPackage'>,
): Promise<void> => {
  if (!(await hasText(root, path, before))) throw changedSince(path, fromPackage)
}

const write = async (root: string, step: WriteStep): Promise<void> => {
  const { path, before, after, fromPackage } = step
  if (path === HOSTS_DENY && before !== null)
    return writeDenied(root, { before, after }, () => changedSince(path, fromPackage))
  await expectUnchanged(root, step)
  await replaceFile(root, step.path, step.after, step.mode)
}

const release = async ({ address, undo, jailed }: ReleaseStep): Promise<void> => {
  for (const command of undo) await undoBan(command)
  if (jailed) await unban('portsentry', address)
}

/** If no other ban set replaces it, the following steps configure portsentry and fail2ban accordingly. */
const removeBans = async (step: UnloadStep): Promise<void> => {
  if (step.isLast) await stopBanUnit()
  await removeBanSet(step)
  if (step.isLast) await removeLeftovers()
}

const perform = async (root: string, step: Step): Promise<void> => {
  switch (step.kind) {
    case 'write':
      return write(root, step)
    case 'remove':
      await expectUnchanged(root, { ...step, fromPackage: false })
      return removeFile(root, step.path)
    case 'touch':
      if ((await readAttributes(root, step.path)) === null) await replaceFile(root, step.path, '', step.mode)
      return
    case 'preseed':
      return preseed(step.selections)
    case 'install':
      return install(step.packages, step.requested)
    case 'enable':
      return enable(step.unit)
    case 'disable':
      return disable(step.unit)
    case 'start-timer':
      await startTimer(step.unit)
      // The proof, which follows, asks whether the file is fresh.
      if (OUTPUT_TIMERS.includes(step.unit)) await start([serviceOf(step.unit)])
      return
    case 'discard':
      return discardOutput(step.unit, step.path)
    case 'load-bans':
      return loadBanSet(readInit())
    case 'remove-bans':
      return removeBans(step)
    case 'hand-over-bans':
      return handOverBans(step.hosts)
    case 'remove-ban-program':
      return removeBanProgram(step.hosts)
    case 'restart':
      return restart(step)
    case 'reload':
      return reloadFail2ban()
    case 'release':
      return release(step)
  }
}

/** Has fail2ban test a copy of its new files before the first of them is written. The plan has checked what it can by itself. */
const validateJails = async ({ steps, desired }: Plan): Promise<void> => {
  const files = steps
    .filter((step) => step.kind === 'write' || step.kind === 'remove')
    .filter(({ path }) => path.startsWith(`${FAIL2BAN_DIRECTORY}/`))
    .map((step) => ({ path: step.path, text: step.kind === 'write' ? step.after : null }))
  if (files.length === 0) return
  const dump = await dumpStaged(FAIL2BAN_DIRECTORY, files)
  const missing = missingFromDump(dump, desired.jails)
  if (missing.length > 0) {
    throw new HostError(
      `fail2ban would not use ${missing.join('; ')}`,
      'see which file in /etc/fail2ban says otherwise: jail.local is read after jail.d',
    )
  }
}

const isConfiguration = (step: Step): boolean =>
  (step.kind === 'write' || step.kind === 'remove') && step.path.startsWith('/etc/')

/** Wraps each part of the work, for whoever reports its progress. */
export interface ApplyProgress {
  readonly step: (step: Step, work: () => Promise<void>) => Promise<void>
  readonly confirming: (work: () => Promise<void>) => Promise<void>
}

/** Carries out the steps. Throws HostError on failure, or the reason of `signal` when it is aborted. */
export const performAll = async (
  plan: Plan,
  progress: Pick<ApplyProgress, 'step'>,
  signal: AbortSignal,
): Promise<void> => {
  let validated = plan.root !== '/'
  for (const each of plan.steps) {
    signal.throwIfAborted()
    if (!validated && isConfiguration(each)) {
      await step('having fail2ban test its new files', () => validateJails(plan))
      validated = true
    }
    await progress.step(each, () => perform(plan.root, each))
  }
  signal.throwIfAborted()
}

/**
 * Carries out the plan step by step, waits until the daemons run as planned, and calls `prove`, which throws HostError if the
 * server is not protected after all. Throws HostError on failure, or the reason of `signal` when it is aborted: the
 * caller then rolls everything back.
 */
export const applyPlan = async (
  plan: Plan,
  progress: ApplyProgress,
  prove: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> => {
  await performAll(plan, progress, signal)
  if (plan.root !== '/') return
  const daemons = confirmDaemons(plan, signal)
  await progress.confirming(daemons.running)
  // While the proof is made, they settle.
  await prove()
  await step('watching that both daemons keep running', daemons.settled)
  signal.throwIfAborted()
}
