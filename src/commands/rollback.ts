import { disarm } from '../generations/confirmation.ts'
import { mergeGenerations, type Restoration } from '../generations/merge.ts'
import type { Generation } from '../generations/record.ts'
import { findForeign } from '../generations/restore-files.ts'
import { readGenerations } from '../generations/store.ts'
import { abandon, type Generations, rollBack } from '../generations/transaction.ts'
import { isPending } from '../generations/unfinished.ts'
import type { Problem } from '../problem.ts'
import { styled } from '../styled.ts'
import { HostError } from '../system/host-error.ts'
import { STATE } from '../system/lock.ts'
import { formatTimestamp } from '../system/timestamps.ts'
import { askWhether, hasTerminal } from './ask.ts'
import { type AskUnlocked, expectRoot, locked, recoverFirst } from './locked.ts'
import { EXIT, type GlobalOptions, type Output, openOutput, problemAsJson } from './output.ts'

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

/** Throws HostError if others have changed files that would be restored. */
const expectOwn = async (restoration: Restoration): Promise<void> => {
  const foreign = await findForeign(restoration)
  if (foreign.length === 0) return
  throw new HostError(
    `changed by others since: ${foreign.join(', ')}`,
    'look at them, then add --force: what is there now is kept with the generation',
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
  const paths = restoration.files.map(({ path }) => path)
  const named = generations.map((each) => {
    const applied = formatTimestamp(Date.parse(each.started))
    return `${each.number} (applied ${applied}${isPending(each) ? ', not confirmed' : ''})`
  })
  output.text(`rolling back generation ${named.join(', ')}; files to restore:\n`)
  for (const path of paths) output.text(`  ${path}\n`)
  if (restoration.packages.length > 0)
    output.text(`  packages to remove: ${restoration.packages.join(', ')}\n`)
  const mayDiscard = options.force === true || options.unconfirmed === true
  if (!mayDiscard) await expectOwn(restoration)
  if (!options.yes && !hasTerminal(options)) {
    throw new HostError('there is no terminal to ask on, and --yes was not given', 'add --yes')
  }
  if (!options.yes) {
    if (!(await askUnlocked(() => askWhether('Roll all of this back?', options)))) {
      output.note('nothing was changed')
      return EXIT.failed
    }
    if (!mayDiscard) await expectOwn(restoration)
  }
  const problems = (await rollBack(generations)).map(asProblem)
  const isComplete = problems.length === 0
  output.text(
    isComplete
      ? `${styled('green', 'rolled back')}\n`
      : `rolled back: all files are as before, ${styled('red', 'but not everything else')}\n`,
  )
  output.problems(problems)
  output.document('rollback', {
    generations: generations.map(({ number }) => number),
    paths,
    problems: problems.map(problemAsJson),
  })
  return isComplete ? EXIT.ok : EXIT.failed
}

/** `portward rollback [N]`: restores the state before generation N (the latest one), whatever came after it. */
export const rollbackCommand = async (options: RollbackOptions, wanted?: number): Promise<number> => {
  expectRoot('rollback')
  const output = openOutput(options)
  return locked(options.root, async (askUnlocked) => {
    const hasRecovered = await recoverFirst(output).catch(async (error: unknown) => {
      if (!(error instanceof HostError) || !options.force) throw error
      output.note(`${error.message}: abandoned`)
      return abandon()
    })
    // The interrupted command is what was to be rolled back.
    if (hasRecovered && wanted === undefined) {
      output.document('rollback', { generations: [], paths: [], problems: [] })
      return EXIT.ok
    }
    return rollbackLocked(wanted, options, output, askUnlocked)
  })
}
