import { interfere } from './faults.ts'

/**
 * Performs one change to the system. Everything that portward changes goes through here, one call for each change
 * after which a crash can leave the system. Builds for the crash tests, and only these, stop or fail at a chosen one.
 */
export const effect = async <T>(name: string, perform: () => Promise<T>): Promise<T> => {
  if (PORTWARD_FAULTS) await interfere(name)
  return perform()
}
