import { applyPlan } from '../apply/apply-plan.ts'
import { transact } from '../generations/transaction.ts'
import type { DiffChoice } from '../plan/formats/report.ts'
import type { Plan } from '../plan/plan.ts'
import { describeStep } from '../plan/words.ts'
import type { Settings } from '../settings/settings.ts'
import { HostError } from '../system/host-error.ts'
import { handlingSignals } from '../system/signals.ts'
import { type Check, isFailure } from '../verify/check.ts'
import { NETWORKS } from '../verify/networks-check.ts'
import { reportRollback } from './locked.ts'
import type { GlobalOptions, Output } from './output.ts'
import { assessAndVerify } from './verify.ts'

export interface ApplyOptions extends GlobalOptions {
  readonly diff?: DiffChoice
  readonly yes?: boolean
  readonly allowLockout?: boolean
  /** How long to wait for `portward confirm`, in ms. */
  readonly confirmWithin?: number
}

/**
 * Reads the server again and runs all checks. Throws HostError if it is not protected as config.env asks; returns the
 * checks. A check that could not be done does not fail the apply: it is reported.
 */
const prove = async (options: ApplyOptions, output: Output): Promise<Check[]> => {
  output.note('proving that scanners and protected hosts are treated as config.env asks')
  const checks = (await assessAndVerify(options)).checks ?? []
  // A network that config.env leaves out was reported before, and a rollback would not protect it either.
  const failures = checks.filter(isFailure).filter(({ code }) => code !== NETWORKS)
  if (failures.length === 0) return checks
  throw new HostError(
    `the server would not be protected: ${failures.map(({ title, message }) => `${title}: ${message}`).join('; ')}`,
    failures[0]?.hint || 'run portward verify for details',
  )
}

/** Carries out a plan with its proof. Throws HostError if it failed and was undone. */
export const execute = async (
  plan: Plan,
  settings: Settings,
  options: ApplyOptions,
  output: Output,
): Promise<Check[]> => {
  const total = plan.steps.length
  let count = 0
  const progress = {
    step: (step: Plan['steps'][number]) => {
      count += 1
      output.note(`[${count}/${total}] ${describeStep(step)}`)
    },
    confirming: () => output.note('waiting until both daemons are running as planned'),
  }
  const checks: Check[] = []
  const proof = async () => {
    // The crash tests check the server themselves, a hundred times.
    if (PORTWARD_FAULTS && options.terminal.env['PORTWARD_UNPROVEN'] !== undefined) return
    checks.push(...(await prove(options, output)))
  }
  const transaction = {
    keep: settings.keepGenerations,
    confirmWithinMs: options.confirmWithin ?? null,
    undoing: reportRollback(output),
  }
  // On SIGINT and SIGTERM the current step is finished, then everything is undone.
  const interrupt = new AbortController()
  await handlingSignals(
    () => interrupt.abort(new HostError('interrupted', 'run apply again when you are ready')),
    () => transact(plan, transaction, () => applyPlan(plan, progress, proof, interrupt.signal)),
  )
  return checks
}
