/** Whoever waits longer than this wants to know what for. */
const SILENCE_MS = 5000

let tell: (text: string) => void = () => undefined

/** Where long waits are told from now on. Nobody is told before. */
export const tellWaitsTo = (teller: (text: string) => void): void => {
  tell = teller
}

const formatLimit = (limitMs: number): string => {
  const seconds = Math.ceil(limitMs / 1000)
  return seconds > 120 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`
}

/** What is being waited for, so that two who wait for the same say so once. */
const pending = new Map<string, number>()

/** Does something that may take long: after five seconds it is told what is waited for, and for how long at most. */
export const waitingFor = async <T>(what: string, limitMs: number, work: () => Promise<T>): Promise<T> => {
  const isFirst = !pending.has(what)
  pending.set(what, (pending.get(what) ?? 0) + 1)
  const timer = isFirst
    ? setTimeout(() => tell(`waiting for ${what}, up to ${formatLimit(limitMs)}`), SILENCE_MS)
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
