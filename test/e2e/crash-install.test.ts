import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { portward, provide } from './scenario.ts'
import { applyUnproven, installFaults, runWithFault } from './sweep/faults.ts'
import { isFull, pointsOf, spread } from './sweep/points.ts'
import { CONFIG, recover, rewind, type Site, survey } from './sweep/site.ts'
import { differences, foreignTo, readState, type State, withoutTimes } from './sweep/state.ts'

const APPLY = 'apply --yes'
const INSTALL = 'run apt-get install'

/** A server without some package, with one more state between original and applied: what the packages bring. */
interface LackingSite extends Site {
  readonly stock: State
}

const prepare = async (): Promise<LackingSite> => {
  // Of a server with nothing `npm run sweep` makes sure.
  const server = await startServer({ floor: isFull ? 'bare' : 'installed' })
  await provide(server, CONFIG)
  await installFaults(server)
  if (!isFull) await server.run('DEBIAN_FRONTEND=noninteractive apt-get -q -y purge portsentry')
  const site = await survey(server)
  await rewind(server)
  await runWithFault(server, APPLY, `kill@${site.to.indexOf(INSTALL) + 2}`)
  const stock = await readState(server)
  await recover(server)
  expect(differences(site.original, await readState(server))).toEqual([])
  return { ...site, stock }
}

/** The next command finds what is begun and undoes it; an apply then comes to its end, and can be rolled back. */
const expectRecovery = async (site: LackingSite, withApply: boolean): Promise<string[]> => {
  const { server, applied, original } = site
  const complaints: string[] = []
  if (withApply) {
    await applyUnproven(server)
    const found = differences(withoutTimes(applied), withoutTimes(await readState(server)))
    complaints.push(...found.map((line) => `after the next apply: ${line}`))
    await portward(server, 'rollback --yes', 0)
  } else {
    await recover(server)
    // Killed at its very end it had come to its end: what it did stays.
    const [latest] = JSON.parse(await portward(server, 'generations --json', 0)).generations
    if (latest?.state === 'applied') await portward(server, 'rollback --yes', 0)
  }
  const left = differences(original, await readState(server))
  return [...complaints, ...left.map((line) => `in the end: ${line}`)]
}

const visit = async (site: LackingSite, point: number): Promise<string[]> => {
  const { server, original, stock, applied, to } = site
  await rewind(server)
  const { exitCode, output } = await runWithFault(server, APPLY, `kill@${point}`)
  const alive = exitCode === 137 ? [] : [`was not killed, but ended with ${exitCode}: ${output}`]
  const torn = foreignTo(await readState(server), original, stock, applied)
  const complaints = [...alive, ...torn.map((line) => `torn by a death at "${to[point - 1]}": ${line}`)]
  return [...complaints, ...(await expectRecovery(site, point % 2 === 0))]
}

describeServers('a death of an apply that installs packages', () => {
  let sites: LackingSite[]

  beforeAll(async () => {
    sites = await Promise.all((isFull ? [1, 2, 3] : [1]).map(prepare))
    for (const { to } of sites) expect(to).toEqual(sites[0]?.to)
  })
  afterAll(async () => {
    await Promise.all((sites ?? []).map(({ server }) => server.stop()))
  })

  it('at its own effects leaves nothing torn, and the next command takes everything back', {
    timeout: 1_800_000,
  }, async () => {
    const { to = [] } = sites[0] ?? {}
    expect(to).toContain(INSTALL)
    // Dying after each command that follows is the same as where all packages are there: sweep.test.ts.
    const last = isFull ? to.length : to.indexOf(INSTALL) + 1
    const points = pointsOf(to.slice(0, last), '')
    expect(await spread(sites, points, visit)).toEqual([])
    console.log(`crash sweep with packages: ${points.length} of ${to.length} points: ${points.join(' ')}`)
  })

  /** What runs when portward dies. Written so that no pattern finds the shell whose command line it is in. */
  const STAGES = [
    '[a]pt-get -q -o',
    '^[a]pt-get -q -o',
    '[d]pkg .*--unpack',
    '[d]pkg .*--configure',
    '[p]ortsentry.postinst',
  ]
  /** In place of apt-get at the first stage: it takes its time before it does anything. */
  const SLOW = '#!/bin/sh\n[ "$1" = -s ] || sleep 4\nexec /usr/bin/apt-get "$@"\n'
  const SLOW_PATH = '/usr/local/sbin/apt-get'

  it('while apt runs is recovered from, too', { timeout: 600_000 }, async () => {
    /** Whether it got it: the stage may have passed before it was looked at. */
    const killDuring = async (server: Server, stage: string): Promise<boolean> => {
      if (stage === STAGES[0]) await server.write(SLOW_PATH, SLOW, 0o755)
      else await server.run(`rm -f ${SLOW_PATH}`)
      const { exitCode } = await server.run(
        `setsid portward ${APPLY} >/run/apply.log 2>&1 &
        until pgrep -f '${stage}' >/dev/null; do kill -0 $! || exit 1; done
        kill -KILL "$(pgrep -f '^/usr/bin/node .*[p]ortward/cli.cjs apply')"`,
        { allowFailure: true },
      )
      return exitCode === 0
    }
    const stages = STAGES.filter((_, index) => isFull || index % 2 === 0)
    const found = await spread(sites, stages, async (site, stage) => {
      for (let tries = 1; ; tries += 1) {
        await rewind(site.server)
        if (await killDuring(site.server, stage)) return expectRecovery(site, stage === STAGES.at(-1))
        // A small package is unpacked in less time than it takes to look, on a busy machine in most tries.
        if (tries === 25) return [`no apply could be killed at ${stage}`]
      }
    })
    expect(found).toEqual([])
  })
})
