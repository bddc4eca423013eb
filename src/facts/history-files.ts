import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { listDirectory } from '../system/files.ts'
import { errnoOf, failedTo } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'

/** A history file that is there. */
export interface HistoryFile {
  readonly path: string
  /** Compressed by something else than gzip: it cannot be read. */
  readonly isForeign: boolean
}

/** After the history's own name: logrotate's number, or its date (`dateext`), and how it was compressed. */
const ROTATED = /^(?:[.-](\d{1,10}(?:-\d{2,6})?))?(?:\.(gz|xz|bz2|zst|lz4))?$/

/** Numbers count backwards from the history itself; dates, which have more digits, come before them. */
const orderOf = (rotation: string): number => {
  if (rotation === '') return 0
  const value = Number(rotation.replace('-', '.'))
  return rotation.length >= 6 ? value - 1e12 : -value
}

/**
 * The history and what logrotate has made of it, among the names of its directory, the oldest first. While it compresses a file it
 * keeps both: the one that is complete counts.
 */
export const sortHistoryFiles = (history: string, names: readonly string[]): string[] => {
  const byRotation = new Map<string, string>()
  for (const name of names) {
    const match = name.startsWith(history) ? ROTATED.exec(name.slice(history.length)) : null
    if (match === null) continue
    const [, rotation = '', compression] = match
    if (compression === undefined || !byRotation.has(rotation)) byRotation.set(rotation, name)
  }
  return [...byRotation].sort(([a], [b]) => orderOf(a) - orderOf(b)).map(([, name]) => name)
}

/** The history files below `root`, the oldest first. Throws HostError if their directory cannot be read. */
export const findHistoryFiles = async (root: string, path: string): Promise<HistoryFile[]> => {
  const names = sortHistoryFiles(basename(path), await listDirectory(root, dirname(path)))
  return names.map((name) => ({
    path: join(dirname(path), name),
    isForeign: /\.(?:xz|bz2|zst|lz4)$/.test(name),
  }))
}

const isGzip = async (handle: FileHandle): Promise<boolean> => {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
  return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
}

const decompress = (source: Readable): Readable => {
  const gunzip = createGunzip()
  source.on('error', (error) => gunzip.destroy(error))
  return source.pipe(gunzip)
}

/** How much is kept of the begin of a line that goes on and on: the daemons' lines are far shorter. */
const LONGEST_LINE = 4096

/**
 * Reads a history file below `root`, decompressed, and gives it to `take` in pieces of whole lines (latin1-decoded). Returns '' if all of it
 * was read, else what prevented that. Throws HostError if it cannot be opened.
 */
export const readHistoryFile = async (
  root: string,
  path: string,
  take: (lines: string) => void,
): Promise<string> => {
  const real = await resolveInRoot(root, path)
  let handle: FileHandle
  try {
    // A pipe without a writer must not block.
    handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw failedTo('read', real, error)
  }
  try {
    if (!(await handle.stat()).isFile()) return 'it is not a regular file'
    const isCompressed = await isGzip(handle)
    const source = handle.createReadStream({ start: 0, autoClose: false })
    const stream = isCompressed ? decompress(source) : source
    let rest = ''
    for await (const chunk of stream) {
      const text = rest + (chunk as Buffer).toString('latin1')
      const end = text.lastIndexOf('\n') + 1
      if (end > 0) take(text.slice(0, end))
      rest = text.slice(end, end + LONGEST_LINE)
    }
    if (rest !== '') take(rest)
    return ''
  } catch (error) {
    const reason = errnoOf(error)
    if (reason === undefined) throw error
    return `it was read in part only: ${error instanceof Error ? error.message : reason}`
  } finally {
    await handle.close()
  }
}
