import type { Problem } from '../problem.ts'
import { formatDuration } from '../time.ts'

/** An apply that is in force but will be rolled back unless it is confirmed. */
export interface PendingConfirmation {
  /** Null: only root can read which generation it is. */
  readonly generation: number | null
  /** Until the rollback begins, 0: it has begun or is about to; null: nothing will begin it. */
  readonly leftMs: number | null
  /** When that is, for people, in local time. */
  readonly at?: string
  /** How far its rollback has come: the timer's, or one by hand; absent: not begun. */
  readonly rollback?: 'by-timer' | 'by-hand' | 'interrupted'
}

/** What is seen of the rollback of an apply that is not confirmed. */
export interface SeenRollback {
  /** Until the timer elapses, at least 0; null: it is not running. */
  readonly timerLeftMs: number | null
  /** What the timer starts; `waiting`: for another portward to end. */
  readonly service: 'inactive' | 'waiting' | 'running'
  /** Whether the record of a rollback of this generation is open, and whether a portward is at it. */
  readonly journal: 'none' | 'running' | 'interrupted'
}

export const judgePending = (
  generation: number | null,
  { timerLeftMs, service, journal }: SeenRollback,
): PendingConfirmation => {
  if (service === 'running') return { generation, leftMs: 0, rollback: 'by-timer' }
  if (journal === 'running') return { generation, leftMs: 0, rollback: 'by-hand' }
  if (service === 'waiting') return { generation, leftMs: 0 }
  if (journal === 'interrupted') return { generation, leftMs: timerLeftMs, rollback: 'interrupted' }
  return { generation, leftMs: timerLeftMs }
}

const BEGUN = 'wait until it has finished, then see portward generations'
const OFFERED = 'portward confirm keeps it; portward rollback undoes it now'

/** What will happen, and when; and what to do. */
const judge = ({
  generation,
  leftMs,
  at,
  rollback,
}: PendingConfirmation): [message: string, hint: string] => {
  const what = generation === null ? 'the last apply' : `generation ${generation}`
  if (rollback === 'by-timer')
    return [`${what} was not confirmed in time: portward-unconfirmed.service is rolling it back now`, BEGUN]
  if (rollback === 'by-hand') return [`a portward that is running is rolling ${what} back now`, BEGUN]
  if (rollback === 'interrupted')
    return [`the rollback of ${what} was interrupted`, 'portward rollback finishes it']
  if (leftMs === null)
    return [
      `${what} is not confirmed, and portward-unconfirmed.timer, which would roll it back, is not running`,
      OFFERED,
    ]
  // Without the record an apply that takes longer than the time to confirm it looks the same.
  if (leftMs === 0 && generation === null)
    return [
      'the time to confirm the last apply is up: it will be rolled back, or is still being applied',
      BEGUN,
    ]
  if (leftMs === 0)
    return [
      `${what} was not confirmed in time: it is rolled back as soon as no other portward is running`,
      BEGUN,
    ]
  const when = `in ${formatDuration(leftMs)}${at === undefined ? '' : ` (at ${at})`}`
  return [`${what} is not confirmed and will be rolled back ${when}`, OFFERED]
}

/** What will happen, and when. */
export const describePending = (pending: PendingConfirmation): string => judge(pending)[0]

/** Reported before all other problems. */
export const pendingProblem = (pending: PendingConfirmation): Problem => {
  const [message, hint] = judge(pending)
  return { severity: 'warning', code: 'unconfirmed', message, hint, at: { path: 'portward' } }
}

export const pendingAsJson = (pending: PendingConfirmation | null): object | null =>
  pending === null
    ? null
    : {
        generation: pending.generation,
        secondsLeft: pending.leftMs === null ? null : Math.ceil(pending.leftMs / 1000),
        command: 'portward confirm',
      }
