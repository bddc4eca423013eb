import type { Generation } from '../generations/record.ts'
import { readGenerations } from '../generations/store.ts'
import { describeUnfinished, findPending, findUnfinished, isPending } from '../generations/unfinished.ts'
import { counted } from '../phrases.ts'
import { pendingAsJson, pendingProblem } from '../policy/confirmation.ts'
import { styled } from '../styled.ts'
import { STATE } from '../system/lock.ts'
import { formatTimestamp } from '../system/timestamps.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'

/** `isRunning`: whether a portward is at work, so that the apply that has not ended goes on. */
const describeState = ({ state, interrupted }: Generation, isRunning: boolean): string => {
  switch (state) {
    case 'open':
      return isRunning ? styled('yellow', 'being applied') : styled('red', 'interrupted')
    case 'applied':
      return styled('green', 'applied')
    case 'undone':
      return styled('yellow', `${interrupted ? 'interrupted' : 'failed'}, rolled back`)
    case 'rolled-back':
      return 'rolled back'
  }
}

/** The steps of an apply that came to its end, or those that it had begun, or its plan where nobody knows how far it came. */
const describeSteps = ({ state, steps, begun }: Generation, isRunning: boolean): string[] => {
  if (state === 'applied' || state === 'rolled-back') return [...steps]
  if (begun === undefined) {
    const planned = `planned: ${counted(steps.length, 'step')}`
    const isOver = state !== 'open' || !isRunning
    return [`${planned}${isOver ? '; how many were carried out is not known' : ''}`, ...steps]
  }
  const rest = steps.length - begun
  const more = rest > 0 ? [`not begun: ${counted(rest, `${begun > 0 ? 'further ' : ''}step`)}`] : []
  return [...steps.slice(0, begun), ...more]
}

const renderGeneration = (generation: Generation, isRunning: boolean): string => {
  const { number, started } = generation
  const pending = isPending(generation) ? styled('yellow', ', not confirmed') : ''
  const time = formatTimestamp(Date.parse(started))
  const head = `${String(number).padStart(4)}  ${time}  ${describeState(generation, isRunning)}${pending}\n`
  return `${head}${describeSteps(generation, isRunning)
    .map((step) => `      ${step}\n`)
    .join('')}`
}

/** Generations as they come, each with its steps. */
export const renderGenerations = (generations: readonly Generation[], isRunning = false): string =>
  generations.length === 0
    ? 'none: nothing has been applied yet\n'
    : generations.map((generation) => renderGeneration(generation, isRunning)).join('')

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
  output.text(renderGenerations(generations, unfinished?.isRunning))
  output.document('generations', {
    confirmation: pendingAsJson(pending),
    interrupted,
    generations: generations.map(
      ({ number, state, started, steps, confirmBy, files, packages, interrupted, begun }) => ({
        number,
        state,
        started,
        steps,
        confirmBy,
        interrupted: interrupted === true || (state === 'open' && unfinished?.isRunning !== true),
        stepsBegun: begun ?? null,
        paths: files.map(({ path }) => path),
        packages: packages.map(({ name }) => name),
      }),
    ),
  })
  return EXIT.ok
}
