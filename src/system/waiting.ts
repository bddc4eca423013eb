import { formatDuration } from '../time.ts'

/** A wait that takes longer than this is reported. */
const SILENCE_MS = 5000

/** Of the works under way, the latest last: it is told. */
const reporters = new Set<(text: string) => void>()

/** Long waits during `work` are passed to `report`; those outside of such work are not reported. */
export const reportingWaits = async <T>(
  report: (text: string) => void,
  work: () => Promise<T>,
): Promise<T> => {
  reporters.add(report)
  try {
    return await work()
  } finally {
    reporters.delete(report)
  }
}

/** What is being waited for, with the number of waits, so that two waits for the same are reported once. */
const pending = new Map<string, number>()

/** Does work that may take long: after five seconds reports what is waited for, and for how long at most. */
export const waitingFor = async <T>(what: string, limitMs: number, work: () => Promise<T>): Promise<T> => {
  const isFirst = !pending.has(what)
  pending.set(what, (pending.get(what) ?? 0) + 1)
  const timer = isFirst
    ? setTimeout(() => {
        const report = [...reporters].at(-1)
        report?.(`waiting for ${what}, up to ${formatDuration(limitMs)}`)
      }, SILENCE_MS)
    : undefined
  try {
    return await work()
  } finally {
    clearTimeout(timer)
    const others = (pending.get(what) ?? 1) - 1
    if (others === 0) pending.delete(what)
    else pending.set(what, others)
  }
}
