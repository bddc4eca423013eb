import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errnoOf, HostError, messageOf } from '../host/host-error.ts'
import { isLocked } from '../host/lock.ts'
import { awaitOrphans } from '../host/packages.ts'
import { handlingSignals } from '../host/signals.ts'
import type { Plan } from '../plan/plan.ts'
import type { PendingConfirmation } from '../policy/confirmation.ts'
import { arm, disarm, isArmed, readTimeLeft } from './confirmation.ts'
import { mergeGenerations } from './merge.ts'
import { type Generation, type GenerationState, type Journal, STATE, type Undoing } from './record.ts'
import { type Outcome, restore } from './restore.ts'
import {
  closeJournal,
  forgetUnused,
  freeReserve,
  openJournal,
  pruneGenerations,
  readGenerations,
  readJournal,
  sizeOfCopies,
  takeReserve,
  updateGeneration,
} from './store.ts'
import { findNewPaths, takeGeneration } from './take.ts'

type Tell = (what: string) => void

const mark = async (
  state: string,
  generations: readonly Generation[],
  as: GenerationState,
): Promise<void> => {
  for (const generation of generations) {
    await updateGeneration(state, { ...generation, state: as, confirmBy: null })
  }
}

const describe = ({ failures, remarks }: Outcome): string => {
  if (failures.length > 0) return `putting things back failed too: ${failures.join('; ')}`
  return ['what was changed has been put back', ...remarks].join('; but ')
}

/** The same may be done any number of times, but is not left half done for a closed terminal. */
const uninterrupted = <T>(work: () => Promise<T>): Promise<T> => handlingSignals(() => {}, work)

/** Gives back what these generations replaced, the latest first, and says so in their records. */
const giveBack = async (
  state: string,
  generations: readonly [Generation, ...Generation[]],
  as: Undoing,
  tell: Tell,
): Promise<Outcome> => {
  await freeReserve(state)
  const outcome = await restore(state, mergeGenerations(generations), as, tell)
  // Where something could not be given back the journal stays: the next command tries again.
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
  /** Told of what is being put back. */
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
  const generation = await takeGeneration(state, plan, deadline())
  const journal = {
    operation: 'apply',
    generations: [generation.number],
    started: generation.started,
  } as const
  await takeReserve(state, await sizeOfCopies(generation, state))
  await openJournal(state, journal)
  try {
    // Before the first change: it may be the one that locks everybody out.
    if (confirmWithinMs !== null) await arm(confirmWithinMs)
    await work()
    const newPaths = await findNewPaths(generation)
    // The time to confirm begins when there is something to look at.
    if (confirmWithinMs !== null) await arm(confirmWithinMs)
    const done: Generation = { ...generation, state: 'applied', newPaths, confirmBy: deadline() }
    await updateGeneration(state, done)
    await closeJournal(state)
    await freeReserve(state)
    // Not before: until here the one before may have to be what can be gone back to.
    await pruneGenerations(state, keep)
    return done
  } catch (error) {
    const undone = { ...generation, newPaths: await findNewPaths(generation).catch(() => []) }
    // The journal may be closed already: a death in the middle of what follows must be seen all the same.
    await freeReserve(state)
      .then(() => updateGeneration(state, undone))
      .then(() => openJournal(state, journal))
      .catch(() => undefined)
    const outcome = describe(await giveBack(state, [undone], 'undone', undoing))
    if (error instanceof HostError)
      throw new HostError(`${error.message} (${outcome})`, error.hint, { cause: error })
    if (errnoOf(error) === undefined) throw error
    throw new HostError(`${messageOf(error)} (${outcome})`, 'see the system log', { cause: error })
  }
}

/**
 * Does the work of a plan as a whole or not at all: what it replaces is written down first, and given back where the work
 * fails, or by `recover` where this process dies in the middle. Throws HostError. Trees are not kept generations of.
 */
export const transact = async (
  plan: Plan,
  options: TransactionOptions,
  work: () => Promise<void>,
): Promise<Generation> => {
  if (plan.root === '/') return attemptAll(STATE, plan, options, work)
  const state = await mkdtemp(join(tmpdir(), 'portward-'))
  try {
    return await attemptAll(state, plan, options, work)
  } catch (error) {
    // The only copies of what could not be put back.
    if (error instanceof HostError && (await readJournal(state)) !== null)
      throw new HostError(`${error.message}; what was there is in ${state}`, error.hint, { cause: error })
    throw error
  } finally {
    if ((await readJournal(state)) === null) await rm(state, { recursive: true, force: true })
  }
}

/** An apply or a rollback that has begun and not ended. */
export interface Unfinished {
  readonly operation: Journal['operation']
  /** ISO 8601. */
  readonly started: string
  /** Whether a portward is at work on it now; else it died in the middle. */
  readonly isAtWork: boolean
}

/** The same in words. */
export const describeUnfinished = ({ operation, started, isAtWork }: Unfinished): string =>
  `an earlier ${operation}, begun ${started}, ${isAtWork ? 'is still at work' : 'was interrupted'}`

/** What has begun and not ended; null where nothing has, or only root can tell. Looks only. */
export const findUnfinished = async (): Promise<Unfinished | null> => {
  const journal = process.getuid?.() === 0 ? await readJournal(STATE) : null
  if (journal === null) return null
  const { operation, started } = journal
  return { operation, started, isAtWork: await isLocked() }
}

/** Whether an apply is in force that nobody has confirmed yet, though somebody is to. */
export const isPending = ({ state, confirmBy }: Generation): boolean =>
  state === 'applied' && confirmBy !== null

/** The apply that waits for a confirmation; null: none does. Without root only the timer tells. Looks only. */
export const findPending = async (): Promise<PendingConfirmation | null> => {
  if (process.getuid?.() !== 0) return isArmed() ? { generation: null, leftMs: await readTimeLeft() } : null
  const pending = (await readGenerations(STATE)).find(isPending)
  return pending === undefined ? null : { generation: pending.number, leftMs: await readTimeLeft() }
}

type Some = readonly [Generation, ...Generation[]]

const isSome = (list: readonly Generation[]): list is Some => list.length > 0

/** An apply that died could not say what had come with it. */
const withNewPaths = async ([first, ...rest]: Some): Promise<Some> =>
  first.state === 'open' ? [{ ...first, newPaths: await findNewPaths(first) }, ...rest] : [first, ...rest]

/** The generations that an unfinished operation is about, the latest first. */
const readConcerned = async (journal: Journal): Promise<Generation[]> =>
  (await readGenerations(STATE)).filter(({ number }) => journal.generations.includes(number))

/** What becomes of them once it is over. */
const endOf = ({ operation }: Journal): Undoing => (operation === 'apply' ? 'undone' : 'rolled-back')

/**
 * Brings a server out of the middle: what an interrupted apply had changed is put back, an interrupted rollback is
 * finished. Returns what was done, in words; null where there was nothing to do. Throws HostError where it fails.
 */
export const recover = (tell: Tell): Promise<string | null> => uninterrupted(() => recoverNow(tell))

const recoverNow = async (tell: Tell): Promise<string | null> => {
  const journal = await readJournal(STATE)
  if (journal === null) {
    await forgetUnused(STATE)
    return null
  }
  await awaitOrphans()
  const generations = await readConcerned(journal)
  const wanted = endOf(journal)
  const unfinished = generations.filter(({ state }) => state !== wanted)
  const isComplete = journal.operation === 'apply' && generations.every(({ state }) => state === 'applied')
  const remarks: string[] = []
  if (isComplete || !isSome(unfinished)) await closeJournal(STATE)
  else {
    const outcome = await giveBack(STATE, await withNewPaths(unfinished), wanted, tell)
    if (outcome.failures.length > 0)
      throw new HostError(
        `an earlier ${journal.operation} was interrupted, and ${describe(outcome)}`,
        'mend that, then run the command again; "portward rollback --force" gives it up',
      )
    remarks.push(...outcome.remarks)
  }
  await forgetUnused(STATE)
  if (isComplete) return null
  const done =
    journal.operation === 'apply'
      ? 'an earlier apply was interrupted: what it had changed has been put back'
      : 'an earlier rollback was interrupted: it has been finished'
  return [done, ...remarks].join('; but ')
}

/**
 * Gives up what an earlier command left undone and could not be finished: the server stays as it is now. The records
 * stay, with the copies of the files. Returns whether there was anything. Throws HostError.
 */
export const giveUp = async (): Promise<boolean> => {
  const journal = await readJournal(STATE)
  if (journal === null) return false
  await mark(STATE, await readConcerned(journal), endOf(journal))
  await disarm()
  await closeJournal(STATE)
  return true
}

/**
 * Gives back the state before the earliest of these generations (the latest first). Returns what is not as before all the
 * same, in words. Throws HostError where it has to be tried again.
 */
export const rollBack = (generations: Some, tell: Tell): Promise<readonly string[]> =>
  uninterrupted(async () => {
    const numbers = generations.map(({ number }) => number)
    const started = new Date().toISOString()
    await openJournal(STATE, { operation: 'rollback', generations: numbers, started })
    const { failures, remarks } = await giveBack(STATE, generations, 'rolled-back', tell)
    if (failures.length === 0) return remarks
    throw new HostError(
      failures.join('; '),
      'mend that, then run portward rollback again: it goes on from there; with --force it is given up',
    )
  })

/** Lets stay what was applied and waits for a confirmation. Returns the numbers. Throws HostError. */
export const confirmPending = async (): Promise<number[]> => {
  const pending = (await readGenerations(STATE)).filter(isPending)
  await disarm()
  for (const generation of pending) await updateGeneration(STATE, { ...generation, confirmBy: null })
  return pending.map(({ number }) => number)
}
