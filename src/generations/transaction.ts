import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { awaitOrphans } from '../apply/packages.ts'
import type { Plan } from '../plan/plan.ts'
import { errnoOf, HostError, messageOf } from '../system/host-error.ts'
import { STATE } from '../system/lock.ts'
import { step } from '../system/progress.ts'
import { uninterrupted } from '../system/signals.ts'
import { arm, disarm } from './confirmation.ts'
import { closeJournal, freeReserve, type Journal, openJournal, readJournal, takeReserve } from './journal.ts'
import { mergeGenerations } from './merge.ts'
import { type Ending, type Generation, type GenerationState, isOfRefresh, type Undone } from './record.ts'
import { type Outcome, restore } from './restore.ts'
import { takeSnapshot } from './snapshot.ts'
import { pruneGenerations, readGenerations, updateGeneration } from './store.ts'
import { isPending } from './unfinished.ts'

/** One or more, the latest first. */
export type Generations = readonly [Generation, ...Generation[]]

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

/** Restores what these generations replaced, and updates their state. */
const undo = async (state: string, generations: Generations, as: Undone): Promise<Outcome> => {
  await freeReserve(state)
  const outcome = await restore(state, mergeGenerations(generations), as)
  // If something could not be restored, the journal is kept: the next command tries again.
  if (outcome.failures.length > 0) return outcome
  // The record is updated last: after a crash before that, the next command does all of this again.
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
  /** How far the work has come, where it fails. */
  readonly readEnding?: () => Ending
  readonly isRefresh?: boolean
}

const attemptAll = async (
  state: string,
  plan: Plan,
  { keep, confirmWithinMs, readEnding, isRefresh = false }: TransactionOptions,
  work: () => Promise<void>,
): Promise<Generation> => {
  const deadline = () =>
    confirmWithinMs === null ? null : new Date(Date.now() + confirmWithinMs).toISOString()
  // Before, too: applies that failed also leave a record.
  const record = async (): Promise<{ generation: Generation; journal: Journal }> => {
    await pruneGenerations(state, keep)
    const generation = await takeSnapshot(state, plan, deadline(), isRefresh)
    const { number, started } = generation
    const journal: Journal = { operation: 'apply', generations: [number], started }
    await takeReserve(state, number)
    await openJournal(state, journal)
    return { generation, journal }
  }
  const { generation, journal } = await step('recording what will be replaced', record)
  try {
    // Before the first change, which may lock the admin out.
    if (confirmWithinMs !== null) await step('setting the timer of the rollback', () => arm(confirmWithinMs))
    await work()
    // Again: the time to confirm begins when the changes are in force.
    if (confirmWithinMs !== null)
      await step('setting the timer of the rollback anew', () => arm(confirmWithinMs))
    const done: Generation = { ...generation, state: 'applied', confirmBy: deadline() }
    await step('recording what was done', async () => {
      await updateGeneration(state, done)
      await closeJournal(state)
      await freeReserve(state)
      // Only now: until here the previous generation may be the only one that can be rolled back to.
      await pruneGenerations(state, keep)
    })
    return done
  } catch (error) {
    const failed = { ...generation, ...readEnding?.() }
    // The journal may be closed already: open it again, so that a crash in what follows is noticed.
    await freeReserve(state)
      .then(() => updateGeneration(state, failed))
      .then(() => openJournal(state, journal))
      .catch(() => undefined)
    const outcome = describe(await undo(state, [failed], 'undone'))
    if (!(error instanceof HostError) && errnoOf(error) === undefined) throw error
    const hint = error instanceof HostError ? error.hint : 'see the system log'
    throw new HostError(`${messageOf(error)} (${outcome})`, hint, { cause: error })
  }
}

/**
 * Does the work of a plan as a whole or not at all: what it replaces is recorded first, and restored if the work
 * fails, or by `recover` if this process is killed. Throws HostError. The generations of trees are not kept.
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
    // Otherwise it has the only copies of what could not be restored.
    if (await isOver()) await rm(state, { recursive: true, force: true })
  }
}

/** The generations of an unfinished operation, the latest first, and the state that they will have. */
const readConcerned = async ({ operation, generations }: Journal): Promise<[Generation[], Undone]> => [
  (await readGenerations(STATE)).filter(({ number }) => generations.includes(number)),
  operation === 'apply' ? 'undone' : 'rolled-back',
]

/** Undoes an interrupted apply, finishes an interrupted rollback. Returns what was done; null: nothing. Throws HostError. */
export const finish = async (journal: Journal): Promise<string | null> => {
  await awaitOrphans()
  const [generations, wanted] = await readConcerned(journal)
  const { operation } = journal
  const name = isOfRefresh(generations) ? 'refresh' : operation
  const [first, ...rest] = generations.filter(({ state }) => state !== wanted)
  const isComplete = operation === 'apply' && generations.every(({ state }) => state === 'applied')
  let unrestored: readonly string[] = []
  if (isComplete || first === undefined) await closeJournal(STATE)
  else {
    // If it failed, and was killed while that was undone, the record has how it ended.
    const latest = operation === 'apply' ? { interrupted: first.begun === undefined, ...first } : first
    const outcome = await undo(STATE, [latest, ...rest], wanted)
    if (outcome.failures.length > 0)
      throw new HostError(
        `an earlier ${name} was interrupted, and ${describe(outcome)}`,
        'fix this, then run the command again; "portward rollback --force" abandons it',
      )
    unrestored = outcome.unrestored
  }
  if (isComplete) return null
  const end = operation === 'apply' ? 'its changes have been rolled back' : 'it has been finished'
  return [`an earlier ${name} was interrupted: ${end}`, ...unrestored].join('; but ')
}

/**
 * Abandons an interrupted operation that could not be finished: the server is left as it is now. The records are kept, with
 * the copies of the files. Returns whether there was one. Throws HostError.
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
 * Restores the state before the earliest of these generations. Returns messages about what still differs from before.
 * Throws HostError if it has to be tried again.
 */
export const rollBack = (generations: Generations): Promise<readonly string[]> =>
  uninterrupted(async () => {
    const numbers = generations.map(({ number }) => number)
    const started = new Date().toISOString()
    await openJournal(STATE, { operation: 'rollback', generations: numbers, started })
    const { failures, unrestored } = await undo(STATE, generations, 'rolled-back')
    if (failures.length === 0) return unrestored
    throw new HostError(
      failures.join('; '),
      'fix this, then run portward rollback again: it continues from there; --force abandons it',
    )
  }, 'the rollback')

/** Keeps the changes of the apply that is waiting for confirmation. Returns the generations' numbers. Throws HostError. */
export const confirmPending = async (): Promise<number[]> => {
  const pending = (await readGenerations(STATE)).filter(isPending)
  // First: whoever looks in between must not see an apply that has lost its timer.
  for (const generation of pending) await updateGeneration(STATE, { ...generation, confirmBy: null })
  await disarm()
  return pending.map(({ number }) => number)
}
