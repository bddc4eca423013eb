import type { Plan } from '../../src/plan/plan.ts'
import { type PlanText, renderPlan } from '../../src/plan/render.ts'
import { withoutStyles } from '../../src/styled.ts'

/** The text of a plan without styles, not wrapped unless `columns` says otherwise. */
export const textOf = (plan: Plan, changes: Partial<PlanText> = {}): string =>
  withoutStyles(
    renderPlan(plan, {
      ...{ columns: Number.POSITIVE_INFINITY, diff: 'folded', isVerbose: false, caveats: [] },
      ...changes,
    }),
  )
