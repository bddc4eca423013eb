import { remark } from './progress.ts'

/** What asks a process to end: Ctrl-C, kill, a terminal that was closed. */
export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** While the work is done, SIGINT, SIGTERM and SIGHUP call `handle` instead of ending this process. */
export const handlingSignals = async <T>(handle: () => void, work: () => Promise<T>): Promise<T> => {
  for (const signal of SIGNALS) process.on(signal, handle)
  try {
    return await work()
  } finally {
    for (const signal of SIGNALS) process.off(signal, handle)
  }
}

/** Does work that a closed terminal or Ctrl-C must not stop half-way. Says so if `what` names it: `the rollback`. */
export const uninterrupted = <T>(work: () => Promise<T>, what?: string): Promise<T> => {
  let isAgain = false
  const handle = (): void => {
    if (what === undefined) return
    remark(isAgain ? `already finishing ${what}` : `finishing ${what}, which must not stop half-way`)
    isAgain = true
  }
  return handlingSignals(handle, work)
}
