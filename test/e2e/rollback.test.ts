import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { DEFAULT_CONFIG } from './harness/floors.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectHeld, OPEN_PORT, portward, provide } from './scenario.ts'
import { applyUnproven, installFaults } from './sweep/faults.ts'
import { settle } from './sweep/settled.ts'
import { differences, readState, type State, withoutTimes } from './sweep/state.ts'

const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'
const REINSTALL =
  'DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold install --reinstall portsentry fail2ban'

interface Listed {
  readonly number: number
  readonly state: string
  readonly packages: readonly string[]
}

/** What `portward generations` lists, the latest first. */
const generations = async (server: Server): Promise<Listed[]> =>
  JSON.parse(await portward(server, 'generations --json', 0)).generations

const expectState = async (server: Server, wanted: State): Promise<void> => {
  expect(differences(wanted, await readState(server))).toEqual([])
}

const SETTLED = 'restores an admin’s own set-up: bytes, modes, owners, times, ACLs, links, units, bans'

describeServers('rollback on bookworm', () => {
  let server: Server
  let original: State

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    // Who is banned is in hosts.deny, too.
    await provide(server, `${DEFAULT_CONFIG}KEEP_GENERATIONS=2\nKILL_HOSTS_DENY='ALL: $TARGET$ : DENY'\n`)
    await installFaults(server)
    await settle(server)
    original = await readState(server)
  })
  afterAll(() => server?.stop())

  it(SETTLED, async () => {
    await portward(server, 'apply --yes', 0)
    await portward(server, 'plan', 0)
    expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
    expect(differences(original, await readState(server))).not.toEqual([])
    await portward(server, 'rollback --yes', 0)
    await expectState(server, original)
  })

  it('undoes the latest of two applies, or both; an apply in sync is none', async () => {
    await applyUnproven(server)
    const [first] = await generations(server)
    await server.run(`sed -i 's/^bantime =.*/bantime = 10/' ${JAIL}
      cp -p /root/config.env /run/config.env; echo BAN_TARGET=REJECT >>/root/config.env`)
    const drifted = await readState(server)
    await applyUnproven(server)
    await portward(server, 'rollback --yes', 0)
    await expectState(server, drifted)
    await applyUnproven(server)
    const listed = await generations(server)
    // The one of no use is forgotten first, however old the other one is.
    expect(listed).toMatchObject([{ state: 'applied' }, { number: first?.number, state: 'applied' }])
    expect((await server.run('ls /var/lib/portward/generations')).stdout.split('\n')).toHaveLength(2)
    expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
    expect(await generations(server)).toEqual(listed)
    await portward(server, `rollback ${first?.number} --yes`, 0)
    await server.run('cp -p /run/config.env /root/config.env')
    await expectState(server, original)
    const gone = await server.run(`portward rollback ${first?.number} --yes`, { allowFailure: true })
    expect([gone.exitCode, gone.stderr]).toEqual([1, expect.stringMatching(/nothing to roll back/)])
  })

  it('keeps what others have changed since, until --force; what portsentry wrote does not count, and hosts that it banned are released', async () => {
    await applyUnproven(server)
    const gone = await server.run('portward rollback 1 --yes', { allowFailure: true })
    expect([gone.exitCode, gone.stderr]).toEqual([
      1,
      expect.stringMatching(/there is no generation 1 — portward generations/),
    ])
    await expectBanned(server)
    await eventually('hosts.deny has the ban', async () =>
      (await server.readText('/etc/hosts.deny')).includes('203.0.113.9'),
    )
    // It reads the history up to a second later, and would ban again after the rollback.
    await expectHeld(server, '203.0.113.9')
    await server.run(`echo 'sshd: 198.51.100.8' >>/etc/hosts.allow; echo '# mine' >>${JAIL}`)
    const before = await readState(server)
    const refused = await server.run('portward rollback --yes', { allowFailure: true })
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(
      /^ {2}\/etc\/hosts\.allow: see diff -u \/var\/lib\/portward\/generations\/\d+\/\d+ \/srv\/managed\/hosts\.allow$/m,
    )
    expect(refused.stderr).toMatch(
      /changed by others since: \/etc\/fail2ban\/jail\.d\/portsentry\.conf, \/etc\/hosts\.allow — .*--force/,
    )
    await expectState(server, before)
    const theirs = await server.read('/etc/hosts.allow')
    const said = await portward(server, 'rollback --yes --force', 0)
    expect(said).toMatch(/^ {2}bans released: 1 host$/m)
    const [latest] = await generations(server)
    const kept = `/var/lib/portward/generations/${latest?.number}`
    expect(said).toContain(
      `what others wrote to /etc/hosts.allow is kept as ${kept}/replaced-etc-hosts.allow\n`,
    )
    expect((await server.read(`${kept}/replaced-etc-hosts.allow`)).equals(theirs)).toBe(true)
    expect(await server.readText(`${kept}/replaced-etc-fail2ban-jail.d-portsentry.conf`)).toMatch(/^# mine$/m)
    expect(await server.readText('/etc/hosts.deny')).not.toContain('203.0.113.9')
    expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
    // A history that was there before is a log of what happened, and keeps that.
    const changed = differences(original, await readState(server))
    expect(changed.filter((line) => !line.includes('/portsentry.history'))).toEqual([])
  })

  it('restores the files also after the packages were reinstalled', async () => {
    // The packages' own scripts touch some, time and again.
    const files = async () =>
      new Map(
        [...withoutTimes(await readState(server))].filter(([key]) =>
          /^(?:file|bytes|attribute|entry) /.test(key),
        ),
      )
    const before = await files()
    await applyUnproven(server)
    await server.run(REINSTALL)
    await portward(server, 'rollback --yes', 0)
    expect(differences(before, await files())).toEqual([])
  })

  it('is abandoned where it cannot be finished, with --force', async () => {
    await applyUnproven(server)
    await server.run('touch /srv/theirs; mount --bind /srv/theirs /etc/portsentry/portsentry.conf')
    const rollback = (options: string) =>
      server.run(`portward rollback --yes ${options}`, { allowFailure: true })
    expect(await rollback('--force')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/--force abandons it$/m),
    })
    expect(await rollback('')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/an earlier rollback was interrupted/),
    })
    expect(await rollback('--force')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/: abandoned$/m),
    })
    expect(await server.exists('/var/lib/portward/journal.json')).toBe(false)
  })
})

// Another kind of units, and another portsentry. A bare server is restored at the end of each release's promises.
for (const suite of ['trixie', 'testing'] as const) {
  describeServers(`rollback on ${suite}`, () => {
    it(SETTLED, async () => {
      const server = await startServer({ suite, floor: 'installed' })
      try {
        await provide(server)
        await installFaults(server)
        await settle(server)
        const original = await readState(server)
        await applyUnproven(server)
        expect(differences(original, await readState(server))).not.toEqual([])
        await portward(server, 'rollback --yes', 0)
        await expectState(server, original)
      } finally {
        await server.stop()
      }
    })
  })
}
