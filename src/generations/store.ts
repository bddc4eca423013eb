import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { effect } from '../host/effect.ts'
import { replaceFile, syncPath } from '../host/files.ts'
import { errnoOf, HostError } from '../host/host-error.ts'
import { run } from '../host/process.ts'
import type { Generation, Journal } from './record.ts'

/** A file that is being written, beside the one that it replaces. */
const TEMPORARY = /^\..*\.[0-9a-f]{12}\.portward$/

/** The directory of all generations below a state directory. */
const homeOf = (state: string): string => join(state, 'generations')

const journalOf = (state: string): string => join(state, 'journal.json')

const reserveOf = (state: string): string => join(state, 'reserve')

const directoryOf = (state: string, number: number): string => join(homeOf(state), String(number))

/** What is being made, or being forgotten. */
const partialOf = (state: string, number: number): string => `${directoryOf(state, number)}.partial`

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256')
    .update(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    .digest('hex')

const readIfThere = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null
    throw new HostError(`cannot read ${path}: ${errnoOf(error)}`, 'run portward as root', { cause: error })
  }
}

const parse = <T>(path: string, text: string): T => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new HostError(`${path} is damaged`, 'move it away; what it says is lost', { cause: error })
  }
}

/** Makes the state directory, or sees that it is nobody's but root's. Throws HostError. */
const openHome = async (state: string): Promise<void> => {
  await effect(`make ${homeOf(state)}`, async () => {
    await mkdir(homeOf(state), { recursive: true, mode: 0o700 })
    await chmod(state, 0o700)
  })
  const { uid } = await lstat(state)
  if (uid !== process.getuid?.()) {
    throw new HostError(`${state} belongs to user ${uid}`, `chown root: ${state}`)
  }
}

/** Numbers of all generations, ascending; unfinished ones left out. */
const listNumbers = async (state: string): Promise<number[]> => {
  const names = await readdir(homeOf(state)).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw new HostError(`cannot read ${homeOf(state)}: ${errnoOf(error)}`, 'run portward as root', {
      cause: error,
    })
  })
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

const readGeneration = async (state: string, number: number): Promise<Generation | null> => {
  const path = join(directoryOf(state, number), 'generation.json')
  const text = await readIfThere(path)
  return text === null ? null : parse<Generation>(path, text)
}

/** All generations, the latest first. */
export const readGenerations = async (state: string): Promise<Generation[]> => {
  const read = await Promise.all((await listNumbers(state)).map((number) => readGeneration(state, number)))
  return read.filter((generation) => generation !== null).reverse()
}

/** Puts the bytes and names of a new directory's entries on the disk. */
const syncTree = async (directory: string): Promise<void> => {
  for (const name of await readdir(directory)) await syncPath(join(directory, name))
  await syncPath(directory)
}

/**
 * Adds a generation under the next number: it is there as a whole or not at all. `fill` copies files into the directory
 * that it is given. Returns it.
 */
export const addGeneration = async (
  state: string,
  fill: (directory: string) => Promise<Omit<Generation, 'number' | 'version'>>,
): Promise<Generation> => {
  await openHome(state)
  const number = ((await listNumbers(state)).at(-1) ?? 0) + 1
  const partial = partialOf(state, number)
  await effect(`make ${partial}`, async () => {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { mode: 0o700 })
  })
  const generation: Generation = { version: 1, number, ...(await fill(partial)) }
  await replaceFile('/', join(partial, 'generation.json'), `${JSON.stringify(generation, null, 2)}\n`, 0o600)
  await effect(`keep generation ${number}`, async () => {
    await syncTree(partial)
    await rename(partial, directoryOf(state, number))
    await syncPath(homeOf(state))
  })
  return generation
}

export const updateGeneration = async (state: string, generation: Generation): Promise<void> => {
  const path = join(directoryOf(state, generation.number), 'generation.json')
  await replaceFile('/', path, `${JSON.stringify(generation, null, 2)}\n`, 0o600)
}

/** Copies a file with all its attributes into a generation's directory. */
export const copyInto = async (directory: string, name: string, real: string): Promise<void> => {
  await effect(`copy ${real}`, async () => {
    await run('cp', ['--archive', '--', real, join(directory, name)], 'see whether there is room in /var/lib')
  })
}

/** Bytes of all files that a generation holds copies of. */
export const sizeOfCopies = async ({ files, number }: Generation, state: string): Promise<number> => {
  const copies = files.flatMap(({ copy }) => (copy === null ? [] : copyPath(state, number, copy)))
  const entries = await Promise.all(copies.map((path) => stat(path)))
  return entries.reduce((sum, { size }) => sum + size, 0)
}

export const copyPath = (state: string, number: number, name: string): string =>
  join(directoryOf(state, number), name)

/** Under a name that nobody reads, first: a crash must not leave half of one. */
const forget = (state: string, number: number): Promise<void> =>
  effect(`forget generation ${number}`, async () => {
    const partial = partialOf(state, number)
    await rm(partial, { recursive: true, force: true })
    await rename(directoryOf(state, number), partial)
    await rm(partial, { recursive: true, force: true })
  })

/** Forgets the oldest generations beyond `keep`: those that can't be given back any more before those that can. */
export const pruneGenerations = async (state: string, keep: number): Promise<void> => {
  const oldestFirst = (await readGenerations(state)).reverse()
  const inForce = oldestFirst.filter((generation) => generation.state === 'applied')
  const past = oldestFirst.filter(({ state }) => state === 'undone' || state === 'rolled-back')
  const excess = Math.max(0, oldestFirst.length - keep)
  for (const { number } of [...past, ...inForce].slice(0, excess)) await forget(state, number)
}

/** Room beyond the files themselves: for directories, the journal, the records. */
const SLACK_BYTES = 256 * 1024

/**
 * Takes as much room as it takes to give files of these sizes back, so that a disk that is full by then does not keep
 * them from it. Throws HostError where there is none.
 */
export const takeReserve = async (state: string, bytes: number): Promise<void> => {
  await effect('reserve room to put things back', async () => {
    try {
      await writeFile(reserveOf(state), Buffer.alloc(bytes + SLACK_BYTES), { mode: 0o600, flush: true })
    } catch (error) {
      await rm(reserveOf(state), { force: true })
      throw new HostError(`no room in ${state} to put things back: ${errnoOf(error)}`, 'make room', {
        cause: error,
      })
    }
  })
}

export const freeReserve = (state: string): Promise<void> =>
  effect('free the reserve', () => rm(reserveOf(state), { force: true }))

export const readJournal = async (state: string): Promise<Journal | null> => {
  const text = await readIfThere(journalOf(state))
  return text === null ? null : parse<Journal>(journalOf(state), text)
}

/** From here on a crash leaves the journal behind. */
export const openJournal = async (state: string, journal: Journal): Promise<void> => {
  await replaceFile('/', journalOf(state), `${JSON.stringify(journal)}\n`, 0o600)
}

export const closeJournal = async (state: string): Promise<void> => {
  await effect('close the journal', async () => {
    await rm(journalOf(state), { force: true })
    await syncPath(state)
  })
}

/** Takes away what a death in the middle of `replaceFile` left in a directory. */
export const removeTemporaryIn = async (directory: string): Promise<void> => {
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter((candidate) => TEMPORARY.test(candidate))) {
    await effect(`remove ${join(directory, name)}`, () => rm(join(directory, name), { force: true }))
  }
}

/** Takes away what a death left that came before anything was touched: a record that was never finished, or never used. */
export const forgetUnused = async (state: string): Promise<void> => {
  const names = await readdir(homeOf(state)).catch(() => [])
  for (const name of names.filter((candidate) => candidate.endsWith('.partial'))) {
    await effect(`forget ${name}`, () => rm(join(homeOf(state), name), { recursive: true, force: true }))
  }
  if ((await stat(reserveOf(state)).catch(() => null)) !== null) await freeReserve(state)
  const kept = (await listNumbers(state)).map((number) => directoryOf(state, number))
  for (const directory of [state, ...kept]) await removeTemporaryIn(directory)
  const unused = (await readGenerations(state)).filter((generation) => generation.state === 'open')
  for (const { number } of unused) await forget(state, number)
}
