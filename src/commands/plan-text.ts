import type { DiffChoice } from '../plan/formats/report.ts'
import type { Plan } from '../plan/plan.ts'
import { renderPlan } from '../plan/render.ts'
import { summaryInWords } from '../plan/summary.ts'
import { caveatsOf, type Problem } from '../problem.ts'
import { wrap } from '../styled.ts'
import type { GlobalOptions, Output } from './output.ts'

/** A plan as `plan` and `apply` print it, without the summary. */
export const planText = (
  plan: Plan,
  problems: readonly Problem[],
  { diff = 'folded', verbose = false }: GlobalOptions & { readonly diff?: DiffChoice },
  { screen }: Output,
): string =>
  renderPlan(plan, {
    columns: screen.columns,
    diff,
    isVerbose: verbose,
    caveats: caveatsOf(problems),
  })

export const renderSummary = (plan: Plan, { screen }: Output): string => {
  const more = plan.inexact.length === 0 ? '' : 'at least '
  return plan.steps.length === 0 ? '' : `${wrap(more + summaryInWords(plan), screen.columns, 2)}\n`
}
