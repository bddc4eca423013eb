import { access, constants, lstat, open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { WrittenPath } from '../policy/written-paths.ts'
import { errnoOf, isMissing } from '../system/host-error.ts'

/** Whether a daemon could write to a path now. */
export interface WriteAccess {
  readonly written: WrittenPath
  /** Why it cannot be opened for writing (`EROFS`); null: it can. */
  readonly errno: string | null
  /** Free on its file system, for root; null if it does not have limits. */
  readonly bytes: number | null
  readonly inodes: number | null
}

/** Opens a file for appending, without changing it; if it does not exist, checks its directory. */
const tryPath = async (path: string): Promise<string> => {
  try {
    if ((await lstat(path)).isDirectory()) {
      await access(path, constants.W_OK)
    } else {
      // Without O_NONBLOCK this would wait for the reader of a FIFO.
      await (await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK)).close()
    }
    return path
  } catch (error) {
    if (isMissing(error) && path !== '/') return tryPath(dirname(path))
    throw error
  }
}

const errnoFor = async (paths: readonly string[]): Promise<{ at: string; errno: string | null }> => {
  let at = '/'
  try {
    for (const path of paths) at = await tryPath(path)
    return { at, errno: null }
  } catch (error) {
    return { at, errno: errnoOf(error) ?? String(error) }
  }
}

/** Whether each path can be written now, and how much space is left there. Changes nothing. */
export const readWriteAccess = (paths: readonly WrittenPath[]): Promise<WriteAccess[]> =>
  Promise.all(
    paths.map(async (written): Promise<WriteAccess> => {
      const { path, isReplaced } = written
      const { at, errno } = await errnoFor([...(isReplaced ? [dirname(path)] : []), path])
      const system = await statfs(at).catch(() => null)
      return {
        written,
        errno,
        bytes: system === null || system.blocks === 0 ? null : system.bfree * system.bsize,
        inodes: system === null || system.files === 0 ? null : system.ffree,
      }
    }),
  )
