import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '../../system/clock.ts'

export const POLL_MS = 25

/** Polls until something is done. Returns whether it was in time. */
export const waitUntil = async (
  isDone: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> => {
  const deadline = monotonicMs() + timeoutMs
  while (!(await isDone())) {
    const isLate = monotonicMs() > deadline
    await sleep(POLL_MS)
    // If this process itself was not scheduled in time, what has happened by now counts.
    if (isLate) return isDone()
  }
  return true
}
