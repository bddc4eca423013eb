import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { awaitOrphans } from '../apply/packages.ts'
import type { Plan } from '../plan/plan.ts'
import type { PendingConfirmation } from '../policy/confirmation.ts'
import { errnoOf, HostError, messageOf } from '../system/host-error.ts'
import { isLocked, STATE } from '../system/lock.ts'
import { handlingSignals } from '../system/signals.ts'
import { arm, disarm, isArmed, readTimeLeft } from './confirmation.ts'
import { closeJournal, freeReserve, type Journal, openJournal, readJournal, takeReserve } from './journal.ts'
import { mergeGenerations } from './merge.ts'
import type { Generation, GenerationState, Undone } from './record.ts'
import { type Outcome, restore } from './restore.ts'
import { takeSnapshot } from './snapshot.ts'
import { deleteUnused, pruneGenerations, readGenerations, updateGeneration } from './store.ts'

type Tell = (what: string) => void

/** One or more, the latest first. */
export type Some = readonly [Generation, ...Generation[]]

const mark = async (
  state: string,
  generations: readonly Generation[],
  as: GenerationState,
): Promise<void> => {
  for (const generation of generations) {
    await updateGeneration(state, { ...generation, state: as, confirmBy: null })
  }
}

const describe = ({ failures, unrestored }: Outcome): string => {
  if (failures.length > 0) return `the rollback failed too: ${failures.join('; ')}`
  return ['its changes have been rolled back', ...unrestored].join('; but ')
}

/** The same may be done any number of times, but is not left half done for a closed terminal. */
const uninterrupted = <T>(work: () => Promise<T>): Promise<T> => handlingSignals(() => {}, work)

/** Restores what these generations replaced, and marks them. */
const undo = async (state: string, generations: Some, as: Undone, tell: Tell): Promise<Outcome> => {
  await freeReserve(state)
  const outcome = await restore(state, mergeGenerations(generations), as, tell)
  // Where something could not be restored the journal stays: the next command tries again.
  if (outcome.failures.length > 0) return outcome
  // Last of all the record: until it says so a crash has the next command do all of this again.
  if (state === STATE) await disarm()
  await mark(state, generations, as)
  await closeJournal(state)
  return outcome
}

export interface TransactionOptions {
  /** How many generations are kept. */
  readonly keep: number
  /** How long to wait for a confirmation; null: none is needed. */
  readonly confirmWithinMs: number | null
  /** Called with each thing that is being restored. */
  readonly undoing: Tell
}

const attemptAll = async (
  state: string,
  plan: Plan,
  { keep, confirmWithinMs, undoing }: TransactionOptions,
  work: () => Promise<void>,
): Promise<Generation> => {
  const deadline = () =>
    confirmWithinMs === null ? null : new Date(Date.now() + confirmWithinMs).toISOString()
  // Applies that failed leave a record, too.
  await pruneGenerations(state, keep)
  const generation = await takeSnapshot(state, plan, deadline())
  const { number, started } = generation
  const journal: Journal = { operation: 'apply', generations: [number], started }
  await takeReserve(state, number)
  await openJournal(state, journal)
  try {
    // Before the first change: it may be the one that locks the admin out.
    if (confirmWithinMs !== null) await arm(confirmWithinMs)
    await work()
    // The time to confirm begins when there is something to look at.
    if (confirmWithinMs !== null) await arm(confirmWithinMs)
    const done: Generation = { ...generation, state: 'applied', confirmBy: deadline() }
    await updateGeneration(state, done)
    await closeJournal(state)
    await freeReserve(state)
    // Not before: until here the one before may be the only one that can be rolled back to.
    await pruneGenerations(state, keep)
    return done
  } catch (error) {
    // The journal may be closed already: a death in the middle of what follows must be seen all the same.
    await freeReserve(state)
      .then(() => updateGeneration(state, generation))
      .then(() => openJournal(state, journal))
      .catch(() => undefined)
    const outcome = describe(await undo(state, [generation], 'undone', undoing))
    if (!(error instanceof HostError) && errnoOf(error) === undefined) throw error
    const hint = error instanceof HostError ? error.hint : 'see the system log'
    throw new HostError(`${messageOf(error)} (${outcome})`, hint, { cause: error })
  }
}

/**
 * Does the work of a plan as a whole or not at all: what it replaces is written down first, and restored where the work
 * fails, or by `recover` where this process dies in the middle. Throws HostError. The generations of trees are not kept.
 */
export const transact = async (
  plan: Plan,
  options: TransactionOptions,
  work: () => Promise<void>,
): Promise<Generation> => {
  if (plan.root === '/') return attemptAll(STATE, plan, options, work)
  const state = await mkdtemp(join(tmpdir(), 'portward-'))
  const isOver = async () => (await readJournal(state)) === null
  try {
    return await attemptAll(state, plan, options, work)
  } catch (error) {
    if (!(error instanceof HostError) || (await isOver())) throw error
    throw new HostError(`${error.message}; the original files are in ${state}`, error.hint, { cause: error })
  } finally {
    // Else it has the only copies of what could not be restored.
    if (await isOver()) await rm(state, { recursive: true, force: true })
  }
}

/** An apply or a rollback that has begun and not ended. */
export interface Unfinished {
  readonly operation: Journal['operation']
  /** ISO 8601. */
  readonly started: string
  /** Whether a portward is still running it; else it was interrupted. */
  readonly isAtWork: boolean
}

/** The same in words. */
export const describeUnfinished = ({ operation, started, isAtWork }: Unfinished): string =>
  `an earlier ${operation}, begun ${started}, ${isAtWork ? 'is still running' : 'was interrupted'}`

/** What has begun and not ended; null where nothing has, or only root can tell. Changes nothing. */
export const findUnfinished = async (): Promise<Unfinished | null> => {
  const journal = process.getuid?.() === 0 ? await readJournal(STATE) : null
  if (journal === null) return null
  const { operation, started } = journal
  return { operation, started, isAtWork: await isLocked() }
}

/** Whether an apply is in force that has still to be confirmed. */
export const isPending = ({ state, confirmBy }: Generation): boolean =>
  state === 'applied' && confirmBy !== null

/** The apply that is waiting for confirmation; null: none does. Without root only the timer shows it. Changes nothing. */
export const findPending = async (): Promise<PendingConfirmation | null> => {
  if (process.getuid?.() !== 0) return isArmed() ? { generation: null, leftMs: await readTimeLeft() } : null
  const pending = (await readGenerations(STATE)).find(isPending)
  return pending === undefined ? null : { generation: pending.number, leftMs: await readTimeLeft() }
}

/** The generations that an unfinished operation is about, the latest first, and what becomes of them. */
const readConcerned = async ({ operation, generations }: Journal): Promise<[Generation[], Undone]> => [
  (await readGenerations(STATE)).filter(({ number }) => generations.includes(number)),
  operation === 'apply' ? 'undone' : 'rolled-back',
]

/**
 * Brings a server out of the middle: an interrupted apply is undone, an interrupted rollback is finished. Returns what was
 * done, in words; null where there was nothing to do. Throws HostError where it fails.
 */
export const recover = (tell: Tell): Promise<string | null> =>
  uninterrupted(async () => {
    const journal = await readJournal(STATE)
    const done = journal === null ? null : await finish(journal, tell)
    await freeReserve(STATE)
    await deleteUnused(STATE)
    return done
  })

const finish = async (journal: Journal, tell: Tell): Promise<string | null> => {
  await awaitOrphans()
  const { operation } = journal
  const [generations, wanted] = await readConcerned(journal)
  const [first, ...rest] = generations.filter(({ state }) => state !== wanted)
  const isComplete = operation === 'apply' && generations.every(({ state }) => state === 'applied')
  let unrestored: readonly string[] = []
  if (isComplete || first === undefined) await closeJournal(STATE)
  else {
    const outcome = await undo(STATE, [first, ...rest], wanted, tell)
    if (outcome.failures.length > 0)
      throw new HostError(
        `an earlier ${operation} was interrupted, and ${describe(outcome)}`,
        'fix this, then run the command again; "portward rollback --force" abandons it',
      )
    unrestored = outcome.unrestored
  }
  if (isComplete) return null
  const end = operation === 'apply' ? 'its changes have been rolled back' : 'it has been finished'
  return [`an earlier ${operation} was interrupted: ${end}`, ...unrestored].join('; but ')
}

/**
 * Abandons what an earlier command left undone and could not be finished: the server stays as it is now. The records
 * stay, with the copies of the files. Returns whether there was anything. Throws HostError.
 */
export const abandon = async (): Promise<boolean> => {
  const journal = await readJournal(STATE)
  if (journal === null) return false
  await mark(STATE, ...(await readConcerned(journal)))
  await disarm()
  await closeJournal(STATE)
  return true
}

/**
 * Restores the state before the earliest of these generations. Returns what is not as before all the same, in words.
 * Throws HostError where it has to be tried again.
 */
export const rollBack = (generations: Some, tell: Tell): Promise<readonly string[]> =>
  uninterrupted(async () => {
    const numbers = generations.map(({ number }) => number)
    const started = new Date().toISOString()
    await openJournal(STATE, { operation: 'rollback', generations: numbers, started })
    const { failures, unrestored } = await undo(STATE, generations, 'rolled-back', tell)
    if (failures.length === 0) return unrestored
    throw new HostError(
      failures.join('; '),
      'fix this, then run portward rollback again: it continues from there; --force abandons it',
    )
  })

/** Keeps the changes of the apply that is waiting for confirmation. Returns the numbers. Throws HostError. */
export const confirmPending = async (): Promise<number[]> => {
  const pending = (await readGenerations(STATE)).filter(isPending)
  await disarm()
  for (const generation of pending) await updateGeneration(STATE, { ...generation, confirmBy: null })
  return pending.map(({ number }) => number)
}
