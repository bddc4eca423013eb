import { isInSync } from '../plan/plan.ts'
import { planAsJson, renderPlan } from '../plan/render.ts'
import { load } from './load.ts'
import { EXIT, type GlobalOptions, openOutput, problemAsJson } from './output.ts'

/** `portward plan`: says what apply would do, and touches nothing. */
export const planCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const { plan, problems, failure } = await load(options)
  output.problems(problems)
  const document = { problems: problems.map(problemAsJson) }
  if (plan === null) {
    output.document('plan', document)
    return failure
  }
  output.result(renderPlan(plan))
  output.document('plan', { ...planAsJson(plan), ...document })
  return isInSync(plan) ? EXIT.ok : EXIT.pending
}
