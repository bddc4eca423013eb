import { assess } from '../assessment/assess.ts'
import { findPending } from '../generations/unfinished.ts'
import { counted } from '../phrases.ts'
import { isInSync, type Plan } from '../plan/plan.ts'
import { planAsJson } from '../plan/render.ts'
import { summaryInWords } from '../plan/summary.ts'
import type { PendingConfirmation } from '../policy/confirmation.ts'
import type { Problem } from '../problem.ts'
import { wrap } from '../styled.ts'
import { monotonicMs } from '../system/clock.ts'
import { saveCodeCache } from '../system/code-cache.ts'
import { HostError } from '../system/host-error.ts'
import { formatDuration } from '../time.ts'
import { renderProof } from '../verify/render.ts'
import { askWhether, hasTerminal } from './ask.ts'
import type { ApplyOptions } from './execute.ts'
import { type AskUnlocked, expectRoot, locked, recoverFirst } from './locked.ts'
import { EXIT, exitOver, type Output, openOutput, problemAsJson } from './output.ts'
import { planText, renderSummary } from './plan-text.ts'
import { formatElapsed } from './progress-lines.ts'
import { recordResult } from './verify.ts'

const expectExact = ({ inexact }: Plan): void => {
  if (inexact.length === 0) return
  throw new HostError(`cannot make an exact plan: ${inexact.join('; ')}`, 'fix this, then run apply again')
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

const applyLocked = async (
  options: ApplyOptions,
  output: Output,
  askUnlocked: AskUnlocked,
): Promise<number> => {
  const assessment = await assess(options)
  const { plan, settings, pending, problems } = assessment
  output.problems(problems)
  const document = { problems: problems.map(problemAsJson) }
  if (plan === null || settings === null) {
    output.document('apply', { ...document, applied: false })
    return exitOver(assessment)
  }
  // Whoever is asked has to see the plan, even with --quiet.
  if (!options.quiet || !options.yes) {
    const text = planText(plan, problems, options, output)
    output.result(isInSync(plan) ? text : `${text}\n`)
  }
  expectExact(plan)
  if (isInSync(plan)) {
    output.document('apply', { ...planAsJson(plan, pending), ...document, applied: false })
    return EXIT.ok
  }
  if (options.root === '/') {
    expectReachable(problems, options)
    expectConfirmed(pending)
  }
  if (options.yes) {
    if (!options.quiet) output.text(renderSummary(plan, output))
  } else {
    if (!hasTerminal(options)) {
      throw new HostError(
        'there is no terminal to ask on, and --yes was not given',
        'check the plan, then add --yes',
      )
    }
    const where = plan.root === '/' ? 'this server' : plan.root
    const summary = wrap(`${summaryInWords(plan)}.`, output.screen.columns - 2, 2)
    const question = `${summary}\n  Apply these changes to ${where}?`
    if (!(await askUnlocked(() => askWhether(question, options)))) {
      output.note('nothing was changed')
      return EXIT.failed
    }
  }
  const { execute } = await import('./execute.ts')
  const begunMs = monotonicMs()
  const checks = await execute(plan, settings, options)
  // The proof of an apply that was undone is about a server that is not there any more.
  if (checks.length > 0) await recordResult(checks, output)
  const outcome =
    plan.root === '/'
      ? ` in ${formatElapsed(monotonicMs() - begunMs)}, both daemons are running as planned`
      : ', files only'
  output.text(`applied: ${counted(plan.steps.length, 'step')}${outcome}\n`)
  if (checks.length > 0) output.text(renderProof(checks))
  if (plan.root === '/' && output.screen.isTerminal && options.confirmWithin === undefined && !options.quiet)
    output.text('next: portward status shows how it is; portward rollback takes this apply back\n')
  const waiting = options.confirmWithin === undefined ? null : await findPending()
  if (options.confirmWithin !== undefined) {
    const time = formatDuration(options.confirmWithin)
    const at = waiting?.at === undefined ? '' : ` at ${waiting.at}`
    output.text(
      `run "portward confirm" within ${time}, or all of this is rolled back${at}\nfirst log in anew, from a second terminal: that shows that you still can\n`,
    )
  }
  output.document('apply', { ...planAsJson(plan, waiting), ...document, applied: true, checks })
  return EXIT.ok
}

/** `portward apply`: shows the plan, asks, does exactly that, and verifies the result. */
export const applyCommand = async (options: ApplyOptions): Promise<number> => {
  const isLive = options.root === '/'
  if (isLive) expectRoot('apply')
  const output = openOutput(options)
  return locked(options.root, async (askUnlocked) => {
    if (isLive) await recoverFirst(output)
    const code = await applyLocked(options, output, askUnlocked)
    if (isLive) saveCodeCache()
    return code
  })
}
