import { pendingAsJson } from '../policy/confirmation.ts'
import { desire } from '../policy/desired.ts'
import { type Check, isFailure } from '../verify/check.ts'
import { renderChecks } from '../verify/render.ts'
import { verify } from '../verify/verify.ts'
import { type Loaded, load } from './load.ts'
import { EXIT, type GlobalOptions, openOutput, problemAsJson } from './output.ts'

/** All checks, or null where config.env or the server's release leaves nothing to check against. */
export const verifyLoaded = async ({
  settings,
  facts,
  release,
  plan,
  problems,
}: Loaded): Promise<Check[] | null> => {
  if (settings === null || facts === null || release === null) return null
  const { desired } = plan ?? desire(settings, facts, release)
  return verify(desired, facts, plan, problems)
}

/** `portward verify`: proves the ban path on this server without touching its live state. */
export const verifyCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const loaded = await load(options)
  const checks = await verifyLoaded(loaded)
  const problems = {
    confirmation: pendingAsJson(loaded.pending),
    problems: loaded.problems.map(problemAsJson),
  }
  if (checks === null) {
    output.problems(loaded.problems)
    output.document('verify', { ...problems, checks: null })
    return loaded.failure
  }
  output.text(renderChecks(checks, options.quiet))
  output.document('verify', { ...problems, passed: !checks.some(isFailure), checks })
  return checks.some(isFailure) ? EXIT.failed : EXIT.ok
}
