import { cp, lstat, mkdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isOnlyDenials } from '../../bans/hosts-deny.ts'
import { HOSTS_DENY } from '../../facts/hosts-deny.ts'
import { effect } from '../effect.ts'
import { syncPath } from '../files.ts'
import { errnoOf, HostError } from '../host-error.ts'
import { run } from '../process.ts'
import { UNIT_DIRECTORY } from './confirmation.ts'
import type { MergedFile, Restoration } from './merge.ts'
import { copyPath, removeTemporaryIn, sha256 } from './store.ts'
import { isMadeFor } from './take.ts'

export const readBytes = async (path: string): Promise<Buffer | null> => {
  try {
    return await readFile(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null
    throw new HostError(`cannot read ${path}: ${errnoOf(error)}`, 'see what is there', { cause: error })
  }
}

/** Whether somebody else has changed the file since; what a daemon added to its own is no such change. */
const isForeign = async ({ record, left }: MergedFile): Promise<boolean> => {
  const bytes = await readBytes(record.real)
  const isAsBefore = record.copy === null ? bytes === null : bytes !== null && sha256(bytes) === record.sha256
  if (isAsBefore) return false
  if (bytes === null || left === null) return bytes !== null || left !== null
  const seen = record.grows ? bytes.subarray(0, left.size) : bytes
  if (sha256(seen) !== left.sha256) return true
  return record.path === HOSTS_DENY && !isOnlyDenials(bytes.subarray(left.size).toString('latin1'))
}

/** Paths that somebody else has changed since the apply. */
export const findForeign = async ({ files }: Restoration): Promise<string[]> => {
  const foreign = await Promise.all(
    files.map(async (file) => ((await isForeign(file)) ? [file.record.path] : [])),
  )
  return foreign.flat()
}

const hasAttributesOf = async (path: string, copy: string): Promise<boolean> => {
  const [one, other] = await Promise.all([lstat(path), lstat(copy)])
  return one.mode === other.mode && one.uid === other.uid && one.gid === other.gid
}

/** What a daemon wrote, or somebody with --force gives up, is not lost: it stays with the generation. */
export const keepPresent = async (state: string, { record, number, left }: MergedFile): Promise<void> => {
  const bytes = await readBytes(record.real)
  if (bytes === null || bytes.length === 0) return
  const sum = sha256(bytes)
  // Given back already, by an earlier attempt: what that kept must stay.
  if (sum === left?.sha256 || (record.copy !== null && sum === record.sha256)) return
  const kept = copyPath(state, number, `replaced${record.path.replaceAll('/', '-')}`)
  await effect(`keep ${record.real}`, async () => {
    await cp(record.real, kept, { preserveTimestamps: true })
    await syncPath(kept)
  })
}

export const restoreFile = async (state: string, file: MergedFile): Promise<void> => {
  const { record, number } = file
  const { real } = record
  const directory = dirname(real)
  if (record.copy === null) {
    if ((await readBytes(real)) === null) return
    await keepPresent(state, file)
    await effect(`remove ${real}`, async () => {
      await rm(real, { force: true })
      await syncPath(directory)
    })
    return
  }
  const copy = copyPath(state, number, record.copy)
  const present = await readBytes(real)
  if (present !== null && sha256(present) === record.sha256 && (await hasAttributesOf(real, copy))) return
  await keepPresent(state, file)
  const temporary = join(directory, `.${basename(real)}.${record.sha256.slice(0, 12)}.portward`)
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

/** What an apply that died left beside the files: never more than what they were to become. */
export const removeTemporary = async ({ root, files }: Restoration): Promise<void> => {
  const directories = files.map(({ record }) => dirname(record.real))
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

/** Directories that were not there, as far as nothing is in them now. */
export const removeDirectories = async ({ files }: Restoration): Promise<void> => {
  const made = files.flatMap(({ record }) => (record.copy === null ? record.directories : []))
  const deepestFirst = [...new Set(made)].sort((a, b) => b.length - a.length)
  for (const path of deepestFirst) await effect(`remove ${path} if empty`, () => removeIfEmpty(path))
}

/** New since, and not by the apply itself; the innermost first. */
export const leftoversOf = ({ files, newPaths }: Restoration): string[] => {
  const ours = new Set(files.map(({ record }) => record.real))
  return newPaths.filter((path) => !ours.has(path)).sort((a, b) => b.length - a.length)
}

/** What the packages left when they went, and what the daemons remember: nothing that was there before. */
export const removeLeftovers = async (restoration: Restoration, kept: readonly string[]): Promise<void> => {
  for (const path of leftoversOf(restoration)) {
    if (isMadeFor(kept, path)) continue
    const entry = await lstat(path).catch(() => null)
    if (entry === null) continue
    await effect(`remove ${path}`, () =>
      entry.isDirectory() ? removeIfEmpty(path) : rm(path, { force: true }),
    )
  }
}
