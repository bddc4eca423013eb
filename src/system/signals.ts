const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Has Ctrl-C, a termination and a closed terminal call `handle` instead of ending this process while the work is done. */
export const handlingSignals = async <T>(handle: () => void, work: () => Promise<T>): Promise<T> => {
  for (const signal of SIGNALS) process.on(signal, handle)
  try {
    return await work()
  } finally {
    for (const signal of SIGNALS) process.off(signal, handle)
  }
}
