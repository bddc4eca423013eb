import { type Generation, STATE } from '../host/generations/record.ts'
import { readGenerations } from '../host/generations/store.ts'
import { findInterrupted } from '../host/generations/transaction.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'

const WORDS: Readonly<Record<Generation['state'], string>> = {
  open: 'interrupted',
  applied: 'applied',
  undone: 'failed, put back',
  'rolled-back': 'rolled back',
}

const renderGeneration = ({ number, state, started, steps, confirmBy }: Generation): string => {
  const pending = confirmBy === null ? '' : `, to be confirmed by ${confirmBy}`
  return `${String(number).padStart(4)}  ${started}  ${WORDS[state]}${pending}\n${steps.map((step) => `      ${step}\n`).join('')}`
}

/** `portward generations`: what earlier applies replaced, the latest first. */
export const generationsCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const generations = await readGenerations(STATE)
  const interrupted = await findInterrupted()
  if (interrupted !== null) output.note(`${interrupted}: the next apply or rollback sees to it`)
  output.text(
    generations.length === 0 ? 'none yet: nothing was applied\n' : generations.map(renderGeneration).join(''),
  )
  output.document('generations', {
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
