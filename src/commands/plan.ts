import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { HostError } from '../host/host-error.ts'
import { type Format, renderReport } from '../plan/formats/format.ts'
import type { Report } from '../plan/formats/report.ts'
import { isInSync } from '../plan/plan.ts'
import { planAsJson, renderPlan } from '../plan/render.ts'
import { caveatsOf, type Problem } from '../problem.ts'
import { type Loaded, load, locate } from './load.ts'
import { EXIT, type GlobalOptions, openOutput, problemAsJson } from './output.ts'

export interface PlanOptions extends GlobalOptions {
  readonly format?: Format
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** An effect that failed, as the one thing that there is to tell. */
const failureAsProblem = ({ message, hint }: HostError): Problem => ({
  severity: 'error',
  code: 'failed',
  message,
  hint,
  at: { path: 'portward' },
})

const reportOn = (
  options: PlanOptions,
  { plan, problems, failure }: Pick<Loaded, 'plan' | 'problems' | 'failure'>,
): Report => {
  const { root, path } = locate(options)
  return {
    plan,
    problems,
    isConfigurationWrong: failure === EXIT.configuration,
    configPath: join(root, path),
    directory: process.cwd(),
  }
}

/** `portward plan`: says what apply would do, and touches nothing. */
export const planCommand = async (options: PlanOptions): Promise<number> => {
  const output = openOutput(options)
  const { format = options.json ? 'json' : 'text' } = options
  const print = (loaded: Pick<Loaded, 'plan' | 'pending' | 'problems' | 'failure'>) => {
    if (format !== 'text' && format !== 'json')
      output.text(renderReport(format, reportOn(options, loaded), sha256))
    else if (loaded.plan !== null && format === 'text')
      output.result(renderPlan(loaded.plan, caveatsOf(loaded.problems)))
    const content = { problems: loaded.problems.map(problemAsJson) }
    output.document(
      'plan',
      loaded.plan === null ? content : { ...planAsJson(loaded.plan, loaded.pending), ...content },
    )
  }
  let loaded: Loaded
  try {
    loaded = await load(options)
  } catch (error) {
    // A failure is told as JSON by whoever catches it; the other formats say it here.
    if (error instanceof HostError && format !== 'json') {
      print({ plan: null, pending: null, problems: [failureAsProblem(error)], failure: EXIT.failed })
    }
    throw error
  }
  output.problems(loaded.problems)
  print(loaded)
  if (loaded.plan === null) return loaded.failure
  return isInSync(loaded.plan) ? EXIT.ok : EXIT.pending
}
