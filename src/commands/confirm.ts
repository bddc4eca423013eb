import { readGenerations } from '../generations/store.ts'
import { confirmPending } from '../generations/transaction.ts'
import { STATE } from '../system/lock.ts'
import { expectRoot, locked, recoverFirst } from './locked.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'

/** `portward confirm`: keeps the changes of an apply with --confirm-within. */
export const confirmCommand = async (options: GlobalOptions): Promise<number> => {
  expectRoot('confirm')
  const output = openOutput(options)
  return locked('/', async () => {
    const wasUndone = await recoverFirst(output)
    const confirmed = await confirmPending()
    const [latest] = await readGenerations(STATE)
    // Too late: it has been rolled back.
    const isLate =
      confirmed.length === 0 && (wasUndone || (latest !== undefined && latest.state !== 'applied'))
    output.text(
      confirmed.length > 0
        ? `generation ${confirmed.join(', ')} is confirmed\n`
        : `nothing is waiting for confirmation${isLate ? ': the last apply is no longer in force' : ''}\n`,
    )
    output.document('confirm', { generations: confirmed })
    return isLate ? EXIT.failed : EXIT.ok
  })
}
