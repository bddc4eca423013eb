import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs'
import { appendFile, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { effect } from './effect.ts'
import { failedTo, HostError, isMissing } from './host-error.ts'
import { resolveInRoot } from './paths.ts'
import { run } from './process.ts'

/** A regular file as read: latin1-decoded bytes, permission bits, owner. */
export interface FileState {
  readonly text: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Milliseconds since the epoch; 0 for a file that so far is only in its package. */
  readonly modifiedMs: number
}

/** Why a file cannot be read. */
export interface Unreadable {
  readonly message: string
  readonly hint: string
}

/** What `read` returns for the real path, or null if the file does not exist. */
const ifPresent = async <T>(
  root: string,
  path: string,
  read: (real: string) => Promise<T>,
): Promise<T | null> => {
  const real = await resolveInRoot(root, path)
  try {
    return await read(real)
  } catch (error) {
    if (isMissing(error)) return null
    if (!(error instanceof HostError)) throw failedTo('read', real, error)
    const requested = join(root, path)
    throw requested === real
      ? error
      : new HostError(`${requested} leads to an unusable path: ${error.message}`, error.hint)
  }
}

/** Names in a directory; none where it is not there. Throws HostError where it cannot be read. */
export const listDirectory = async (root: string, path: string): Promise<string[]> => {
  const real = await resolveInRoot(root, path)
  try {
    return readdirSync(real)
  } catch (error) {
    if (isMissing(error)) return []
    throw failedTo('list', real, error)
  }
}

const attributesOf = (real: string, entry: Stats): Omit<FileState, 'text'> => {
  if (!entry.isFile()) throw new HostError(`${real} is not a regular file`, 'see which link leads there')
  const { mode, uid, gid, mtimeMs } = entry
  // A time in the future (the clock was set back, a copy kept its times) is meaningless, and would be newer than any daemon.
  return { mode: mode & 0o7777, uid, gid, modifiedMs: mtimeMs > Date.now() ? 0 : mtimeMs }
}

/** Attributes of a file below `root`, or null if it does not exist. Throws HostError if they cannot be read. */
export const readAttributes = (root: string, path: string): Promise<Omit<FileState, 'text'> | null> =>
  ifPresent(root, path, async (real) => attributesOf(real, statSync(real)))

/**
 * A file below `root` with its attributes, or null if it does not exist: both belong to the same file, even if it is
 * replaced in between. Throws HostError if it cannot be read.
 */
export const readFileState = (root: string, path: string): Promise<FileState | null> =>
  ifPresent(root, path, async (real) => {
    // Opening something other than a file (a pipe without a writer) must not block.
    const file = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return { ...attributesOf(real, fstatSync(file)), text: readFileSync(file, 'latin1') }
    } finally {
      closeSync(file)
    }
  })

/** Syncs a file's bytes, or a directory's names, to disk. */
export const syncPath = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  await handle.sync().finally(() => handle.close())
}

/** Twelve random hexadecimal digits. No secret: a file of this name that is there already is an error. */
const randomName = (): string => Math.random().toString(16).slice(2, 14).padEnd(12, '0')

/** Bytes that are compared or written at once, so that a long file is not in memory once more. */
const CHUNK = 2 ** 20

const haveSameBytes = (file: number, text: string): boolean => {
  const buffer = Buffer.alloc(CHUNK)
  let at = 0
  for (let size = readSync(file, buffer); size > 0; size = readSync(file, buffer)) {
    if (buffer.toString('latin1', 0, size) !== text.slice(at, at + size)) return false
    at += size
  }
  return at === text.length
}

/** Whether a file below `root` has this text, or, for null, does not exist. Throws HostError if it cannot be read. */
export const hasText = async (root: string, path: string, text: string | null): Promise<boolean> => {
  const isSame = await ifPresent(root, path, async (real) => {
    const file = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      attributesOf(real, fstatSync(file))
      return text !== null && haveSameBytes(file, text)
    } finally {
      closeSync(file)
    }
  })
  return isSame ?? text === null
}

/** A new file with this text, open, so that nothing has to be found by its name again. */
const createFile = async (path: string, text: string): Promise<FileHandle> => {
  const handle = await open(path, 'wx', 0o600)
  try {
    for (let at = 0; at < text.length; at += CHUNK)
      await handle.writeFile(text.slice(at, at + CHUNK), 'latin1')
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * Replaces a file atomically, or creates it with `mode`: a temporary file beside the real target gets the
 * same mode, owner, ACL and other extended attributes, is synced and renamed over it, and the directory is
 * synced. Symbolic links are followed, not replaced. Missing directories are created. On failure throws HostError and leaves
 * the old file as it was.
 *
 * `attributes: 'new'`: the file always gets `mode`, and belongs to this user. Required where other users may write to the directory:
 * one of them could put a link in the place of the temporary file, which a program that copies attributes to it would follow.
 */
export const replaceFile = async (
  root: string,
  path: string,
  text: string,
  mode: number,
  attributes: 'kept' | 'new' = 'kept',
): Promise<void> => {
  const target = await resolveInRoot(root, path)
  const temporary = join(dirname(target), `.${basename(target)}.${randomName()}.portward`)
  let handle: FileHandle | undefined
  try {
    const exists = (await readAttributes(root, path)) !== null
    await effect(`make the directory of ${target}`, () =>
      mkdir(dirname(target), { recursive: true, mode: 0o755 }),
    )
    const created = await effect(`write beside ${target}`, () => createFile(temporary, text))
    handle = created
    await effect(`give it the attributes of ${target}`, async () => {
      if (exists && attributes === 'kept') {
        const options = ['--attributes-only', '--preserve=mode,ownership,xattr']
        await run('cp', [...options, '--', target, temporary], 'see whether the file system keeps attributes')
      } else await created.chmod(mode)
      // Its bytes, too.
      await created.sync()
      // Before it has its name: no program can be run that is open for writing.
      await created.close()
    })
    await effect(`rename ${target}`, async () => {
      await rename(temporary, target)
      await syncPath(dirname(target))
    })
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error instanceof HostError ? error : failedTo('write', target, error)
  } finally {
    await handle?.close()
  }
}

/** What has been appended to a file after its first `size` bytes. */
const readAdded = async (handle: FileHandle, size: number): Promise<Buffer> => {
  const added = Buffer.alloc(Math.max(0, (await handle.stat()).size - size))
  const { bytesRead } = await handle.read(added, 0, added.length, size)
  return added.subarray(0, bytesRead)
}

/**
 * Replaces the bytes of a file to which daemons may append lines at any time: `change` gets the file's text ('' if it does not
 * exist), and what is appended to the old file while the new one is written is appended to the new one, too.
 * Throws HostError, and whatever `change` throws.
 */
export const rewriteGrowing = async (
  root: string,
  path: string,
  change: (text: string) => string,
  mode: number,
): Promise<void> => {
  const old = await ifPresent(root, path, async (real) => {
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      attributesOf(real, await handle.stat())
      return { real, handle, text: readFileSync(handle.fd, 'latin1') }
    } catch (error) {
      await handle.close()
      throw error
    }
  })
  const before = old?.text ?? ''
  try {
    const after = change(before)
    if (after === before) return
    await replaceFile(root, path, after, mode)
    if (old === null) return
    const added = await readAdded(old.handle, before.length)
    if (added.length > 0) await effect(`add to ${old.real}`, () => appendFile(old.real, added))
  } finally {
    await old?.handle.close()
  }
}

/** Removes what has this name, a link instead of the file that it leads to. Throws HostError. */
export const removeEntry = async (path: string): Promise<void> => {
  const target = join(await resolveInRoot('/', dirname(path)), basename(path))
  try {
    await effect(`remove ${target}`, () => rm(target, { force: true }))
  } catch (error) {
    throw failedTo('remove', target, error)
  }
}

/** Removes a file. Throws HostError. */
export const removeFile = async (root: string, path: string): Promise<void> => {
  const target = await resolveInRoot(root, path)
  try {
    await effect(`remove ${target}`, async () => {
      await rm(target, { force: true })
      await syncPath(dirname(target))
    })
  } catch (error) {
    throw failedTo('remove', target, error)
  }
}
