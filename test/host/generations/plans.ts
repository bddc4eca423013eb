import type { Plan, Step } from '../../../src/plan/plan.ts'
import type { Desired } from '../../../src/policy/desired.ts'

const HISTORY = '/var/lib/portsentry/portsentry.history'

/** Of what is desired a generation only wants to know which files daemons add to. */
export const planOf = (root: string, steps: readonly Step[]): Plan => {
  const desired: Pick<Desired, 'historyPath' | 'logs'> = { historyPath: HISTORY, logs: [] }
  return { root, steps, desired: desired as Desired, wrapped: [], inexact: [] }
}

export const write = (path: string, after: string, before: string | null = null): Step => ({
  ...{ kind: 'write', path, before, after, mode: 0o644, fromPackage: false, reasons: [] },
})
