import type { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { messageOf } from '../system/host-error.ts'
import { runInside } from '../verify/lab/inside.ts'
import { EXIT, type Terminal } from './output.ts'

/** Ends this process once the message is written, whatever else is still running in it. */
const end = (stream: Writable, message: string, code: number) =>
  new Promise<number>(() => stream.write(message, () => process.exit(code)))

/**
 * What `portward verify` runs in its sandbox: a specification on stdin, a report on stdout, both JSON. Exits as soon as
 * it has written that, which ends its namespaces and everything in them.
 */
export const labCommand = async ({ stdin, stdout, stderr }: Terminal): Promise<number> => {
  try {
    return await end(stdout, JSON.stringify(await runInside(JSON.parse(await text(stdin)))), EXIT.ok)
  } catch (error) {
    return await end(stderr, `${messageOf(error)}\n`, EXIT.failed)
  }
}
