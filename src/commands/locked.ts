import { recover } from '../generations/recover.ts'
import { HostError } from '../system/host-error.ts'
import { takeLock } from '../system/lock.ts'
import type { Output } from './output.ts'

/** Finishes or undoes an earlier command that died half-way, before anything else is done. Returns whether there was one. */
export const recoverFirst = async (output: Output): Promise<boolean> => {
  const done = await recover()
  if (done !== null) output.note(done)
  return done !== null
}

/** Does the work of a command that changes a server or tree while holding the lock. Throws HostError. */
export const locked = async <T>(root: string, work: () => Promise<T>): Promise<T> => {
  const lock = await takeLock(root)
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

/** Throws HostError. */
export const expectRoot = (command: string): void => {
  if (process.getuid?.() !== 0) throw new HostError(`${command} must be run as root`, 'use sudo')
}
