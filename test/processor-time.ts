import { appendFileSync } from 'node:fs'
import { afterAll, expect } from 'vitest'
import { processorSeconds } from '../scripts/processor-time.mjs'

const before = processorSeconds()
// The hook that is registered first runs last, when a file's servers have ended.
const log = process.env['PORTWARD_PROCESSOR_TIMES']
if (log !== undefined)
  afterAll(() => {
    const { testPath } = expect.getState()
    appendFileSync(log, `${JSON.stringify([testPath, processorSeconds() - before])}\n`)
  })
