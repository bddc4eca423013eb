import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import { beforeAll, expect, it } from 'vitest'
import { rawText } from '../../scripts/raw-text.mjs'
import type { Report } from './reader-worker.ts'
import { MOST_GROWTH, READERS } from './readers.ts'

/** What has not come to an end by then never will: each text takes far less than a second. */
const DEADLINE_MS = 60_000

let program = ''
beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'reader-worker.ts')],
    ...{ bundle: true, platform: 'node', format: 'cjs', write: false, logLevel: 'warning' },
    define: { PORTWARD_VERSION: '"test"', PORTWARD_FAULTS: 'false' },
    plugins: [rawText],
  })
  program = outputFiles[0]?.text ?? ''
})

/** The growth for each piece, from a worker that is ended where a text keeps it too long. */
const measure = (reader: string): Promise<Report[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(program, { eval: true, workerData: reader })
    const reports: Report[] = []
    let deadline: NodeJS.Timeout | undefined
    worker.on('message', (report: Report) => {
      clearTimeout(deadline)
      if (report.growth !== null) reports.push(report)
      else
        deadline = setTimeout(() => {
          reject(new Error(`${reader}: no end to a run of ${JSON.stringify(report.piece)}`))
          void worker.terminate()
        }, DEADLINE_MS)
    })
    worker.on('error', reject)
    worker.on('exit', () => {
      clearTimeout(deadline)
      resolve(reports)
    })
  })

it.each(READERS)('the time for a text grows as its length: $of', { timeout: 0 }, async ({ of, pieces }) => {
  const reports = await measure(of)
  expect(reports.length).toBeGreaterThan(pieces.length)
  expect(reports.filter(({ growth }) => growth === null || growth > MOST_GROWTH)).toEqual([])
})
