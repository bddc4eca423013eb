import { open } from 'node:fs/promises'
import { readAttributes } from '../system/files.ts'
import { failedTo } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'

/** How much is read of a history: weeks of an ordinary server's scans, and not more on a flooded one. */
const MOST_BYTES = 1 << 20

/**
 * The end of a history file below `root` (latin1-decoded, at most 1 MiB, from the start of a line); '' where there is
 * none. Throws HostError where it cannot be read.
 */
export const readHistoryTail = async (root: string, path: string): Promise<string> => {
  if ((await readAttributes(root, path)) === null) return ''
  const real = await resolveInRoot(root, path)
  try {
    const file = await open(real, 'r')
    try {
      const { size } = await file.stat()
      const length = Math.min(size, MOST_BYTES)
      const from = size - length
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
      const text = buffer.toString('latin1', 0, bytesRead)
      return from === 0 ? text : text.slice(text.indexOf('\n') + 1)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw failedTo('read', real, error)
  }
}
