import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeDifference, differences, type Run, staleReasons } from './conformance/compare.ts'
import { ALL_SETUPS, type Setup, setupName, THIRD_OF_SETUPS } from './conformance/matrix.ts'
import { provideServer } from './conformance/provide.ts'
import { runSetup } from './conformance/run.ts'
import { renderTable } from './conformance/table.ts'
import { describeServers } from './harness/requirements.ts'

/** `npm run conformance` names a file for its table, which has every setup. */
const table = process.env['PORTWARD_CONFORMANCE_TABLE']
const SETUPS = table === undefined ? THIRD_OF_SETUPS : ALL_SETUPS

/** The setups of one version, on a server of its own. */
const runVersion = async (version: Setup['version']): Promise<Run[]> => {
  const server = await provideServer(version)
  try {
    const runs: Run[] = []
    for (const setup of SETUPS.filter((other) => other.version === version)) {
      runs.push(await runSetup(server, setup))
    }
    return runs
  } finally {
    await server.stop()
  }
}

describeServers('the detector and the stock daemons, over the same nmap scans', () => {
  let runs: readonly Run[] = []

  beforeAll(async () => {
    const versions = await Promise.all([runVersion('1.2'), runVersion('2.0.7')])
    runs = versions.flat()
  })

  afterAll(async () => {
    if (table && runs.length > 0) await writeFile(table, renderTable(runs))
  })

  it.each(SETUPS.map((setup, index) => [setupName(setup), index] as const))(
    'decide alike, and log and do the same: %s',
    (_name, index) => {
      const run = runs[index]
      if (run === undefined) throw new Error('there was no such run')
      expect(run.missing).toEqual([])
      const unexplained = differences(run).filter(({ reason }) => reason === null)
      expect(unexplained.map(describeDifference).join('\n')).toBe('')
    },
  )

  it('differ in all that they are said to differ in', () => {
    expect(staleReasons(runs)).toEqual([])
  })
})
