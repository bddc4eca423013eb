import { dirname } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, OPEN_PORT, portward, provide } from './scenario.ts'
import { installFaults, listEffects, runWithFault } from './sweep/faults.ts'
import { drift, settle } from './sweep/settled.ts'
import { differences, readState, type State, withoutTimes } from './sweep/state.ts'

const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'
const TIMER = 'portward-unconfirmed.timer'
const PATIENCE = { timeoutMs: 180_000, intervalMs: 1000 }

/** Nobody does anything, and it comes to be as it was. */
const expectByItself = async (server: Server, wanted: State): Promise<void> => {
  let found: string[] = []
  await eventually(
    'all is as before',
    async () => {
      found = differences(wanted, await readState(server))
      const { stdout: units } = await server.run(
        `systemctl list-units --all --no-legend 'portward-unconfirmed*'`,
      )
      if (units !== '') found.push(units)
      if (await server.exists('/var/lib/portward/journal.json')) found.push('the journal')
      return found.length === 0
    },
    PATIENCE,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${found.join('\n')}`)
  })
}

/** Every command that speaks of this state says first that it will not last. */
const expectAnnounced = async (server: Server): Promise<void> => {
  const left = String.raw`generation \d+ is not confirmed and will be rolled back in [1-9]m( \d+s)?`
  const first = new RegExp(`^portward: warning: ${left} — portward confirm `)
  for (const command of ['plan', 'apply --yes', 'status', 'bans', 'generations']) {
    const { stdout, stderr, exitCode } = await server.run(`portward ${command}`, { allowFailure: true })
    expect([command, exitCode]).toEqual([command, 0])
    expect(stderr).toMatch(first)
    if (/in sync|drift/.test(stdout)) expect(stdout).toMatch(new RegExp(`(in sync|drift).*(\n| )but ${left}`))
  }
  for (const command of ['plan', 'explain 203.0.113.9']) {
    const { stdout } = await server.run(`portward ${command} --json`)
    expect(JSON.parse(stdout).confirmation).toEqual({
      generation: expect.any(Number),
      secondsLeft: expect.any(Number),
      command: 'portward confirm',
    })
  }
  expect(await portward(server, 'verify', 0)).toMatch(new RegExp(`^WARN .*\n +in sync, but ${left}`))
  // Whoever is not root cannot read the record, but sees the timer.
  const { stdout, stderr } = await server.run('setpriv --reuid 65534 --clear-groups portward bans')
  expect(stderr).toMatch(/^portward: warning: the last apply is not confirmed and will be rolled back in /)
  expect(stdout).toMatch(/not read: fail2ban \(not readable without root\), firewall \(/)
  const { stderr: refused, exitCode } = await server.run(
    'setpriv --reuid 65534 --clear-groups portward generations',
    { allowFailure: true },
  )
  expect([exitCode, refused]).toEqual([1, expect.stringMatching(/cannot read .* — run portward as root/)])
}

describeServers('apply --confirm-within', () => {
  let server: Server
  let original: State

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server)
    await installFaults(server)
    await settle(server)
    await drift(server)
  })
  afterAll(() => server?.stop())

  beforeEach(async () => {
    original ??= await readState(server)
    expect(differences(original, await readState(server))).toEqual([])
  })

  it('rolls back by itself, and a stranger who was banned meanwhile gets through again', async () => {
    expect(await portward(server, 'apply --yes --confirm-within 40s', 0)).toMatch(
      /run "portward confirm" within 40s, or all of this is rolled back/,
    )
    expect((await server.run(`systemctl is-active ${TIMER}`)).stdout).toBe('active')
    expect(await portward(server, 'generations', 0)).toMatch(/applied, not confirmed$/m)
    await expectBanned(server)
    await expectByItself(server, original)
    expect(await portward(server, 'confirm', 1)).toMatch(/what was applied last is not in force any more/)
    expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
  })

  it('lets nobody apply over it, and stays where it is confirmed', async () => {
    await portward(server, 'apply --yes --confirm-within 10m', 0)
    await server.run(`cp -p ${JAIL} /run/jail && sed -i 's/^bantime =.*/bantime = 10/' ${JAIL}`)
    const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/generation \d+ waits for a confirmation — portward confirm, or portward rollback/)
    await server.run(`cp -p /run/jail ${JAIL}`)
    await expectAnnounced(server)

    expect(await portward(server, 'confirm', 0)).toMatch(/^generation \d+ stays$/m)
    expect(await server.exists(`/etc/systemd/system/${TIMER}`)).toBe(false)
    expect((await server.run(`systemctl list-units --all --no-legend 'portward-unconfirmed*'`)).stdout).toBe(
      '',
    )
    const applied = await readState(server)
    // What the timer would have done, had it been left.
    await portward(server, 'rollback --yes --unconfirmed', 0)
    expect(differences(applied, await readState(server))).toEqual([])
    expect(await portward(server, 'confirm', 0)).toMatch(/nothing waits for a confirmation/)
    await portward(server, 'plan', 0)
    await portward(server, 'rollback --yes', 0)
  })

  it('counts from the end of an apply that took longer, during which nothing is rolled back', async () => {
    const dropIn = '/etc/systemd/system/fail2ban.service.d/slow.conf'
    await server.write(dropIn, '[Service]\nExecStartPre=/bin/sleep 20\n', 0o644)
    await server.run('systemctl daemon-reload')
    const attempts = async () =>
      (await server.run('journalctl -o cat -u portward-unconfirmed.service')).stdout.match(
        /another portward is at work|giving back/g,
      )
    const before = await attempts()
    await portward(server, 'apply --yes --confirm-within 15s', 0)
    expect(await portward(server, 'confirm', 0)).toMatch(/^generation \d+ stays$/m)
    expect(await attempts()).toEqual(before)
    await server.run(`rm -r ${dirname(dropIn)} && systemctl daemon-reload`)
    await portward(server, 'rollback --yes', 0)
  })

  it('can be given up at once', async () => {
    await portward(server, 'apply --yes --confirm-within 10m', 0)
    await portward(server, 'rollback --yes', 0)
    expect(await server.exists(`/etc/systemd/system/${TIMER}`)).toBe(false)
  })

  it('rolls back as soon as another portward has ended that was at work when the time was up, and leaves no unit', async () => {
    await portward(server, 'apply --yes --confirm-within 40s', 0)
    const service = 'portward-unconfirmed.service'
    await server.run(
      `flock /run/portward.lock sh -c 'until [ "$(systemctl show -P SubState ${service})" = start-pre ]; do sleep 0.1; done'`,
    )
    await expectByItself(server, original)
  })

  it.each(['rename /srv/managed/hosts.allow', 'run systemctl start fail2ban', 'close the journal'])(
    'rolls back also where portward was killed before "%s", and nobody runs it again',
    async (name) => {
      const effects = await listEffects(server, 'apply --yes --confirm-within 10m')
      await portward(server, 'rollback --yes', 0)
      const point = effects.indexOf(name) + 1
      expect(point).toBeGreaterThan(0)
      const { exitCode } = await runWithFault(server, 'apply --yes --confirm-within 20s', `kill@${point}`)
      expect(exitCode).toBe(137)
      await expectByItself(server, original)
    },
  )

  it('rolls back also where the server was started anew meanwhile', async () => {
    await portward(server, 'apply --yes --confirm-within 30s', 0)
    await server.reboot()
    // Rules and what runs do not outlive a reboot: the units that start at boot do.
    const lasting = (state: State) =>
      new Map([...withoutTimes(state)].filter(([key]) => /^(?:file|bytes|entry|attribute|unit) /.test(key)))
    await eventually(
      'all is as before',
      async () => differences(lasting(original), lasting(await readState(server))).length === 0,
      PATIENCE,
    )
    await portward(server, 'plan', 2)
  })
})
