import { readFileSync, statSync } from 'node:fs'
import { appendFile, truncate } from 'node:fs/promises'
import { errnoOf, failedTo, type HostError } from '../system/host-error.ts'

/** What distinguishes two states of a file; null if it does not exist. */
const stampOf = (path: string): string | null => {
  const entry = statSync(path, { throwIfNoEntry: false })
  return entry === undefined
    ? null
    : `${entry.dev}:${entry.ino}:${entry.size}:${entry.mtimeMs}:${entry.ctimeMs}`
}

const readBytes = (path: string): Buffer | null => {
  try {
    return readFileSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw failedTo('read', path, error)
  }
}

/** A file that this program appends to and that another one may change. */
export interface WatchedFile {
  /** Its bytes (null: it does not exist) if it has changed since the last call or append; else undefined. Throws HostError. */
  readonly changed: () => Buffer | null | undefined
  /** Appends to the file, or creates it with `mode`. The append does not count as a change. Throws HostError. */
  readonly append: (bytes: Uint8Array | string, mode: number) => Promise<void>
  /** Truncates the file, if it exists. Throws HostError. */
  readonly empty: () => Promise<void>
}

const explain = (path: string, error: unknown): HostError => failedTo('write', path, error)

/** Watches a file by its real path. A check is one stat(): cheap enough for each packet. */
export const watchFile = (path: string): WatchedFile => {
  let seen: string | null | undefined
  return {
    changed: () => {
      const stamp = stampOf(path)
      if (stamp === seen) return undefined
      seen = stamp
      return readBytes(path)
    },
    append: async (bytes, mode) => {
      const isCurrent = stampOf(path) === seen
      try {
        await appendFile(path, bytes, { encoding: 'latin1', mode })
      } catch (error) {
        throw explain(path, error)
      }
      if (isCurrent) seen = stampOf(path)
    },
    empty: async () => {
      try {
        await truncate(path)
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw explain(path, error)
      }
    },
  }
}
