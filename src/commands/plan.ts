import { join } from 'node:path'
import { type Assessment, assess, locate } from '../assessment/assess.ts'
import type { Format, Report } from '../plan/formats/report.ts'
import { isInSync } from '../plan/plan.ts'
import { planAsJson, renderPlan } from '../plan/render.ts'
import { caveatsOf, type Problem } from '../problem.ts'
import { HostError } from '../system/host-error.ts'
import { EXIT, exitOver, type GlobalOptions, openOutput, problemAsJson } from './output.ts'

export interface PlanOptions extends GlobalOptions {
  readonly format?: Format
}

/** An effect that failed, as the only problem of a report. */
const failureAsProblem = ({ message, hint }: HostError): Problem => ({
  severity: 'error',
  code: 'failed',
  message,
  hint,
  at: { path: 'portward' },
})

const reportOn = (
  options: PlanOptions,
  { plan, problems, isConfigurationWrong }: Pick<Assessment, 'plan' | 'problems' | 'isConfigurationWrong'>,
): Report => {
  const { root, path } = locate(options)
  return {
    plan,
    problems,
    isConfigurationWrong,
    configPath: join(root, path),
    directory: process.cwd(),
  }
}

/** `portward plan`: shows what apply would do; changes nothing. */
export const planCommand = async (options: PlanOptions): Promise<number> => {
  const output = openOutput(options)
  const { format = options.json ? 'json' : 'text' } = options
  const print = async (found: Pick<Assessment, 'plan' | 'pending' | 'problems' | 'isConfigurationWrong'>) => {
    if (format !== 'text' && format !== 'json') {
      const { renderReport } = await import('../plan/formats/format.ts')
      const { sha256 } = await import('../generations/digest.ts')
      output.text(renderReport(format, reportOn(options, found), sha256))
    } else if (found.plan !== null && format === 'text')
      await output.page(renderPlan(found.plan, caveatsOf(found.problems)))
    const content = { problems: found.problems.map(problemAsJson) }
    output.document(
      'plan',
      found.plan === null ? content : { ...planAsJson(found.plan, found.pending), ...content },
    )
  }
  let assessment: Assessment
  try {
    assessment = await assess(options)
  } catch (error) {
    // The caller reports a failure as JSON; the other formats report it here.
    if (error instanceof HostError && format !== 'json') {
      await print({
        plan: null,
        pending: null,
        problems: [failureAsProblem(error)],
        isConfigurationWrong: false,
      })
    }
    throw error
  }
  output.problems(assessment.problems)
  await print(assessment)
  if (assessment.plan === null) return exitOver(assessment)
  return isInSync(assessment.plan) ? EXIT.ok : EXIT.pending
}
