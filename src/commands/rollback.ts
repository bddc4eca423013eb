import { existsSync } from 'node:fs'
import { disarm } from '../generations/confirmation.ts'
import { readConsequences } from '../generations/consequences.ts'
import { mergeGenerations, type Restoration, type RestoredFile } from '../generations/merge.ts'
import type { Generation } from '../generations/record.ts'
import { earlierPath, findForeign, keptPath } from '../generations/restore-files.ts'
import { readServices } from '../generations/services.ts'
import { readGenerations } from '../generations/store.ts'
import { abandon, type Generations, rollBack } from '../generations/transaction.ts'
import { isPending, isRefreshUnfinished } from '../generations/unfinished.ts'
import type { Problem } from '../problem.ts'
import { styled } from '../styled.ts'
import { HostError, messageOf } from '../system/host-error.ts'
import { STATE } from '../system/lock.ts'
import { askWhether, hasTerminal } from './ask.ts'
import { type AskUnlocked, expectRoot, locked, recoverFirst } from './locked.ts'
import { EXIT, type GlobalOptions, type Output, openOutput, problemAsJson } from './output.ts'
import { renderAfterwards, renderForeign, renderRollback } from './rollback-text.ts'

export interface RollbackOptions extends GlobalOptions {
  readonly yes?: boolean
  readonly force?: boolean
  /** Only roll back an apply that was not confirmed in time: for the timer. */
  readonly unconfirmed?: boolean
}

/** The generations to roll back, the latest first, down to the wanted one (default: only the latest). */
const choose = (generations: readonly Generation[], wanted: number | undefined): Generations => {
  const applied = generations.filter(({ state }) => state === 'applied')
  const [latest] = applied
  if (wanted !== undefined && !generations.some((generation) => generation.number === wanted))
    throw new HostError(`there is no generation ${wanted}`, 'portward generations lists those that are kept')
  if (latest === undefined) throw new HostError('there is nothing to roll back', 'see portward generations')
  const number = wanted ?? latest.number
  if (!applied.some((generation) => generation.number === number)) {
    throw new HostError(`generation ${wanted} is not in force`, 'see portward generations')
  }
  const [, ...rest] = applied.filter((generation) => generation.number >= number)
  return [latest, ...rest]
}

/** Something that differs from before, although everything that was replaced has been restored. */
const asProblem = (message: string): Problem => ({
  severity: 'error',
  code: 'not-as-before',
  message,
  hint: 'fix this by hand',
  at: { path: 'rollback' },
})

const describeForeign = (file: RestoredFile): string => `  ${renderForeign(file, earlierPath(STATE, file))}`

/** Files that others have changed and that may be restored. Throws HostError if they may not. */
const findDiscarded = async (
  restoration: Restoration,
  { force, unconfirmed }: RollbackOptions,
  output: Output,
): Promise<readonly RestoredFile[]> => {
  const foreign = await findForeign(restoration)
  if (foreign.length === 0) return []
  const paths = foreign.map(({ path }) => path).join(', ')
  const show = force || unconfirmed ? output.note : output.complain
  for (const file of foreign) show(describeForeign(file))
  if (force || unconfirmed) {
    output.note(`changed by others since: ${paths}; what is there now is kept with the generation`)
    return foreign
  }
  const it = foreign.length === 1 ? 'it' : 'them'
  throw new HostError(
    `changed by others since: ${paths}`,
    `look at ${it}, then add --force: what is there now is kept with the generation`,
  )
}

const rollbackLocked = async (
  wanted: number | undefined,
  options: RollbackOptions,
  output: Output,
  askUnlocked: AskUnlocked,
): Promise<number> => {
  const all = await readGenerations(STATE)
  const [first, ...rest] = options.unconfirmed ? all.filter(isPending) : choose(all, wanted)
  if (first === undefined) {
    await disarm()
    output.note('nothing is waiting for confirmation')
    return EXIT.ok
  }
  const generations: Generations = [first, ...rest]
  const restoration = mergeGenerations(generations)
  let discarded = await findDiscarded(restoration, options, output)
  // Must not keep the timer from restoring the files.
  const consequences = await readConsequences(restoration).catch((error: unknown) => {
    output.note(`not known what else would change: ${messageOf(error)}`)
    return null
  })
  output.text(renderRollback(generations, restoration, consequences, options.yes !== true))
  if (!options.yes && !hasTerminal(options)) {
    throw new HostError('there is no terminal to ask on, and --yes was not given', 'add --yes')
  }
  if (!options.yes) {
    if (!(await askUnlocked(() => askWhether('Roll all of this back?', options)))) {
      output.note('nothing was changed')
      return EXIT.failed
    }
    // Those that are shown already may go.
    discarded = await (options.force ? findForeign(restoration) : findDiscarded(restoration, options, output))
  }
  const problems = (await rollBack(generations)).map(asProblem)
  const isComplete = problems.length === 0
  output.text(
    isComplete
      ? `${styled('green', 'rolled back')}\n`
      : `rolled back: all files are as before, ${styled('red', 'but not everything else')}\n`,
  )
  output.problems(problems)
  for (const file of discarded) {
    const kept = keptPath(STATE, file)
    if (existsSync(kept)) output.text(`what others wrote to ${file.path} is kept as ${kept}\n`)
  }
  const now = await readServices().catch(() => null)
  const earliest = rest.at(-1) ?? first
  if (now !== null) output.text(renderAfterwards(earliest.number, now, consequences?.isUnprotected === true))
  output.document('rollback', {
    generations: generations.map(({ number }) => number),
    paths: restoration.files.map(({ path }) => path),
    problems: problems.map(problemAsJson),
  })
  return isComplete ? EXIT.ok : EXIT.failed
}

/** `portward rollback [N]`: restores the state before generation N (the latest one), whatever came after it. */
export const rollbackCommand = async (options: RollbackOptions, wanted?: number): Promise<number> => {
  expectRoot('rollback')
  const output = openOutput(options)
  return locked(options.root, async (askUnlocked) => {
    const isRefresh = await isRefreshUnfinished()
    const hasRecovered = await recoverFirst(output).catch(async (error: unknown) => {
      if (!(error instanceof HostError) || !options.force) throw error
      output.note(`${error.message}: abandoned`)
      return abandon()
    })
    // The interrupted command is what was to be rolled back, unless it was the timer's.
    if (hasRecovered && isRefresh !== true && wanted === undefined) {
      output.document('rollback', { generations: [], paths: [], problems: [] })
      return EXIT.ok
    }
    return rollbackLocked(wanted, options, output, askUnlocked)
  })
}
