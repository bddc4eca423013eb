import { text } from 'node:stream/consumers'
import { messageOf } from '../host/host-error.ts'
import { work } from '../verify/lab/inside.ts'
import { EXIT } from './output.ts'

/**
 * What `portward verify` runs in its sandbox: a specification on stdin, a report on stdout, both JSON. Ends at once when
 * it has written that: with it, its namespaces and everything that runs in them.
 */
export const labCommand = async (): Promise<number> => {
  const end = (stream: NodeJS.WriteStream, message: string, code: number) =>
    new Promise<number>(() => stream.write(message, () => process.exit(code)))
  try {
    return await end(
      process.stdout,
      JSON.stringify(await work(JSON.parse(await text(process.stdin)))),
      EXIT.ok,
    )
  } catch (error) {
    return await end(process.stderr, `${messageOf(error)}\n`, EXIT.failed)
  }
}
