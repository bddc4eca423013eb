import type { FileRecord, Generation } from './record.ts'
import { deleteGeneration, readGenerations, updateGeneration } from './store.ts'

// What a refresh did becomes part of the applies before it: a rollback restores what an apply replaced, and must not take the
// addresses of today for a change by somebody else. A record of its own each time would soon push out those of the applies.

/** The generation with what a later one wrote as its own. */
const withFiles = (generation: Generation, paths: ReadonlyMap<string, FileRecord>): Generation => ({
  ...generation,
  files: generation.files.map((file) => ({ ...file, after: (paths.get(file.path) ?? file).after })),
})

/** The applies that are in force, changed as a refresh after them requires: the latest one of each file. Pure. */
export const foldInto = (applies: readonly Generation[], refresh: Generation): Generation[] => {
  const left = new Map(refresh.files.map((file) => [file.path, file]))
  return applies.flatMap((generation) => {
    const own = generation.files.filter(({ path }) => left.has(path))
    if (own.length === 0) return []
    const changed = withFiles(generation, left)
    for (const { path } of own) left.delete(path)
    return [changed]
  })
}

/** Makes all refreshes that have ended part of the applies before them. Throws HostError. */
export const foldRefreshes = async (state: string): Promise<void> => {
  const all = await readGenerations(state)
  for (const refresh of all.filter(({ isRefresh, state: its }) => isRefresh && its !== 'open').reverse()) {
    // Read anew: an earlier refresh may have changed them.
    const applies = (await readGenerations(state)).filter(
      ({ isRefresh, state: its, number }) => !isRefresh && its === 'applied' && number < refresh.number,
    )
    if (refresh.state === 'applied')
      for (const changed of foldInto(applies, refresh)) await updateGeneration(state, changed)
    await deleteGeneration(state, refresh.number)
  }
}
