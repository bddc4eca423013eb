import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { quote } from './harness/shell.ts'
import { portward, provide, STOP_PORTSENTRY, UNTIL_FAIL2BAN_ANSWERS } from './scenario.ts'
import { applyUnproven, installFaults, runWithFault } from './sweep/faults.ts'
import { isFull, pointsOf, spread } from './sweep/points.ts'
import { drift, settle } from './sweep/settled.ts'
import { CONFIG, recover, rewind, type Site, survey } from './sweep/site.ts'
import { differences, foreignTo, readState, withoutTimes } from './sweep/state.ts'

const APPLY = 'apply --yes'
const ROLLBACK = 'rollback --yes'
const KILLED = 137
const WITNESS = 'rename /srv/managed/hosts.allow'

const START = `${STOP_PORTSENTRY}
  systemctl start portsentry && systemctl restart fail2ban && timeout 100 sh -c ${quote(UNTIL_FAIL2BAN_ANSWERS)}`

const kill = async (server: Server, args: string, point: number): Promise<string[]> => {
  const { exitCode, output } = await runWithFault(server, args, `kill@${point}`)
  return exitCode === KILLED ? [] : [`${args} was not killed, but ended with ${exitCode}: ${output}`]
}

/**
 * Each file is as before or as wanted, nothing else is there but what was being written. In the middle of the files, where
 * some are old and some new, the daemons can be started; else all of them are the one or the other.
 */
const expectSound = async ({ server, original, applied }: Site, effect = ''): Promise<string[]> => {
  const torn = foreignTo(await readState(server), original, applied).map((line) => `torn: ${line}`)
  const { exitCode, stderr } = effect.startsWith('run ')
    ? { exitCode: 0, stderr: '' }
    : await server.run(START, { allowFailure: true })
  const dead = exitCode === 0 ? [] : [`the daemons do not start (${exitCode}): ${stderr}`]
  return [...torn, ...dead].map((line) => `after a death at "${effect}": ${line}`)
}

const expectApplied = async ({ server, applied }: Site): Promise<string[]> => {
  await applyUnproven(server)
  const found = differences(withoutTimes(applied), withoutTimes(await readState(server)))
  return found.map((line) => `after the next apply: ${line}`)
}

const expectOriginal = async ({ server, original }: Site): Promise<string[]> =>
  differences(original, await readState(server)).map((line) => `after the rollback: ${line}`)

/** A point of an apply and one of a rollback, as far as they have so many. */
type Deaths = readonly [number | undefined, number | undefined]

/** Dies at a point of an apply, then at one of a rollback. */
const die = async (site: Site, [there, back]: Deaths): Promise<string[]> => {
  const { server } = site
  const complaints: string[] = []
  await rewind(server)
  if (there !== undefined) {
    complaints.push(...(await kill(server, APPLY, there)))
    complaints.push(...(await expectSound(site, site.to[there - 1])))
  }
  complaints.push(...(await expectApplied(site)))
  if (back !== undefined) {
    complaints.push(...(await kill(server, ROLLBACK, back)))
    complaints.push(...(await expectSound(site, site.back[back - 1])))
  }
  // Every command first finishes an interrupted one.
  const isBegun = back !== undefined && (await server.exists('/var/lib/portward/journal.json'))
  if (isBegun && back % 2 === 0) await recover(server)
  else await portward(server, ROLLBACK, 0)
  return [...complaints, ...(await expectOriginal(site))]
}

const ERRNOS = ['EIO', 'ENOSPC', 'EACCES']

/** The faults for the points: each kind of error in turn; a program does not end, or fails. */
const faultAt = (effect: string, point: number): string => {
  if (effect.startsWith('run ')) return point % 2 === 0 ? 'hang' : 'EIO'
  return ERRNOS[point % ERRNOS.length] ?? 'EIO'
}

/** What a message about an effect must name: the program with its arguments, or the file. */
const subjectOf = (effect: string): string =>
  effect.startsWith('run ') ? effect.slice(4) : (/\/\S+/.exec(effect)?.[0] ?? effect)

const fail = async ({ server, original, to }: Site, point: number): Promise<string[]> => {
  await rewind(server)
  const effect = to[point - 1] ?? ''
  const { exitCode, output } = await runWithFault(server, APPLY, `${faultAt(effect, point)}@${point}`)
  const message = output.split('\n').find((line) => line.startsWith('portward: ')) ?? ''
  const complaints = differences(original, await readState(server))
  if (exitCode !== 1) complaints.push(`exit code ${exitCode}: ${output}`)
  if (!message.includes(subjectOf(effect))) complaints.push(`does not name "${effect}": ${message}`)
  if (/failed too/.test(message)) complaints.push(message)
  if (await server.exists('/var/lib/portward/journal.json')) complaints.push('the journal is still there')
  return complaints
}

describeServers('a server that an admin has set up', () => {
  let sites: Site[]

  beforeAll(async () => {
    sites = await Promise.all(
      (isFull ? [1, 2, 3, 4] : [1]).map(async () => {
        const server = await startServer({ floor: 'installed' })
        await provide(server, CONFIG)
        await installFaults(server)
        await settle(server)
        await drift(server)
        // One generation exists already, so each apply removes one.
        await applyUnproven(server)
        await portward(server, ROLLBACK, 0)
        return survey(server)
      }),
    )
    const [first, ...others] = sites.map(({ to, back }) => ({ to, back }))
    for (const other of others) expect(other).toEqual(first)
  })
  afterAll(async () => {
    await Promise.all((sites ?? []).map(({ server }) => server.stop()))
  })

  it('a death of an apply or a rollback leaves nothing torn; the next command brings all in order', {
    timeout: 1_800_000,
  }, async () => {
    const { to = [], back = [] } = sites[0] ?? {}
    const [there, home] = [pointsOf(to, WITNESS), pointsOf(back, WITNESS)]
    expect(Math.min(there.length, home.length)).toBeGreaterThan(4)
    const visits = Array.from(
      { length: Math.max(there.length, home.length) },
      (_, index): Deaths => [there[index], home[index]],
    )
    expect(await spread(sites, visits, die)).toEqual([])
    console.log(
      `crash sweep: ${there.length} of ${to.length} points of an apply, ${home.length} of ${back.length} of a rollback`,
    )
  })

  it('a fault of an apply: exit 1, the message names it, and everything is as before', {
    timeout: 1_800_000,
  }, async () => {
    const { to = [] } = sites[0] ?? {}
    const points = pointsOf(to, WITNESS)
    expect(await spread(sites, points, fail)).toEqual([])
    console.log(`fault sweep: ${points.length} of ${to.length} points of an apply`)
  })
})
