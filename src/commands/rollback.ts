import { disarm } from '../generations/confirmation.ts'
import { mergeGenerations } from '../generations/merge.ts'
import { type Generation, STATE } from '../generations/record.ts'
import { findForeign } from '../generations/restore-files.ts'
import { readGenerations } from '../generations/store.ts'
import { giveUp, isPending, rollBack } from '../generations/transaction.ts'
import { HostError } from '../host/host-error.ts'
import { takeLock } from '../host/lock.ts'
import type { Problem } from '../problem.ts'
import { askWhether, hasTerminal } from './ask.ts'
import { EXIT, type GlobalOptions, type Output, openOutput } from './output.ts'
import { recoverFirst } from './recover.ts'
import { expectServer } from './server-only.ts'

export interface RollbackOptions extends GlobalOptions {
  readonly yes?: boolean
  readonly force?: boolean
  /** Only where the last apply was to be confirmed, and was not: for the timer. */
  readonly unconfirmed?: boolean
}

type Some = readonly [Generation, ...Generation[]]

/** What is in force, the latest first, down to the one that is to be given back: the latest where none is named. */
const choose = (generations: readonly Generation[], wanted: number | undefined): Some => {
  const applied = generations.filter(({ state }) => state === 'applied')
  const [latest] = applied
  if (latest === undefined) throw new HostError('there is nothing to roll back', 'see portward generations')
  const number = wanted ?? latest.number
  if (!applied.some((generation) => generation.number === number)) {
    throw new HostError(`generation ${wanted} is not in force`, 'see portward generations')
  }
  const [first = latest, ...rest] = applied.filter((generation) => generation.number >= number)
  return [first, ...rest]
}

const rollbackLocked = async (
  wanted: number | undefined,
  options: RollbackOptions,
  output: Output,
): Promise<number> => {
  const all = await readGenerations(STATE)
  const chosen = options.unconfirmed ? all.filter(isPending) : choose(all, wanted)
  const [first, ...rest] = chosen
  if (first === undefined) {
    if (options.unconfirmed) await disarm()
    output.note('nothing waits for a confirmation')
    return EXIT.ok
  }
  const generations: Some = [first, ...rest]
  const restoration = mergeGenerations(generations)
  const numbers = generations.map(({ number }) => number)
  const named = generations.map((each) => `${each.number}${isPending(each) ? ' (not confirmed)' : ''}`)
  output.text(`giving back what generation ${named.join(', ')} replaced:\n`)
  for (const { record } of restoration.files) output.text(`  ${record.path}\n`)
  if (restoration.packages.length > 0) output.text(`  packages that go: ${restoration.packages.join(', ')}\n`)
  const foreign = await findForeign(restoration)
  if (foreign.length > 0 && !options.force && !options.unconfirmed) {
    throw new HostError(
      `changed by others since: ${foreign.join(', ')}`,
      'look at them, then add --force: what is there now is kept with the generation',
    )
  }
  if (!options.yes && !hasTerminal(options)) {
    throw new HostError('there is no terminal to ask on, and --yes was not given', 'add --yes')
  }
  if (!options.yes && !(await askWhether('Give all of this back?', options))) {
    output.note('nothing was changed')
    return EXIT.failed
  }
  const remarks = await rollBack(generations, (what) => output.note(`putting back: ${what}`))
  output.text(
    remarks.length === 0
      ? 'rolled back\n'
      : 'rolled back: all files are as before, but not everything else is\n',
  )
  output.problems(remarks.map(asProblem))
  output.document('rollback', {
    generations: numbers,
    paths: restoration.files.map(({ record }) => record.path),
    remarks,
  })
  return remarks.length > 0 ? EXIT.failed : EXIT.ok
}

/** What is not as it was though everything that was replaced has been given back. */
const asProblem = (message: string): Problem => ({
  severity: 'error',
  code: 'not-as-before',
  message,
  hint: 'see to that by hand',
  at: { path: 'rollback' },
})

/** `portward rollback [N]`: the state before generation N (the latest one), whatever came after it. */
export const rollbackCommand = async (options: RollbackOptions, wanted?: number): Promise<number> => {
  expectServer(options)
  if (process.getuid?.() !== 0) throw new HostError('rollback must be run as root', 'use sudo')
  const output = openOutput(options)
  const lock = await takeLock(options.root)
  try {
    const hasRecovered = await recoverFirst(output).catch(async (error: unknown) => {
      if (!(error instanceof HostError) || !options.force) throw error
      output.note(`${error.message}: given up`)
      return giveUp()
    })
    // What died in the middle is what was to be given back.
    if (hasRecovered && wanted === undefined) {
      output.document('rollback', { generations: [], paths: [] })
      return EXIT.ok
    }
    return await rollbackLocked(wanted, options, output)
  } finally {
    await lock.release()
  }
}
