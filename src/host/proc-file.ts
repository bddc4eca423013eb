import { open } from 'node:fs/promises'

const CHUNK_BYTES = 64 * 1024

/**
 * Reads a file of /proc whole (latin1-decoded). The kernel hands those over a page at a time, and readFile of Node 18,
 * Debian 12's, takes the first short read for the end: of a long /proc/net/tcp it returns the first 4 KiB.
 */
export const readProcFile = async (path: string): Promise<string> => {
  const file = await open(path, 'r')
  try {
    const chunks: string[] = []
    const buffer = Buffer.alloc(CHUNK_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null)
      if (bytesRead === 0) return chunks.join('')
      chunks.push(buffer.toString('latin1', 0, bytesRead))
    }
  } finally {
    await file.close()
  }
}
