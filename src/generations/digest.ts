import { createHash } from 'node:crypto'

/** The SHA-256 sum of bytes, or of latin1-decoded text, in hexadecimal. */
export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256')
    .update(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    .digest('hex')
