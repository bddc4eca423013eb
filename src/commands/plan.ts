import { join } from 'node:path'
import { type Assessment, assess, locate } from '../assessment/assess.ts'
import type { DiffChoice, Format, Report } from '../plan/formats/report.ts'
import { isInSync } from '../plan/plan.ts'
import { planAsJson } from '../plan/render.ts'
import type { Problem } from '../problem.ts'
import { wrap } from '../styled.ts'
import { HostError } from '../system/host-error.ts'
import { nextStep } from './next-step.ts'
import { EXIT, exitOver, type GlobalOptions, openOutput, problemAsJson } from './output.ts'
import { planText, renderSummary } from './plan-text.ts'

export interface PlanOptions extends GlobalOptions {
  readonly format?: Format
  readonly diff?: DiffChoice
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
    const { plan, pending, problems } = found
    if (format === 'diff') {
      const { renderDiff } = await import('../plan/diff.ts')
      if (plan !== null) output.result(plan.steps.map(renderDiff).join(''))
    } else if (format !== 'text' && format !== 'json') {
      const { renderReport } = await import('../plan/formats/format.ts')
      const { sha256 } = await import('../generations/digest.ts')
      output.text(renderReport(format, reportOn(options, found), sha256))
    } else if (plan !== null && format === 'text') {
      const isRoot = process.getuid?.() === 0
      const next = nextStep(plan, problems, pending, { ...options, isRoot })
      const end = isInSync(plan)
        ? ''
        : `\n${renderSummary(plan, output)}${wrap(next, output.screen.columns, 2)}\n`
      await output.page(planText(plan, problems, options, output) + end)
    }
    const content = { problems: problems.map(problemAsJson) }
    output.document('plan', plan === null ? content : { ...planAsJson(plan, pending), ...content })
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
