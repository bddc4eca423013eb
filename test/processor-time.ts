import { appendFileSync, readFileSync } from 'node:fs'
import { afterAll, expect } from 'vitest'

/** Ticks of the kernel's clock a second, as /proc gives times (USER_HZ, the same on every architecture of Linux). */
const TICKS = 100

/** Seconds of processor time of this process and of all that it has waited for, servers included: proc(5), fields 14 to 17. */
const processorSeconds = (): number => {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS
}

const before = processorSeconds()
// The hook that is registered first runs last, when a file's servers have ended.
const log = process.env['PORTWARD_PROCESSOR_TIMES']
if (log !== undefined)
  afterAll(() => {
    const { testPath } = expect.getState()
    appendFileSync(log, `${JSON.stringify({ name: testPath, seconds: processorSeconds() - before })}\n`)
  })
