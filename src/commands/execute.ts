import { type ApplyProgress, applyPlan } from '../apply/apply-plan.ts'
import { transact } from '../generations/transaction.ts'
import type { DiffChoice } from '../plan/formats/report.ts'
import type { Plan } from '../plan/plan.ts'
import { describeStep } from '../plan/words.ts'
import type { Settings } from '../settings/settings.ts'
import { HostError } from '../system/host-error.ts'
import { remark, step } from '../system/progress.ts'
import { handlingSignals } from '../system/signals.ts'
import { type Check, isFailure } from '../verify/check.ts'
import { NETWORKS } from '../verify/networks-check.ts'
import { summarizePart } from '../verify/render.ts'
import { METRICS, TIMERS } from '../verify/running-checks.ts'
import type { Reporting } from '../verify/verify.ts'
import { describeInterrupt } from './interruption.ts'
import type { GlobalOptions } from './output.ts'
import { assessAndVerify } from './verify.ts'

export interface ApplyOptions extends GlobalOptions {
  readonly diff?: DiffChoice
  readonly yes?: boolean
  readonly allowLockout?: boolean
  /** How long to wait for `portward confirm`, in ms. */
  readonly confirmWithin?: number
}

/**
 * Failures that do not undo an apply, as a rollback would repair none of them: a network that config.env leaves out was reported before;
 * metrics and timers ban nobody, and the last run of a timer may have failed because an apply was needed.
 */
const TOLERATED: readonly string[] = [NETWORKS, METRICS, TIMERS]

/** The failures for which an apply is undone. */
export const findUndoing = (checks: readonly Check[]): Check[] =>
  checks.filter((check) => isFailure(check) && !TOLERATED.includes(check.code))

/**
 * Reads the server again and runs all checks. Throws HostError if it is not protected as config.env asks; returns the
 * checks. A check that could not be done does not fail the apply: it is reported.
 */
const prove = async (options: ApplyOptions): Promise<Check[]> => {
  const reporting: Reporting = (part, work) =>
    step(`proving: ${part}`, work, { judge: (checks) => summarizePart(part, checks) })
  const read = await assessAndVerify(options, reporting, (work) =>
    step('proving: reading the server again', work),
  )
  const checks = read.checks ?? []
  const failures = findUndoing(checks)
  if (failures.length === 0) return checks
  throw new HostError(
    `the server would not be protected: ${failures.map(({ title, message }) => `${title}: ${message}`).join('; ')}`,
    failures[0]?.hint || 'run portward verify for details',
  )
}

/** Carries out a plan with its proof. Throws HostError if it failed and was undone. */
export const execute = async (plan: Plan, settings: Settings, options: ApplyOptions): Promise<Check[]> => {
  let count = 0
  let isApt = false
  let phase: 'working' | 'undoing' | 'recording' = 'working'
  const progress: ApplyProgress = {
    step: async (each, work) => {
      count += 1
      isApt = each.kind === 'install'
      // The record of an apply has its steps in columns.
      await step(describeStep(each).replace(/ {2,}/g, ' '), work, {
        position: `${count}/${plan.steps.length}`,
      })
      isApt = false
    },
    confirming: (work) =>
      step('waiting until both daemons are running as planned', work, {
        judge: () => ({ result: 'done', outcome: 'both daemons are running as planned' }),
      }),
  }
  const checks: Check[] = []
  const proof = async () => {
    // The crash tests check the server themselves, a hundred times.
    if (PORTWARD_FAULTS && options.terminal.env['PORTWARD_UNPROVEN'] !== undefined) return
    checks.push(...(await prove(options)))
  }
  const transaction = {
    keep: settings.keepGenerations,
    confirmWithinMs: options.confirmWithin ?? null,
    readEnding: () => ({ interrupted: signal.aborted, begun: count }),
  }
  // On SIGINT and SIGTERM the current step is finished, then everything is undone.
  const interrupt = new AbortController()
  const { signal } = interrupt
  await handlingSignals(
    () => {
      remark(describeInterrupt({ isAgain: signal.aborted, isApt, phase }))
      interrupt.abort(new HostError('interrupted', 'run apply again when you are ready'))
    },
    () =>
      transact(plan, transaction, () =>
        applyPlan(plan, progress, proof, signal).then(
          () => {
            phase = 'recording'
          },
          (error) => {
            phase = 'undoing'
            throw error
          },
        ),
      ),
  )
  return checks
}
