import type { PendingConfirmation } from '../policy/confirmation.ts'
import { isLocked, STATE } from '../system/lock.ts'
import { formatTimestamp } from '../system/timestamps.ts'
import { isArmed, readTimeLeft } from './confirmation.ts'
import { type Journal, readJournal } from './journal.ts'
import type { Generation } from './record.ts'
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

/** Whether a generation is in force but still has to be confirmed. */
export const isPending = ({ state, confirmBy }: Generation): boolean =>
  state === 'applied' && confirmBy !== null

const withTimeLeft = async (generation: number | null): Promise<PendingConfirmation> => {
  const leftMs = await readTimeLeft()
  if (leftMs === null) return { generation, leftMs }
  return { generation, leftMs, at: formatTimestamp(Date.now() + leftMs) }
}

/**
 * The apply that is waiting for confirmation, or null. Without root only the timer shows it. Changes nothing. `known`: all
 * generations, if they are being read already.
 */
export const findPending = async (
  known?: Promise<readonly Generation[]>,
): Promise<PendingConfirmation | null> => {
  if (process.getuid?.() !== 0) return isArmed() ? withTimeLeft(null) : null
  const pending = (await (known ?? readGenerations(STATE))).find(isPending)
  return pending === undefined ? null : withTimeLeft(pending.number)
}
