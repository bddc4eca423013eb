import { closeSync, constants, openSync, readSync } from 'node:fs'
import { advance } from '../system/progress.ts'
import { parseAptStatus } from './apt-status.ts'

const POLL_MS = 250
/** Linux's `__O_TMPFILE`, which node does not name: a file without a path, that is gone once it is closed. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

/** Null where that cannot be: apt then works without anybody who watches. */
const openStatus = (directory: string): number | null => {
  try {
    return openSync(directory, constants.O_RDWR | O_TMPFILE, 0o600)
  } catch {
    return null
  }
}

/**
 * Runs apt with these options and a descriptor for its status, and tells how far it is. The status goes to a file in
 * `directory`: apt fails if it cannot write it, which a pipe would lead to as soon as portward is killed.
 */
export const tellingProgress = async <T>(
  runApt: (options: readonly string[], descriptor: number | undefined) => Promise<T>,
  directory = '/run',
): Promise<T> => {
  const status = openStatus(directory)
  if (status === null) return runApt([], undefined)
  const buffer = Buffer.alloc(65_536)
  let position = 0
  let text = ''
  const poll = (): void => {
    const length = readSync(status, buffer, 0, buffer.length, position)
    position += length
    const { latest, rest } = parseAptStatus(text + buffer.toString('utf8', 0, length))
    text = rest
    if (latest !== null) advance(latest)
  }
  const timer = setInterval(poll, POLL_MS)
  try {
    return await runApt(['-o', 'APT::Status-Fd=3'], status)
  } finally {
    clearInterval(timer)
    closeSync(status)
  }
}
