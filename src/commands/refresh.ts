import { utimes } from 'node:fs/promises'
import { applyPlan, performAll } from '../apply/apply-plan.ts'
import { type Assessment, assess } from '../assessment/assess.ts'
import { HEALTH_PATH, readHealthRecord } from '../facts/name-health.ts'
import { foldRefreshes } from '../generations/fold.ts'
import { transact } from '../generations/transaction.ts'
import { isRefreshUnfinished } from '../generations/unfinished.ts'
import type { Plan } from '../plan/plan.ts'
import { planRefresh, type Refresh } from '../plan/refresh.ts'
import { planAsJson } from '../plan/render.ts'
import { describeStep } from '../plan/words.ts'
import { fileText } from '../policy/facts.ts'
import { NAMES_PATH } from '../policy/host-names.ts'
import { nextHealth, parseHealth, renderHealth } from '../policy/name-health.ts'
import type { Problem } from '../problem.ts'
import { replaceFile } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { isLocked, STATE } from '../system/lock.ts'
import { step } from '../system/progress.ts'
import { handlingSignals } from '../system/signals.ts'
import { expectRoot, locked, recoverFirst } from './locked.ts'
import { EXIT, exitOver, type GlobalOptions, type Output, openOutput, problemAsJson } from './output.ts'
import { planText } from './plan-text.ts'

export interface RefreshOptions extends GlobalOptions {
  readonly dryRun?: boolean
}

/** Carries out the steps as a whole or not at all. A refresh does not do the whole proof of an apply. */
const execute = async ({ plan, isRunning }: Refresh): Promise<void> => {
  const interrupt = new AbortController()
  const { signal } = interrupt
  let count = 0
  const progress = {
    step: (each: Plan['steps'][number], work: () => Promise<void>) => {
      count += 1
      return step(describeStep(each).replace(/ {2,}/g, ' '), work, {
        position: `${count}/${plan.steps.length}`,
      })
    },
    confirming: (work: () => Promise<void>) =>
      step('waiting until both daemons are running as planned', work),
  }
  const work = () =>
    isRunning ? applyPlan(plan, progress, async () => undefined, signal) : performAll(plan, progress, signal)
  const options = {
    // Nothing of the applies is given up for it.
    keep: Number.MAX_SAFE_INTEGER,
    confirmWithinMs: null,
    isRefresh: true,
    readEnding: () => ({ interrupted: signal.aborted, begun: count }),
  }
  await handlingSignals(
    () => interrupt.abort(new HostError('interrupted', 'the next refresh does it')),
    () => transact(plan, options, work),
  )
  await foldRefreshes(STATE)
}

/** Notes since when names have no good answer. Returns the names for which that is new. */
const recordHealth = async ({
  desired,
}: Extract<Assessment, { kind: 'assessed' }>): Promise<ReadonlySet<string>> => {
  const nowMs = Date.now()
  const found = await readHealthRecord()
  const before = found && parseHealth(found.text, found.checkedMs)
  const health = nextHealth(before, desired.named, nowMs)
  const text = renderHealth(health)
  if (text === found?.text) await utimes(HEALTH_PATH, nowMs / 1000, nowMs / 1000)
  else await replaceFile('/', HEALTH_PATH, text, 0o600)
  return new Set([...health.failingSince.keys()].filter((host) => !before?.failingSince.has(host)))
}

const isAboutNames = ({ code }: Problem): boolean => code === 'stale-name' || code === 'unresolved-dependency'

const finish = (output: Output, code: number, content: object): number => {
  output.document('refresh', { refreshed: false, refused: [], ...content })
  return code
}

const skip = (output: Output, reason: string): number => {
  output.note(`${reason}: nothing was refreshed`)
  return finish(output, EXIT.ok, { reason, problems: [] })
}

const refreshLocked = async (options: RefreshOptions, output: Output): Promise<number> => {
  if (options.dryRun !== true) {
    // An apply is for an admin to decide about.
    if ((await isRefreshUnfinished()) === false)
      return skip(
        output,
        'an earlier apply or rollback was interrupted: portward apply or portward rollback takes care of it',
      )
    await recoverFirst(output)
  }
  const assessment = await assess(options)
  const { problems, pending } = assessment
  if (assessment.kind !== 'assessed') {
    output.problems(problems)
    return finish(output, exitOver(assessment), { problems: problems.map(problemAsJson) })
  }
  const { settings, facts, plan, desired } = assessment
  if (desired.named.record === null)
    return skip(output, 'config.env names no host, and WHITELIST_SERVICES is not 1')
  if (plan.inexact.length > 0)
    throw new HostError(`no exact plan can be made: ${plan.inexact.join('; ')}`, 'see portward plan')
  if (fileText(facts, NAMES_PATH) === undefined)
    throw new HostError('no apply has protected a host by name yet', 'run portward apply')
  const fresh = options.dryRun === true ? null : await recordHealth(assessment)
  const own = problems.filter(isAboutNames)
  // A timer's log has each failure once.
  output.problems(
    fresh === null || output.screen.isTerminal
      ? own
      : own.filter(({ message }) => [...fresh].some((host) => message.startsWith(`${host} `))),
  )
  if (pending !== null) return skip(output, 'an apply is waiting for confirmation')
  return carryOut(options, output, planRefresh(settings, facts, plan), own)
}

const carryOut = async (
  options: RefreshOptions,
  output: Output,
  refresh: Refresh | null,
  problems: readonly Problem[],
): Promise<number> => {
  const content = { problems: problems.map(problemAsJson) }
  if (refresh === null) {
    // A timer's log does not need it every few minutes.
    if (output.screen.isTerminal && options.quiet !== true) output.text('no address has changed\n')
    return finish(output, EXIT.ok, { reason: 'no address has changed', ...content })
  }
  const { plan, refused } = refresh
  for (const path of refused)
    output.complain(
      `portward: ${path} is not as the last apply left it, or config.env has changed: run portward apply`,
    )
  const code = refused.length > 0 ? EXIT.failed : EXIT.ok
  if (options.dryRun === true) {
    if (plan.steps.length > 0) output.result(planText(plan, [], options, output))
    return finish(output, code, { ...planAsJson(plan), ...content, refused })
  }
  if (plan.steps.length > 0) {
    await execute(refresh)
    output.text(plan.steps.map((each) => `${describeStep(each)}\n`).join(''))
  }
  return finish(output, code, { ...planAsJson(plan), ...content, refreshed: plan.steps.length > 0, refused })
}

/** `portward refresh`: looks up the hosts that are protected by name, and protects their new addresses everywhere. */
export const refreshCommand = async (options: RefreshOptions): Promise<number> => {
  expectRoot('refresh')
  const output = openOutput(options)
  if (options.dryRun === true) return refreshLocked(options, output)
  // The timer comes again in a few minutes.
  if (await isLocked()) return skip(output, 'another portward is running')
  return locked('/', () => refreshLocked(options, output))
}
