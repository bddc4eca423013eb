import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

const CHUNK = 2 ** 20

/** The SHA-256 sum of bytes, or of latin1-decoded text, in hexadecimal. */
export const sha256 = (bytes: Uint8Array | string): string => {
  const hash = createHash('sha256')
  if (typeof bytes !== 'string') return hash.update(bytes).digest('hex')
  // A long text is not copied as a whole.
  for (let at = 0; at < bytes.length; at += CHUNK) hash.update(bytes.slice(at, at + CHUNK), 'latin1')
  return hash.digest('hex')
}

/** The SHA-256 sum of a file, in hexadecimal. */
export const sha256Of = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) hash.update(chunk)
  return hash.digest('hex')
}
