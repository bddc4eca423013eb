import { setTimeout as sleep } from 'node:timers/promises'

export interface Patience {
  timeoutMs?: number
  intervalMs?: number
}

/**
 * Polls until `attempt` yields something truthy, and returns that. Daemons act when they act: tests ask for
 * the outcome with a generous limit and never assert how long it took. A throwing attempt counts as "not
 * yet"; its error becomes the cause when the time is up.
 */
export const eventually = async <T>(
  what: string,
  attempt: () => Promise<T> | T,
  { timeoutMs = 90_000, intervalMs = 200 }: Patience = {},
): Promise<NonNullable<T>> => {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    let cause: unknown
    try {
      const value = await attempt()
      if (value) return value
    } catch (error) {
      cause = error
    }
    if (Date.now() > deadline) {
      const detail = cause instanceof Error ? `: ${cause.message}` : ''
      throw new Error(`not within ${timeoutMs} ms: ${what}${detail}`, { cause })
    }
    await sleep(intervalMs)
  }
}
