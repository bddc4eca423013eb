import { join } from 'node:path'
import { NAMES_PATH } from '../policy/host-names.ts'
import { effect } from '../system/effect.ts'
import { run } from '../system/process.ts'
import type { FileRecord, Generation } from './record.ts'
import { deleteGeneration, directoryOf, readGenerations, updateGeneration } from './store.ts'

// What a refresh did becomes part of the applies before it: a rollback restores what an apply replaced, and must not take the
// addresses of today for a change by somebody else. A record of its own each time would soon push out those of the applies.

/** The generation with what a later one wrote as its own. */
const withFiles = (generation: Generation, paths: ReadonlyMap<string, FileRecord>): Generation => ({
  ...generation,
  files: generation.files.map((file) => ({ ...file, after: (paths.get(file.path) ?? file).after })),
})

/** The copy of the record of names, in an apply that did not write that record itself. */
const COPY = 'names'

/**
 * The record of names, for an apply that did not write it: where a rollback brings earlier addresses back, their record comes back
 * with them, and the next refresh sees that they are not those of today.
 */
const recordFor = (own: readonly FileRecord[], left: ReadonlyMap<string, FileRecord>): FileRecord[] => {
  const record = left.get(NAMES_PATH)
  if (record === undefined || own.some(({ path }) => path === NAMES_PATH)) return []
  return [record.copy === null ? record : { ...record, copy: COPY }]
}

/** The applies that are in force, changed as a refresh after them requires: the latest one of each file. Pure. */
export const foldInto = (applies: readonly Generation[], refresh: Generation): Generation[] => {
  const left = new Map(refresh.files.map((file) => [file.path, file]))
  return applies.flatMap((generation) => {
    const own = generation.files.filter(({ path }) => left.has(path))
    if (own.length === 0) return []
    const added = recordFor(own, left)
    const changed = withFiles(generation, left)
    for (const { path } of [...own, ...added]) left.delete(path)
    return [{ ...changed, files: [...changed.files, ...added] }]
  })
}

const hasCopy = (generation: Generation | undefined): boolean =>
  generation?.files.some(({ copy }) => copy === COPY) === true

/** Copies what a refresh has replaced into the directory of an apply. */
const copyRecord = async (state: string, refresh: Generation, changed: Generation): Promise<void> => {
  const copy = refresh.files.find(({ path }) => path === NAMES_PATH)?.copy ?? ''
  const [from, to] = [
    join(directoryOf(state, refresh.number), copy),
    join(directoryOf(state, changed.number), COPY),
  ]
  await effect(`copy ${from}`, () =>
    run('cp', ['--archive', '--', from, to], 'see whether there is enough space in /var/lib'),
  )
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
      for (const changed of foldInto(applies, refresh)) {
        const before = applies.find(({ number }) => number === changed.number)
        // First: after a crash in between, all of this is done again.
        if (hasCopy(changed) && !hasCopy(before)) await copyRecord(state, refresh, changed)
        await updateGeneration(state, changed)
      }
    await deleteGeneration(state, refresh.number)
  }
}
