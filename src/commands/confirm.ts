import { STATE } from '../generations/record.ts'
import { readGenerations } from '../generations/store.ts'
import { confirmPending } from '../generations/transaction.ts'
import { HostError } from '../host/host-error.ts'
import { takeLock } from '../host/lock.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'
import { recoverFirst } from './recover.ts'
import { expectServer } from './server-only.ts'

/** `portward confirm`: what was applied with --confirm-within stays. */
export const confirmCommand = async (options: GlobalOptions): Promise<number> => {
  expectServer(options)
  if (process.getuid?.() !== 0) throw new HostError('confirm must be run as root', 'use sudo')
  const output = openOutput(options)
  const lock = await takeLock('/')
  try {
    const wasPutBack = await recoverFirst(output)
    const confirmed = await confirmPending()
    const [latest] = await readGenerations(STATE)
    // Too late: it has been rolled back.
    const isLate =
      confirmed.length === 0 && (wasPutBack || (latest !== undefined && latest.state !== 'applied'))
    output.text(
      confirmed.length > 0
        ? `generation ${confirmed.join(', ')} stays\n`
        : `nothing waits for a confirmation${isLate ? ': what was applied last is not in force any more' : ''}\n`,
    )
    output.document('confirm', { generations: confirmed })
    return isLate ? EXIT.failed : EXIT.ok
  } finally {
    await lock.release()
  }
}
