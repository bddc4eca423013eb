import type { Facts } from '../policy/facts.ts'
import { asRecorded, NAMES_PATH } from '../policy/host-names.ts'
import type { Settings } from '../settings/settings.ts'
import type { Plan, Step } from './plan.ts'
import { plan as makePlan } from './planner.ts'
import { CHANGES, planServices } from './services.ts'

/** What has to be done since addresses have changed. */
export interface Refresh {
  /** Part of the plan that apply would carry out now. */
  readonly plan: Plan
  /** Files that somebody else has changed, so that only an apply may change them. */
  readonly refused: readonly string[]
  /** Whether both daemons run as planned, apart from the new addresses. */
  readonly isRunning: boolean
}

const pathOf = (step: Step): string | null => ('path' in step ? step.path : null)

const isChange = (step: Step) => step.kind === 'write' || step.kind === 'remove'

/** Whether these files are all that a step of a service is for: a daemon that an admin has stopped is not started. */
const isFor = (step: Step, paths: ReadonlySet<string>): boolean => {
  if (step.kind !== 'load-bans' && step.kind !== 'restart' && step.kind !== 'reload') return false
  return step.reasons.every(
    (reason) => reason.endsWith(CHANGES) && paths.has(reason.slice(0, -CHANGES.length)),
  )
}

/**
 * What a change of addresses requires, and nothing else that differs from config.env. It is what `wanted`, the plan with the
 * answers of today, has beyond the plan with the recorded ones. Null: no address has changed. Pure.
 */
export const planRefresh = (settings: Settings, facts: Facts, wanted: Plan): Refresh | null => {
  const { live } = facts
  if (live === null || !wanted.steps.some((step) => pathOf(step) === NAMES_PATH)) return null
  const recorded = makePlan(settings, asRecorded(facts)).plan
  const [others, steps] = [recorded?.steps ?? [], wanted.steps]
  const drifted = new Set(others.map(pathOf))
  // Then config.env names other hosts than the last apply.
  const isOther = recorded === null || drifted.has(NAMES_PATH)
  const isOpen = (step: Step) => isOther || drifted.has(pathOf(step))
  const textOf = (step: Step | undefined) => (step?.kind === 'write' ? step.after : null)
  const refused = steps
    .filter((step) => isChange(step) && isOpen(step))
    .filter((step) => textOf(others.find((other) => pathOf(other) === pathOf(step))) !== textOf(step))
  const changes = steps.filter(isChange).filter((step) => !isOpen(step))
  const paths = new Set(changes.map(({ path }) => path))
  const services = planServices(wanted.desired, facts, live, changes).filter((step) => isFor(step, paths))
  const known = new Set(others.flatMap((step) => (step.kind === 'release' ? [step.address] : [])))
  const releases = steps.filter((step) => step.kind === 'release' && !known.has(step.address))
  return {
    plan: { ...wanted, steps: isOther ? [] : [...changes, ...services, ...releases] },
    refused: refused.flatMap((step) => pathOf(step) ?? []),
    isRunning: !others.some(({ kind }) => kind === 'restart' || kind === 'enable'),
  }
}
