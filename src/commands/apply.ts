import { applyPlan } from '../host/apply.ts'
import { HostError } from '../host/host-error.ts'
import { takeLock } from '../host/lock.ts'
import { isInSync, type Plan } from '../plan/plan.ts'
import { describeStep, planAsJson, renderPlan } from '../plan/render.ts'
import { type Check, isFailure } from '../verify/check.ts'
import { renderProof } from '../verify/render.ts'
import { load } from './load.ts'
import { EXIT, type GlobalOptions, type Output, openOutput, problemAsJson } from './output.ts'
import { verifyLoaded } from './verify.ts'

export interface ApplyOptions extends GlobalOptions {
  readonly yes?: boolean
}

/** Asks on the terminal. Loaded only here: the prompt library is the slowest thing to start. */
const confirm = async (plan: Plan, { color }: ApplyOptions): Promise<boolean> => {
  if (!color) process.env['NO_COLOR'] = '1'
  const { default: inquirer } = await import('inquirer')
  const message = `Do these ${plan.steps.length} steps on ${plan.root === '/' ? 'this server' : plan.root}?`
  try {
    const prompt = inquirer.createPromptModule({ output: process.stderr })
    const { go } = await prompt([{ type: 'confirm', name: 'go', message, default: false }])
    return go === true
  } catch (error) {
    // Ctrl-C at the question is an answer.
    if (error instanceof Error && error.name === 'ExitPromptError') return false
    throw error
  }
}

const expectExact = ({ inexact }: Plan): void => {
  if (inexact.length === 0) return
  throw new HostError(`no exact plan can be made: ${inexact.join('; ')}`, 'mend that, then apply again')
}

const expectRoot = (root: string): void => {
  if (root !== '/' || process.getuid?.() === 0) return
  throw new HostError(
    'apply changes the system and must be run as root',
    'use sudo, or look at portward plan',
  )
}

/** Turns Ctrl-C and a termination into an orderly end: the step at hand is finished, then all is undone. */
const withSignals = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController()
  const abort = () => controller.abort()
  process.on('SIGINT', abort).on('SIGTERM', abort).on('SIGHUP', abort)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort).off('SIGHUP', abort)
  }
}

/**
 * Looks at the server anew and has everything checked. Throws HostError where it is not protected as config.env asks;
 * returns the checks. What could not be checked here stops nothing: it is told.
 */
const prove = async (options: ApplyOptions, output: Output): Promise<Check[]> => {
  output.note('proving that scanners are banned and the LAN is not')
  const checks = (await verifyLoaded(await load(options))) ?? []
  const failures = checks.filter(isFailure)
  if (failures.length === 0) return checks
  throw new HostError(
    `the server would not be protected: ${failures.map(({ title, message }) => `${title}: ${message}`).join('; ')}`,
    failures[0]?.hint || 'see portward verify',
  )
}

const execute = async (plan: Plan, options: ApplyOptions, output: Output): Promise<Check[]> => {
  const total = plan.steps.length
  let count = 0
  const progress = {
    step: (step: Plan['steps'][number]) => {
      count += 1
      output.note(`[${count}/${total}] ${describeStep(step)}`)
    },
    confirming: () => output.note('waiting until both daemons run as planned'),
    undoing: (step: Plan['steps'][number]) => output.note(`undo: ${describeStep(step)}`),
  }
  const checks: Check[] = []
  const proof = async () => {
    checks.push(...(await prove(options, output)))
  }
  await withSignals((signal) => applyPlan(plan, progress, proof, signal))
  return checks
}

const applyLocked = async (options: ApplyOptions, output: Output): Promise<number> => {
  const { plan, problems, failure } = await load(options)
  output.problems(problems)
  const document = { problems: problems.map(problemAsJson) }
  if (plan === null) {
    output.document('apply', { ...document, applied: false })
    return failure
  }
  // A question without the plan in view could not be answered.
  if (!options.quiet || !options.yes) output.result(renderPlan(plan))
  expectExact(plan)
  if (isInSync(plan)) {
    output.document('apply', { ...planAsJson(plan), ...document, applied: false })
    return EXIT.ok
  }
  if (!options.yes) {
    if (!process.stdin.isTTY || options.json) {
      throw new HostError(
        'there is no terminal to ask on, and --yes was not given',
        'look at the plan, then add --yes',
      )
    }
    if (!(await confirm(plan, options))) {
      output.note('nothing was changed')
      return EXIT.failed
    }
  }
  const checks = await execute(plan, options, output)
  const outcome = plan.root === '/' ? 'both daemons run as planned' : 'files only'
  output.text(`applied: ${plan.steps.length} steps, ${outcome}\n`)
  if (checks.length > 0) output.text(renderProof(checks))
  output.document('apply', { ...planAsJson(plan), ...document, applied: true, checks })
  return EXIT.ok
}

/** `portward apply`: shows the plan, asks, does exactly that, and makes sure that it holds. */
export const applyCommand = async (options: ApplyOptions): Promise<number> => {
  expectRoot(options.root)
  const lock = await takeLock(options.root)
  try {
    return await applyLocked(options, openOutput(options))
  } finally {
    await lock.release()
  }
}
