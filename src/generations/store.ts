import { chmod, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { effect } from '../system/effect.ts'
import { replaceFile, syncPath } from '../system/files.ts'
import { errnoOf, HostError, isMissing } from '../system/host-error.ts'
import type { Generation } from './record.ts'

/** A file that is being written, beside the one that it replaces. */
const TEMPORARY = /^\..*\.[0-9a-f]{12}\.portward$/

/** The directory of all generations below a state directory. */
const homeOf = (state: string): string => join(state, 'generations')

export const directoryOf = (state: string, number: number): string => join(homeOf(state), String(number))

/** The directory of a generation that is being created or deleted. */
const partialOf = (state: string, number: number): string => `${directoryOf(state, number)}.partial`

const cannotRead = (path: string, error: unknown): HostError =>
  new HostError(`cannot read ${path}: ${errnoOf(error)}`, 'run portward as root', { cause: error })

/** A file's bytes; null if it does not exist. Throws HostError. */
export const readBytes = async (path: string): Promise<Buffer | null> => {
  try {
    return await readFile(path)
  } catch (error) {
    if (isMissing(error)) return null
    throw cannotRead(path, error)
  }
}

/** A record; null if it does not exist. Throws HostError. */
export const readJson = async <T>(path: string): Promise<T | null> => {
  const bytes = await readBytes(path)
  try {
    return bytes === null ? null : JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new HostError(`${path} is damaged`, 'move it away; its content is lost', { cause: error })
  }
}

/** Names in the directory of all generations; empty where that directory does not exist. */
const listNames = async (state: string): Promise<string[]> => {
  try {
    return await readdir(homeOf(state))
  } catch (error) {
    if (isMissing(error)) return []
    throw cannotRead(homeOf(state), error)
  }
}

/** Numbers of all generations, ascending; unfinished ones left out. */
const listNumbers = async (state: string): Promise<number[]> =>
  (await listNames(state))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)

const recordIn = (directory: string): string => join(directory, 'generation.json')

/** All generations, the latest first. */
export const readGenerations = async (state: string): Promise<Generation[]> => {
  const numbers = await listNumbers(state)
  const paths = numbers.map((number) => recordIn(directoryOf(state, number)))
  const read = await Promise.all(paths.map((path) => readJson<Generation>(path)))
  return read.filter((generation) => generation !== null).reverse()
}

const writeRecord = (directory: string, generation: Generation): Promise<void> =>
  replaceFile('/', recordIn(directory), `${JSON.stringify(generation, null, 2)}\n`, 0o600)

/**
 * Adds a generation under the next number, as a whole or not at all. `fill` copies files into the given directory and returns
 * the record. Returns the generation.
 */
export const addGeneration = async (
  state: string,
  fill: (directory: string) => Promise<Omit<Generation, 'number' | 'version'>>,
): Promise<Generation> => {
  await effect(`make ${homeOf(state)}`, async () => {
    await mkdir(homeOf(state), { recursive: true, mode: 0o700 })
    // Only root may read it: it has copies of configuration files.
    await chmod(state, 0o700)
  })
  const number = ((await listNumbers(state)).at(-1) ?? 0) + 1
  const partial = partialOf(state, number)
  await effect(`make ${partial}`, async () => {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { mode: 0o700 })
  })
  const generation: Generation = { version: 1, number, ...(await fill(partial)) }
  await writeRecord(partial, generation)
  await effect(`keep generation ${number}`, async () => {
    for (const name of await readdir(partial)) await syncPath(join(partial, name))
    await syncPath(partial)
    await rename(partial, directoryOf(state, number))
    await syncPath(homeOf(state))
  })
  return generation
}

export const updateGeneration = (state: string, generation: Generation): Promise<void> =>
  writeRecord(directoryOf(state, generation.number), generation)

/** Renames the generation first, to a name that is never read: a crash must not leave half of it. */
export const deleteGeneration = (state: string, number: number): Promise<void> =>
  effect(`forget generation ${number}`, async () => {
    const partial = partialOf(state, number)
    await rm(partial, { recursive: true, force: true })
    await rename(directoryOf(state, number), partial)
    await rm(partial, { recursive: true, force: true })
  })

/** Deletes the oldest generations beyond `keep`: those that are not in force before those that can be rolled back. */
export const pruneGenerations = async (state: string, keep: number): Promise<void> => {
  const oldestFirst = (await readGenerations(state)).reverse()
  const inForce = oldestFirst.filter((generation) => generation.state === 'applied')
  const past = oldestFirst.filter(({ state }) => state === 'undone' || state === 'rolled-back')
  const excess = Math.max(0, oldestFirst.length - keep)
  for (const { number } of [...past, ...inForce].slice(0, excess)) await deleteGeneration(state, number)
}

/** Removes temporary files that a process left in a directory when it was killed in `replaceFile`. */
export const removeTemporaryIn = async (directory: string): Promise<void> => {
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter((candidate) => TEMPORARY.test(candidate))) {
    await effect(`remove ${join(directory, name)}`, () => rm(join(directory, name), { force: true }))
  }
}

/** Deletes what a process left that was killed before it changed anything: an unfinished or unused record. */
export const deleteUnused = async (state: string): Promise<void> => {
  for (const name of (await listNames(state)).filter((candidate) => candidate.endsWith('.partial'))) {
    await effect(`forget ${name}`, () => rm(join(homeOf(state), name), { recursive: true, force: true }))
  }
  const generations = await readGenerations(state)
  for (const directory of [state, ...generations.map(({ number }) => directoryOf(state, number))])
    await removeTemporaryIn(directory)
  const unused = generations.filter((generation) => generation.state === 'open')
  for (const { number } of unused) await deleteGeneration(state, number)
}
