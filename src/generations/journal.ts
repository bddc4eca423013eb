import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { effect } from '../system/effect.ts'
import { replaceFile, syncPath } from '../system/files.ts'
import { errnoOf, HostError } from '../system/host-error.ts'
import { directoryOf, readJson } from './store.ts'

/** The operation in progress, for the next command after a crash. */
export interface Journal {
  readonly operation: 'apply' | 'rollback'
  /** The generations concerned, the latest first. */
  readonly generations: readonly number[]
  readonly started: string
}

const journalOf = (state: string): string => join(state, 'journal.json')

export const readJournal = (state: string): Promise<Journal | null> => readJson(journalOf(state))

/** From here on, the journal exists after a crash. */
export const openJournal = (state: string, journal: Journal): Promise<void> =>
  replaceFile('/', journalOf(state), `${JSON.stringify(journal)}\n`, 0o600)

export const closeJournal = (state: string): Promise<void> =>
  effect('close the journal', async () => {
    await rm(journalOf(state), { force: true })
    await syncPath(state)
  })

const reserveOf = (state: string): string => join(state, 'reserve')

/** Space beyond the files themselves: for directories, the journal, the records. */
const SLACK_BYTES = 256 * 1024

/**
 * Reserves the disk space that restoring the files of a generation needs, so that a rollback works even if the disk is full by
 * then. Throws HostError if there is not enough.
 */
export const takeReserve = async (state: string, generation: number): Promise<void> => {
  const directory = directoryOf(state, generation)
  const entries = await Promise.all((await readdir(directory)).map((name) => stat(join(directory, name))))
  const bytes = entries.reduce((sum, { size }) => sum + size, SLACK_BYTES)
  await effect('reserve room for a rollback', async () => {
    try {
      await writeFile(reserveOf(state), Buffer.alloc(bytes), { mode: 0o600, flush: true })
    } catch (error) {
      await rm(reserveOf(state), { force: true })
      throw new HostError(
        `not enough space in ${state} for a rollback: ${errnoOf(error)}`,
        'free some space',
        {
          cause: error,
        },
      )
    }
  })
}

export const freeReserve = (state: string): Promise<void> =>
  effect('free the reserve', () => rm(reserveOf(state), { force: true }))
