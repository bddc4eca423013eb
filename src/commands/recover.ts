import { recover } from '../generations/transaction.ts'
import type { Output } from './output.ts'

/** Before anything else is done: brings the server out of the middle where an earlier command died there. Whether it had. */
export const recoverFirst = async (output: Output): Promise<boolean> => {
  const done = await recover((what) => output.note(`putting back: ${what}`))
  if (done !== null) output.note(done)
  return done !== null
}
