import { setTimeout as sleep } from 'node:timers/promises'

export const POLL_MS = 25

/** Polls until something is done. Returns whether it was within that time. */
export const waitUntil = async (
  isDone: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs
  while (!(await isDone())) {
    const isLate = performance.now() > deadline
    await sleep(POLL_MS)
    // It may be this process that had to wait: what has come in by now counts.
    if (isLate) return isDone()
  }
  return true
}
