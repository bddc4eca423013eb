import { STATE } from '../system/lock.ts'
import { type Journal, readJournal } from './journal.ts'
import type { Generation } from './record.ts'
import { readGenerations } from './store.ts'

/** What portward has recorded of a server: each command that changes the server changes this. */
export interface Recorded {
  readonly generations: readonly (Pick<Generation, 'number' | 'state' | 'confirmBy'> &
    Partial<Pick<Generation, 'files'>>)[]
  readonly journal: Pick<Journal, 'operation' | 'generations'> | null
}

/** Throws HostError. */
export const readRecorded = async (): Promise<Recorded> => {
  const [generations, journal] = await Promise.all([readGenerations(STATE), readJournal(STATE)])
  return { generations, journal }
}

const WORDS: Readonly<Record<Generation['state'], string>> = {
  open: 'was begun',
  applied: 'was applied',
  undone: 'failed and was rolled back',
  'rolled-back': 'was rolled back',
}

/** What other commands did between two readings; empty: nothing. Pure. */
export const describeMeanwhile = (before: Recorded, after: Recorded): string[] => {
  const known = new Map(before.generations.map((generation) => [generation.number, generation]))
  const changes = after.generations.flatMap(({ number, state, confirmBy }) => {
    const earlier = known.get(number)
    if (earlier?.state !== state) return [`generation ${number} ${WORDS[state]}`]
    return earlier.confirmBy === confirmBy ? [] : [`generation ${number} was confirmed`]
  })
  // It leaves no generation of its own, and changes those before: see fold.ts.
  const isRefreshed = after.generations.some(
    ({ number, files }) => JSON.stringify(files) !== JSON.stringify(known.get(number)?.files),
  )
  if (changes.length === 0 && isRefreshed) return ['a refresh changed the addresses of protected hosts']
  if (changes.length > 0 || after.journal === null) return changes
  const { operation, generations } = after.journal
  const what = operation === 'apply' ? 'an apply' : 'a rollback'
  return [`${what} of generation ${generations.join(', ')} was begun`]
}
