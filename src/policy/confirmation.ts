import type { Problem } from '../problem.ts'
import { formatDuration } from '../time.ts'

/** An apply that is in force but will be rolled back unless it is confirmed. */
export interface PendingConfirmation {
  /** Null: only root can read which generation it is. */
  readonly generation: number | null
  /** Until the rollback begins, 0: it has begun or is about to; null: the timer is not running. */
  readonly leftMs: number | null
  /** When that is, for people, in local time. */
  readonly at?: string
}

/** What will happen, and when. */
export const describePending = ({ generation, leftMs, at }: PendingConfirmation): string => {
  const what = generation === null ? 'the last apply' : `generation ${generation}`
  if (leftMs === null)
    return `${what} is not confirmed, and portward-unconfirmed.timer, which would roll it back, is not running`
  // Without the record a rollback looks like an apply that takes longer than the time to confirm it.
  if (leftMs === 0 && generation === null)
    return 'the time to confirm the last apply is up: it is being rolled back, or still being applied'
  if (leftMs === 0) return `${what} was not confirmed in time and is being rolled back`
  const when = `in ${formatDuration(leftMs)}${at === undefined ? '' : ` (at ${at})`}`
  return `${what} is not confirmed and will be rolled back ${when}`
}

/** Reported before all other problems. */
export const pendingProblem = (pending: PendingConfirmation): Problem => ({
  severity: 'warning',
  code: 'unconfirmed',
  message: describePending(pending),
  hint: 'portward confirm keeps it; portward rollback undoes it now',
  at: { path: 'portward' },
})

export const pendingAsJson = (pending: PendingConfirmation | null): object | null =>
  pending === null
    ? null
    : {
        generation: pending.generation,
        secondsLeft: pending.leftMs === null ? null : Math.ceil(pending.leftMs / 1000),
        command: 'portward confirm',
      }
