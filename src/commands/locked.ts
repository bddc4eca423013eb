import { describeMeanwhile, readRecorded } from '../generations/meanwhile.ts'
import { recover } from '../generations/recover.ts'
import { describeUnfinished, findUnfinished } from '../generations/unfinished.ts'
import { HostError } from '../system/host-error.ts'
import { type Lock, takeLock } from '../system/lock.ts'
import type { Output } from './output.ts'

/** Finishes or undoes an earlier command that died half-way, before anything else is done. Returns whether there was one. */
export const recoverFirst = async (output: Output): Promise<boolean> => {
  const done = await recover()
  if (done !== null) output.note(done)
  return done !== null
}

/** Throws HostError, which says what the other portward is doing. */
const take = (root: string): Promise<Lock> =>
  takeLock(root).catch(async (error: unknown) => {
    const other = root === '/' && error instanceof HostError ? await findUnfinished() : null
    if (!(error instanceof HostError) || !other?.isRunning) throw error
    throw new HostError(`${error.message}: ${describeUnfinished(other)}`, error.hint, { cause: error })
  })

/**
 * Asks a person, who may take hours or be cut off from the server, without the lock: the timer's rollback and `portward
 * confirm` must not wait for that. Returns the answer. Throws HostError if another portward has changed the server meanwhile.
 */
export type AskUnlocked = (ask: () => Promise<boolean>) => Promise<boolean>

/** Does the work of a command that changes a server or tree while holding the lock. Throws HostError. */
export const locked = async <T>(root: string, work: (askUnlocked: AskUnlocked) => Promise<T>): Promise<T> => {
  let lock: Lock | null = await take(root)
  const release = async (): Promise<void> => {
    await lock?.release()
    lock = null
  }
  // Trees have no records: each step looks at the files that it changes.
  const read = async () => (root === '/' ? readRecorded() : { generations: [], journal: null })
  const askUnlocked: AskUnlocked = async (ask) => {
    const before = await read()
    await release()
    const isAgreed = await ask()
    if (isAgreed) lock = await take(root)
    const changes = describeMeanwhile(before, await read())
    if (changes.length === 0) return isAgreed
    throw new HostError(
      `${changes.join(', ')} while the question was open: this command has changed nothing`,
      'see portward generations',
    )
  }
  try {
    return await work(askUnlocked)
  } finally {
    await release()
  }
}

/** Throws HostError. */
export const expectRoot = (command: string): void => {
  if (process.getuid?.() !== 0) throw new HostError(`${command} must be run as root`, 'use sudo')
}
