import { STATE } from '../system/lock.ts'
import { uninterrupted } from '../system/signals.ts'
import { foldRefreshes } from './fold.ts'
import { freeReserve, readJournal } from './journal.ts'
import { deleteUnused } from './store.ts'

/**
 * Recovers from a crash: undoes an interrupted apply or refresh, finishes an interrupted rollback. Returns a message about what was
 * done; null if there was nothing to do. Throws HostError if it fails.
 */
export const recover = (): Promise<string | null> =>
  uninterrupted(async () => {
    const journal = await readJournal(STATE)
    // Loaded only here, since this almost never happens.
    const done = journal && (await (await import('./transaction.ts')).finish(journal))
    await freeReserve(STATE)
    await deleteUnused(STATE)
    // It may have been killed after its last step.
    await foldRefreshes(STATE)
    return done
  }, 'what an earlier command left')
