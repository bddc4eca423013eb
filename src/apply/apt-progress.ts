import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { advance } from '../system/progress.ts'
import { parseAptStatus } from './apt-status.ts'

const POLL_MS = 250
/** Linux's `__O_TMPFILE`, which node does not name: a file without a path, that is gone once it is closed. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

/** Bytes for the status: a line has some 80, and apt writes two a second while it downloads. */
const ROOM = 262_144

/** Null where that cannot be, or has no room: apt then works without anybody who watches. */
const openStatus = (directory: string): number | null => {
  let status: number | undefined
  try {
    status = openSync(directory, constants.O_RDWR | O_TMPFILE, 0o600)
    // At a position: apt then writes from the begin. It puts its lines where the zero bytes are.
    if (writeSync(status, Buffer.alloc(ROOM), 0, ROOM, 0) === ROOM) return status
  } catch {
    // Full, or no place for it.
  }
  if (status !== undefined) closeSync(status)
  return null
}

/**
 * Runs apt with these options and a descriptor for its status, and tells how far it is. The status goes to a file in
 * `directory`: apt fails if it cannot write it, which a pipe would lead to as soon as portward is killed, and a full directory
 * at once. apt closes the descriptor in dpkg, so that no daemon keeps it.
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
    const end = buffer.subarray(0, length).indexOf(0)
    const written = end === -1 ? length : end
    position += written
    const { latest, rest } = parseAptStatus(text + buffer.toString('utf8', 0, written))
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
