import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { portward, provide, STOP_PORTSENTRY } from './scenario.ts'
import { applyUnproven, installFaults, runWithFault } from './sweep/faults.ts'
import { somePoints, spread } from './sweep/points.ts'
import { drift, settle } from './sweep/settled.ts'
import { CONFIG, recover, rewind, type Site, survey } from './sweep/site.ts'
import { differences, foreignTo, readState, withoutTimes } from './sweep/state.ts'

const APPLY = 'apply --yes'
const ROLLBACK = 'rollback --yes'
const KILLED = 137

const kill = async (server: Server, args: string, point: number): Promise<string[]> => {
  const { exitCode, output } = await runWithFault(server, args, `kill@${point}`)
  return exitCode === KILLED ? [] : [`${args} was not killed, but ended with ${exitCode}: ${output}`]
}

/** Each file is as before or as wanted, nothing else is there but what was being written; the daemons can be started. */
const expectSound = async ({ server, original, applied }: Site, when: string): Promise<string[]> => {
  const torn = foreignTo(await readState(server), original, applied).map((line) => `torn: ${line}`)
  const { exitCode, stderr } = await server.run(
    `${STOP_PORTSENTRY}
     systemctl start portsentry && systemctl restart fail2ban && timeout 100 sh -c "until fail2ban-client ping 2>/dev/null; do sleep 0.1; done"`,
    { allowFailure: true },
  )
  const dead = exitCode === 0 ? [] : [`the daemons do not start (${exitCode}): ${stderr}`]
  return [...torn, ...dead].map((line) => `after ${when}: ${line}`)
}

const expectApplied = async ({ server, applied }: Site): Promise<string[]> => {
  await applyUnproven(server)
  await portward(server, 'plan', 0)
  const found = differences(withoutTimes(applied), withoutTimes(await readState(server)))
  return found.map((line) => `after the next apply: ${line}`)
}

const expectOriginal = async ({ server, original }: Site): Promise<string[]> =>
  differences(original, await readState(server)).map((line) => `after the rollback: ${line}`)

/** Dies at this point of an apply, then at the same one of a rollback, as far as they have so many. */
const visit = async (site: Site, point: number): Promise<string[]> => {
  const { server, to, back } = site
  const complaints: string[] = []
  await rewind(server)
  if (point <= to.length) {
    complaints.push(...(await kill(server, APPLY, point)))
    complaints.push(...(await expectSound(site, `a death at "${to[point - 1]}"`)))
  }
  complaints.push(...(await expectApplied(site)))
  if (point <= back.length) {
    complaints.push(...(await kill(server, ROLLBACK, point)))
    complaints.push(...(await expectSound(site, `a death at the rollback's "${back[point - 1]}"`)))
  }
  // Whatever the next command is, it finishes first what it finds begun.
  const isBegun = point <= back.length && (await server.exists('/var/lib/portward/journal.json'))
  if (isBegun && point % 2 === 0) await recover(server)
  else await portward(server, ROLLBACK, 0)
  return [...complaints, ...(await expectOriginal(site))]
}

describeServers('a death at every effect', () => {
  let sites: Site[]

  beforeAll(async () => {
    sites = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const server = await startServer({ floor: 'installed' })
        await provide(server, CONFIG)
        await installFaults(server)
        await settle(server)
        await drift(server)
        return survey(server)
      }),
    )
    const [first, ...others] = sites.map(({ to, back }) => ({ to, back }))
    for (const other of others) expect(other).toEqual(first)
  })
  afterAll(async () => {
    await Promise.all((sites ?? []).map(({ server }) => server.stop()))
  })

  it('of an apply or a rollback leaves nothing torn; the next command brings all in order', {
    timeout: 1_800_000,
  }, async () => {
    const { to = [], back = [] } = sites[0] ?? {}
    expect(back.length).toBeGreaterThan(0)
    const points = await somePoints(Math.max(to.length, back.length), 8)
    expect(await spread(sites, points, visit)).toEqual([])
    console.log(
      `crash sweep: ${points.length} of ${to.length} points of an apply and ${back.length} of a rollback`,
    )
  })
})
