import { type Assessment, assess } from '../assessment/assess.ts'
import { pendingAsJson } from '../policy/confirmation.ts'
import { HostError } from '../system/host-error.ts'
import { activity } from '../system/progress.ts'
import { type Check, isFailure } from '../verify/check.ts'
import { openLab } from '../verify/lab/laboratory.ts'
import { recordVerify } from '../verify/last-verify.ts'
import { renderChecks } from '../verify/render.ts'
import { type Reporting, verify } from '../verify/verify.ts'
import { EXIT, exitOver, type GlobalOptions, type Output, openOutput, problemAsJson } from './output.ts'

/**
 * Reads the server or tree, and runs all checks; they are null if there is no desired state to check against: config.env is
 * wrong, or the release unknown.
 */
export const assessAndVerify = async (
  options: GlobalOptions,
  reporting: Reporting,
  reading: <T>(work: () => Promise<T>) => Promise<T> = (work) => work(),
): Promise<{ assessment: Assessment; checks: Check[] | null }> => {
  const lab = options.root === '/' ? openLab() : null
  try {
    const assessment = await reading(() => assess(options))
    const { desired, facts, plan, problems } = assessment
    const checks = desired === null ? null : await verify(desired, facts, plan, problems, lab, reporting)
    return { assessment, checks }
  } finally {
    lab?.close()
  }
}

/** Records the result for `status` and `metrics`. Where that fails it is only told: the checks are what was asked for. */
export const recordResult = async (checks: readonly Check[], { note }: Output): Promise<void> => {
  if (process.getuid?.() !== 0) return
  try {
    await recordVerify(checks)
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    note(`the result was not recorded: ${error.message} — ${error.hint}`)
  }
}

/** `portward verify`: proves the ban path on this server without touching its live state. It records the result. */
export const verifyCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const { assessment, checks } = await assessAndVerify(options, (part, work) =>
    activity(`checking: ${part}`, work),
  )
  const problems = {
    confirmation: pendingAsJson(assessment.pending),
    problems: assessment.problems.map(problemAsJson),
  }
  if (checks === null) {
    output.problems(assessment.problems)
    output.document('verify', { ...problems, checks: null })
    return exitOver(assessment)
  }
  output.text(renderChecks(checks, options.quiet))
  if (options.root === '/') await recordResult(checks, output)
  output.nameCodes(checks.filter(isFailure).map(({ code }) => code))
  output.document('verify', { ...problems, passed: !checks.some(isFailure), checks })
  return checks.some(isFailure) ? EXIT.failed : EXIT.ok
}
