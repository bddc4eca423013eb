import { type Assessment, assess } from '../assessment/assess.ts'
import { pendingAsJson } from '../policy/confirmation.ts'
import { type Check, isFailure } from '../verify/check.ts'
import { renderChecks } from '../verify/render.ts'
import { verify } from '../verify/verify.ts'
import { EXIT, exitOver, type GlobalOptions, openOutput, problemAsJson } from './output.ts'

/** All checks, or null if there is no desired state to check against: config.env is wrong, or the release unknown. */
export const verifyAssessed = async ({
  desired,
  facts,
  plan,
  problems,
}: Assessment): Promise<Check[] | null> => (desired === null ? null : verify(desired, facts, plan, problems))

/** `portward verify`: proves the ban path on this server without touching its live state. */
export const verifyCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const assessment = await assess(options)
  const checks = await verifyAssessed(assessment)
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
  output.document('verify', { ...problems, passed: !checks.some(isFailure), checks })
  return checks.some(isFailure) ? EXIT.failed : EXIT.ok
}
