import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { provide } from './scenario.ts'
import { installFaults, runWithFault } from './sweep/faults.ts'
import { somePoints, spread } from './sweep/points.ts'
import { drift, settle } from './sweep/settled.ts'
import { CONFIG, rewind, type Site, survey } from './sweep/site.ts'
import { differences, readState } from './sweep/state.ts'

const APPLY = 'apply --yes'
const ERRNOS = ['EIO', 'ENOSPC', 'EACCES']

/** What goes wrong at a point: each kind of error in its turn; a program does not end, or ends badly. */
const faultAt = (effect: string, point: number): string => {
  if (effect.startsWith('run ')) return point % 2 === 0 ? 'hang' : 'EIO'
  return ERRNOS[point % ERRNOS.length] ?? 'EIO'
}

/** What a message about an effect must name: the program with its arguments, or the file. */
const subjectOf = (effect: string): string =>
  effect.startsWith('run ') ? effect.slice(4) : (/\/\S+/.exec(effect)?.[0] ?? effect)

const visit = async ({ server, original, to }: Site, point: number): Promise<string[]> => {
  await rewind(server)
  const effect = to[point - 1] ?? ''
  const { exitCode, output } = await runWithFault(server, APPLY, `${faultAt(effect, point)}@${point}`)
  const message = output.split('\n').find((line) => line.startsWith('portward: ')) ?? ''
  const complaints = differences(original, await readState(server))
  if (exitCode !== 1) complaints.push(`exit code ${exitCode}: ${output}`)
  if (!message.includes(subjectOf(effect))) complaints.push(`does not name "${effect}": ${message}`)
  if (/put.*back failed/.test(message)) complaints.push(message)
  if (await server.exists('/var/lib/portward/journal.json')) complaints.push('the journal is still there')
  return complaints
}

describeServers('a fault at every effect', () => {
  let sites: Site[]

  beforeAll(async () => {
    sites = await Promise.all(
      [1, 2, 3].map(async () => {
        const server: Server = await startServer({ floor: 'installed' })
        await provide(server, CONFIG)
        await installFaults(server)
        await settle(server)
        await drift(server)
        return survey(server)
      }),
    )
  })
  afterAll(async () => {
    await Promise.all((sites ?? []).map(({ server }) => server.stop()))
  })

  it('of an apply: exit 1, the message names it, and everything is as before', {
    timeout: 1_800_000,
  }, async () => {
    const count = sites[0]?.to.length ?? 0
    expect(count).toBeGreaterThan(0)
    const points = await somePoints(count, 8)
    expect(await spread(sites, points, visit)).toEqual([])
    console.log(`fault sweep: ${points.length} of ${count} points of an apply`)
  })
})
