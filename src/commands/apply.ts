import { applyPlan } from '../apply/apply-plan.ts'
import { assess } from '../assessment/assess.ts'
import { transact } from '../generations/transaction.ts'
import { findPending } from '../generations/unfinished.ts'
import { isInSync, type Plan } from '../plan/plan.ts'
import { describeStep, planAsJson, renderPlan } from '../plan/render.ts'
import type { PendingConfirmation } from '../policy/confirmation.ts'
import { caveatsOf, type Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { saveCodeCache } from '../system/code-cache.ts'
import { HostError } from '../system/host-error.ts'
import { handlingSignals } from '../system/signals.ts'
import { formatDuration } from '../time.ts'
import { type Check, isFailure } from '../verify/check.ts'
import { NETWORKS } from '../verify/networks-check.ts'
import { renderProof } from '../verify/render.ts'
import { askWhether, hasTerminal } from './ask.ts'
import { expectRoot, locked, recoverFirst, reportRollback } from './locked.ts'
import { EXIT, exitOver, type GlobalOptions, type Output, openOutput, problemAsJson } from './output.ts'
import { verifyAssessed } from './verify.ts'

export interface ApplyOptions extends GlobalOptions {
  readonly yes?: boolean
  readonly allowLockout?: boolean
  /** How long to wait for `portward confirm`, in ms. */
  readonly confirmWithin?: number
}

const expectExact = ({ inexact }: Plan): void => {
  if (inexact.length === 0) return
  throw new HostError(`cannot make an exact plan: ${inexact.join('; ')}`, 'fix this, then run apply again')
}

/**
 * Reads the server again and runs all checks. Throws HostError if it is not protected as config.env asks; returns the
 * checks. A check that could not be done does not fail the apply: it is reported.
 */
const prove = async (options: ApplyOptions, output: Output): Promise<Check[]> => {
  output.note('proving that scanners and protected hosts are treated as config.env asks')
  const checks = (await verifyAssessed(await assess(options))) ?? []
  // A network that config.env leaves out was reported before, and a rollback would not protect it either.
  const failures = checks.filter(isFailure).filter(({ code }) => code !== NETWORKS)
  if (failures.length === 0) return checks
  throw new HostError(
    `the server would not be protected: ${failures.map(({ title, message }) => `${title}: ${message}`).join('; ')}`,
    failures[0]?.hint || 'run portward verify for details',
  )
}

const execute = async (
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
    () => interrupt.abort(),
    () => transact(plan, transaction, () => applyPlan(plan, progress, proof, interrupt.signal)),
  )
  return checks
}

/** One packet to a watched port would end the session in which this command was entered. */
const expectReachable = (problems: readonly Problem[], { allowLockout }: ApplyOptions): void => {
  const exposed = problems.filter(({ code }) => code === 'ssh-client')
  const [first] = exposed
  if (first === undefined || allowLockout) return
  throw new HostError(
    exposed.map(({ message }) => message).join('; '),
    `${first.hint}, or accept the risk with --allow-lockout`,
  )
}

/** Only one apply at a time can wait for confirmation, so that it is clear what would be rolled back. */
const expectConfirmed = (pending: PendingConfirmation | null): void => {
  if (pending === null) return
  throw new HostError(
    `generation ${pending.generation} is waiting for confirmation`,
    'run portward confirm or portward rollback first',
  )
}

const applyLocked = async (options: ApplyOptions, output: Output): Promise<number> => {
  const assessment = await assess(options)
  const { plan, settings, pending, problems } = assessment
  output.problems(problems)
  const document = { problems: problems.map(problemAsJson) }
  if (plan === null || settings === null) {
    output.document('apply', { ...document, applied: false })
    return exitOver(assessment)
  }
  // Whoever is asked has to see the plan, even with --quiet.
  if (!options.quiet || !options.yes) output.result(renderPlan(plan, caveatsOf(problems)))
  expectExact(plan)
  if (isInSync(plan)) {
    output.document('apply', { ...planAsJson(plan, pending), ...document, applied: false })
    return EXIT.ok
  }
  if (options.root === '/') {
    expectReachable(problems, options)
    expectConfirmed(pending)
  }
  if (!options.yes) {
    if (!hasTerminal(options)) {
      throw new HostError(
        'there is no terminal to ask on, and --yes was not given',
        'check the plan, then add --yes',
      )
    }
    const where = plan.root === '/' ? 'this server' : plan.root
    if (!(await askWhether(`Do these ${plan.steps.length} steps on ${where}?`, options))) {
      output.note('nothing was changed')
      return EXIT.failed
    }
  }
  const checks = await execute(plan, settings, options, output)
  const outcome = plan.root === '/' ? 'both daemons are running as planned' : 'files only'
  output.text(`applied: ${plan.steps.length} steps, ${outcome}\n`)
  if (checks.length > 0) output.text(renderProof(checks))
  if (options.confirmWithin !== undefined) {
    const time = formatDuration(options.confirmWithin)
    output.text(`run "portward confirm" within ${time}, or all of this is rolled back\n`)
  }
  const waiting = options.confirmWithin === undefined ? null : await findPending()
  output.document('apply', { ...planAsJson(plan, waiting), ...document, applied: true, checks })
  return EXIT.ok
}

/** `portward apply`: shows the plan, asks, does exactly that, and verifies the result. */
export const applyCommand = async (options: ApplyOptions): Promise<number> => {
  const isLive = options.root === '/'
  if (isLive) expectRoot('apply')
  const output = openOutput(options)
  return locked(options.root, async () => {
    if (isLive) await recoverFirst(output)
    const code = await applyLocked(options, output)
    if (isLive) saveCodeCache()
    return code
  })
}
