import { cp, lstat, mkdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isOnlyDenials } from '../bans/hosts-deny.ts'
import { HOSTS_DENY } from '../facts/hosts-deny.ts'
import { effect } from '../system/effect.ts'
import { syncPath } from '../system/files.ts'
import { errnoOf } from '../system/host-error.ts'
import { run } from '../system/process.ts'
import { UNIT_DIRECTORY } from './confirmation.ts'
import { sha256 } from './digest.ts'
import type { Restoration, RestoredFile } from './merge.ts'
import { directoryOf, readBytes, removeTemporaryIn } from './store.ts'

/** Whether others have changed the file since; what a daemon appended to it does not count. */
const isForeign = async (file: RestoredFile): Promise<boolean> => {
  const { path, real, after, grows } = file
  const bytes = await readBytes(real)
  const isAsBefore = file.copy === null ? bytes === null : bytes !== null && sha256(bytes) === file.sha256
  if (isAsBefore) return false
  if (bytes === null || after === null) return bytes !== null || after !== null
  const seen = grows ? bytes.subarray(0, after.size) : bytes
  if (sha256(seen) !== after.sha256) return true
  return path === HOSTS_DENY && !isOnlyDenials(bytes.subarray(after.size).toString('latin1'))
}

/** Files that others have changed since the apply. */
export const findForeign = async ({ files }: Restoration): Promise<RestoredFile[]> => {
  const foreign = await Promise.all(files.map(isForeign))
  return files.filter((_, index) => foreign[index])
}

/** The bytes that a file is to have again; null: there was none. Throws HostError. */
export const readCopy = async (state: string, file: RestoredFile): Promise<Buffer | null> =>
  file.copy === null ? null : readBytes(copyOf(state, file, file.copy))

const copyOf = (state: string, { number }: RestoredFile, name: string): string =>
  join(directoryOf(state, number), name)

/** Where the version is that a rollback restores; null: there was no file. */
export const earlierPath = (state: string, file: RestoredFile): string | null =>
  file.copy === null ? null : copyOf(state, file, file.copy)

/** Where a rollback keeps the version that it replaces, if it is not portward's. */
export const keptPath = (state: string, file: RestoredFile): string =>
  copyOf(state, file, `replaced${file.path.replaceAll('/', '-')}`)

const hasAttributesOf = async (path: string, copy: string): Promise<boolean> => {
  const [one, other] = await Promise.all([lstat(path), lstat(copy)])
  return one.mode === other.mode && one.uid === other.uid && one.gid === other.gid
}

/** Copies what a daemon wrote, or --force would discard, into the generation's directory. */
export const keepPresent = async (state: string, file: RestoredFile): Promise<void> => {
  const { real, after } = file
  const bytes = await readBytes(real)
  if (bytes === null || bytes.length === 0) return
  const sum = sha256(bytes)
  // An earlier attempt has restored the file already: do not overwrite the copy that it made.
  if (sum === after?.sha256 || (file.copy !== null && sum === file.sha256)) return
  const kept = keptPath(state, file)
  await effect(`keep ${real}`, async () => {
    await cp(real, kept, { preserveTimestamps: true })
    await syncPath(kept)
  })
}

export const restoreFile = async (state: string, file: RestoredFile): Promise<void> => {
  const { real } = file
  const directory = dirname(real)
  const present = await readBytes(real)
  if (file.copy === null) {
    if (present === null) return
    await keepPresent(state, file)
    await effect(`remove ${real}`, async () => {
      await rm(real, { force: true })
      await syncPath(directory)
    })
    return
  }
  const copy = copyOf(state, file, file.copy)
  if (present !== null && sha256(present) === file.sha256 && (await hasAttributesOf(real, copy))) return
  await keepPresent(state, file)
  const temporary = join(directory, `.${basename(real)}.${file.sha256.slice(0, 12)}.portward`)
  await effect(`copy ${real} back`, async () => {
    await mkdir(directory, { recursive: true })
    await run(
      'cp',
      ['--archive', '--remove-destination', '--', copy, temporary],
      `see whether ${directory} can be written`,
    )
    await syncPath(temporary)
  })
  await effect(`rename ${real}`, async () => {
    await rename(temporary, real)
    await syncPath(directory)
  })
}

/** Removes the temporary files that a killed apply left beside the files: they have only what it was about to write. */
export const removeTemporary = async ({ root, files }: Restoration): Promise<void> => {
  const directories = files.map(({ real }) => dirname(real))
  const others = root === '/' ? [UNIT_DIRECTORY, dirname(HOSTS_DENY)] : []
  for (const directory of new Set([...directories, ...others])) await removeTemporaryIn(directory)
}

const removeIfEmpty = async (path: string): Promise<void> => {
  try {
    await rmdir(path)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error
  }
}

const innermostFirst = (paths: readonly string[]): string[] =>
  [...new Set(paths)].sort((a, b) => b.length - a.length)

/** Removes directories that did not exist before and are empty now. */
export const removeDirectories = async ({ files }: Restoration): Promise<void> => {
  const made = files.flatMap((file) => (file.copy === null ? file.directories : []))
  for (const path of innermostFirst(made)) await effect(`remove ${path} if empty`, () => removeIfEmpty(path))
}

/** Paths that did not exist before, exist now, and are not files of the apply: daemons and packages have created them. */
export const findLeftovers = async ({ files, newPaths }: Restoration): Promise<string[]> => {
  const ours = new Set(files.map(({ real }) => real))
  const candidates = innermostFirst(newPaths).filter((path) => !ours.has(path))
  const entries = await Promise.all(candidates.map((path) => lstat(path).catch(() => null)))
  return candidates.filter((_, index) => entries[index] !== null)
}

/** `kept`: packages that were not removed; what they created is kept, too. */
export const removeLeftovers = async (restoration: Restoration, kept: readonly string[]): Promise<void> => {
  const isKept = (path: string) =>
    kept.some((name) => path.includes(`/${name}`) || (name === 'libwrap0' && path.startsWith('/etc/hosts.')))
  for (const path of (await findLeftovers(restoration)).filter((path) => !isKept(path))) {
    const isDirectory = (await lstat(path)).isDirectory()
    await effect(`remove ${path}`, () => (isDirectory ? removeIfEmpty(path) : rm(path, { force: true })))
  }
}
