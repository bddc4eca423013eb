import { recover } from '../generations/transaction.ts'
import { HostError } from '../system/host-error.ts'
import { takeLock } from '../system/lock.ts'
import type { Output } from './output.ts'

/** Prints each part of a rollback. */
export const tellRollback =
  (output: Output) =>
  (what: string): void =>
    output.note(`rolling back: ${what}`)

/** Before anything else is done: brings the server out of the middle where an earlier command died there. Whether it had. */
export const recoverFirst = async (output: Output): Promise<boolean> => {
  const done = await recover(tellRollback(output))
  if (done !== null) output.note(done)
  return done !== null
}

/** Does the work of a command that changes a server or tree, and keeps others off it meanwhile. Throws HostError. */
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
