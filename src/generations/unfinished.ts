import { judgePending, type PendingConfirmation } from '../policy/confirmation.ts'
import { isLocked, STATE } from '../system/lock.ts'
import { formatTimestamp } from '../system/timestamps.ts'
import { isArmed, readTimer } from './confirmation.ts'
import { type Journal, readJournal } from './journal.ts'
import { type Generation, isOfRefresh } from './record.ts'
import { readGenerations } from './store.ts'

/** An apply or a rollback that has begun but not ended. */
export interface Unfinished {
  readonly operation: Journal['operation']
  /** ISO 8601. */
  readonly started: string
  /** Whether a portward is still running it; else it was interrupted. */
  readonly isRunning: boolean
}

/** An unfinished operation as text. */
export const describeUnfinished = ({ operation, started, isRunning }: Unfinished): string =>
  `an earlier ${operation}, begun ${formatTimestamp(Date.parse(started))}, ${isRunning ? 'is still running' : 'was interrupted'}`

/** The operation that has begun but not ended; null if there is none, or without root. Changes nothing. */
export const findUnfinished = async (): Promise<Unfinished | null> => {
  const journal = process.getuid?.() === 0 ? await readJournal(STATE) : null
  if (journal === null) return null
  const { operation, started } = journal
  return { operation, started, isRunning: await isLocked() }
}

/** Whether what has begun but not ended is a refresh, which the next one may undo; null: nothing has. Throws HostError. */
export const isRefreshUnfinished = async (): Promise<boolean | null> => {
  const journal = await readJournal(STATE)
  if (journal === null) return null
  const all = await readGenerations(STATE)
  return (
    journal.operation === 'apply' &&
    isOfRefresh(all.filter(({ number }) => journal.generations.includes(number)))
  )
}

/** Whether a generation is in force but still has to be confirmed. */
export const isPending = ({ state, confirmBy }: Generation): boolean =>
  state === 'applied' && confirmBy !== null

const isRollbackOf = (journal: Journal | null, generation: number): boolean =>
  journal?.operation === 'rollback' && journal.generations.includes(generation)

/** How far the rollback of a generation (null: not known, without root) has come, by what can be seen of it. */
const readPending = async (generation: number | null): Promise<PendingConfirmation> => {
  const [timer, journal] = await Promise.all([readTimer(), generation === null ? null : readJournal(STATE)])
  const isOpen = generation !== null && isRollbackOf(journal, generation)
  const seen = isOpen ? ((await isLocked()) ? 'running' : 'interrupted') : 'none'
  const pending = judgePending(generation, { ...timer, journal: seen })
  return pending.leftMs ? { ...pending, at: formatTimestamp(Date.now() + pending.leftMs) } : pending
}

/**
 * The apply that is waiting for confirmation, or null. Without root only the timer shows it. Changes nothing. `known`: all
 * generations, if they are being read already.
 */
export const findPending = async (
  known?: Promise<readonly Generation[]>,
): Promise<PendingConfirmation | null> => {
  if (process.getuid?.() !== 0) return isArmed() ? readPending(null) : null
  const find = async (generations: Promise<readonly Generation[]>) => (await generations).find(isPending)
  const generation = await find(known ?? readGenerations(STATE))
  if (generation === undefined) return null
  const pending = await readPending(generation.number)
  // The timer is gone also where a rollback or a confirmation has ended since the record was read.
  const isOver = pending.leftMs === null && (await find(readGenerations(STATE))) === undefined
  return isOver ? null : pending
}
