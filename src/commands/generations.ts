import type { Generation } from '../generations/record.ts'
import { readGenerations } from '../generations/store.ts'
import { describeUnfinished, findPending, findUnfinished, isPending } from '../generations/unfinished.ts'
import { pendingAsJson, pendingProblem } from '../policy/confirmation.ts'
import { styled } from '../styled.ts'
import { STATE } from '../system/lock.ts'
import { formatTimestamp } from '../system/timestamps.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'

const WORDS: Readonly<Record<Generation['state'], string>> = {
  open: styled('red', 'interrupted'),
  applied: styled('green', 'applied'),
  undone: styled('yellow', 'failed, rolled back'),
  'rolled-back': 'rolled back',
}

const renderGeneration = (generation: Generation): string => {
  const { number, state, started, steps } = generation
  const pending = isPending(generation) ? styled('yellow', ', not confirmed') : ''
  const time = formatTimestamp(Date.parse(started))
  return `${String(number).padStart(4)}  ${time}  ${WORDS[state]}${pending}\n${steps.map((step) => `      ${step}\n`).join('')}`
}

/** Generations as they come, each with its steps. */
export const renderGenerations = (generations: readonly Generation[]): string =>
  generations.length === 0
    ? 'none: nothing has been applied yet\n'
    : generations.map(renderGeneration).join('')

/** `portward generations`: what earlier applies replaced, the latest first. */
export const generationsCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const reading = readGenerations(STATE)
  const [generations, pending, unfinished] = await Promise.all([
    reading,
    findPending(reading),
    findUnfinished(),
  ])
  if (pending !== null) output.problems([pendingProblem(pending)])
  const described = unfinished === null ? null : describeUnfinished(unfinished)
  const interrupted = unfinished?.isRunning === false ? described : null
  if (described !== null)
    output.note(
      interrupted === null
        ? described
        : `${described}: the next apply or rollback finishes or undoes it first`,
    )
  output.text(renderGenerations(generations))
  output.document('generations', {
    confirmation: pendingAsJson(pending),
    interrupted,
    generations: generations.map(({ number, state, started, steps, confirmBy, files, packages }) => ({
      number,
      state,
      started,
      steps,
      confirmBy,
      paths: files.map(({ path }) => path),
      packages: packages.map(({ name }) => name),
    })),
  })
  return EXIT.ok
}
