import { afterAll, beforeAll, expect, it } from 'vitest'
import { documentOf } from '../documents.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { openTmux } from './harness/tmux.ts'
import { expectBanned, OPEN_PORT, portward, provide } from './scenario.ts'
import { installFaults, listEffects, runUnproven, runWithFault } from './sweep/faults.ts'
import { drift, settle } from './sweep/settled.ts'
import { differences, readState, type State, withoutTimes } from './sweep/state.ts'

const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'
const TIMER = 'portward-unconfirmed.timer'
const SERVICE = 'portward-unconfirmed.service'
/** Until the timer's rollback waits for the running portward. */
const UNTIL_WAITING = `until [ "$(systemctl show -P SubState ${SERVICE})" = start-pre ]; do sleep 0.3; done`
/** The time to confirm is over in a second: what would come minutes later comes now, by the same timer. */
const RUN_OUT = `sed -i 's/^OnActiveSec=.*/OnActiveSec=1/' /etc/systemd/system/${TIMER} && systemctl daemon-reload && systemctl restart ${TIMER}`

const expectState = async (server: Server, wanted: State): Promise<void> => {
  expect(differences(wanted, await readState(server))).toEqual([])
}

/** Nobody does anything, until neither unit nor journal is left. */
const waitForRollback = async (server: Server): Promise<void> => {
  await server.run(
    `until ! test -e /var/lib/portward/journal.json && test -z "$(systemctl list-units --all --no-legend 'portward-unconfirmed*')"; do sleep 0.5; done`,
  )
}

/** Opens the question of `portward rollback` in a terminal. Returns what answers it, and returns the words that were shown then. */
const askRollback = async (server: Server, columns: number): Promise<(key: string) => Promise<string>> => {
  const enter = ['nsenter', '-t', String(server.leader()), '-a']
  const env = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
  const tmux = await openTmux([...enter, 'portward', 'rollback'], { columns, env })
  await tmux.shows('Roll all of this back?')
  return async (key) => {
    await tmux.press(key, 'Enter')
    expect(await tmux.ended()).toBe(1)
    return (await tmux.everything()).replace(/\s+/g, ' ')
  }
}

/** Every command that speaks of this state says first that it will not last. */
const expectAnnounced = async (server: Server): Promise<void> => {
  const left = String.raw`generation \d+ is not confirmed and will be rolled back in (10m|[1-9]m( \d+s)?) \(at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\)`
  const first = new RegExp(`^portward: warning: ${left} — portward confirm `)
  // What an apply in sync prints is the plan.
  for (const command of ['apply --yes', 'status', 'bans', 'generations']) {
    const { stdout, stderr, exitCode } = await server.run(`portward ${command}`, { allowFailure: true })
    expect([command, exitCode]).toEqual([command, 0])
    expect(stderr).toMatch(first)
    if (/in sync|drift/.test(stdout)) expect(stdout).toMatch(new RegExp(`(in sync|drift).*(\n| )but ${left}`))
  }
  for (const command of ['plan', 'explain 203.0.113.9']) {
    const { stdout, stderr } = await server.run(`portward ${command} --json`)
    expect(stderr).toMatch(first)
    expect(documentOf(stdout).confirmation).toEqual({
      generation: expect.any(Number),
      secondsLeft: expect.any(Number),
      command: 'portward confirm',
    })
  }
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
  let effects: readonly string[]

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server)
    await installFaults(server)
    await settle(server)
    await drift(server)
    original = await readState(server)
  })
  afterAll(() => server?.stop())

  it('can be given up at once', async () => {
    effects = await listEffects(server, 'apply --yes --confirm-within 10m')
    await portward(server, 'rollback --yes', 0)
    expect(await server.exists(`/etc/systemd/system/${TIMER}`)).toBe(false)
    await expectState(server, original)
  })

  it('refuses another apply, and each command says so', async () => {
    expect(await runUnproven(server, 'apply --yes --confirm-within 10m')).toMatch(
      /run "portward confirm" within 10m, or all of this is rolled back at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\nfirst log in anew, from a second terminal/,
    )
    expect((await server.run(`systemctl is-active ${TIMER}`)).stdout).toBe('active')
    expect(await portward(server, 'generations', 0)).toMatch(/applied, not confirmed$/m)
    await server.run(`cp -p ${JAIL} /run/jail && sed -i 's/^bantime =.*/bantime = 10/' ${JAIL}`)
    const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(
      /generation \d+ is waiting for confirmation — run portward confirm or portward rollback first/,
    )
    await server.run(`cp -p /run/jail ${JAIL}`)
    await expectAnnounced(server)
  })

  it('then rolls back by itself, as soon as another portward has ended that was running when the time was up; an unprotected host that was banned meanwhile gets through again', async () => {
    await expectBanned(server)
    const ask = 'portward generations 2>&1 >/dev/null'
    await server.write('/srv/busy', `${RUN_OUT} && ${UNTIL_WAITING} && ${ask}`)
    const { stdout: waiting } = await server.run('flock /run/portward.lock sh /srv/busy')
    expect(waiting).toMatch(
      /generation \d+ was not confirmed in time: it is rolled back as soon as no other portward is running — wait/,
    )
    const { stdout: said } = await server.run(`while test -e /etc/systemd/system/${SERVICE}; do ${ask}; done`)
    expect(said).toMatch(/portward-unconfirmed\.service is rolling it back now/)
    expect(said).not.toMatch(/confirm keeps it|is not running/)
    await waitForRollback(server)
    await expectState(server, original)
    expect(await portward(server, 'confirm', 1)).toMatch(/the last apply is no longer in force/)
    expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
  })

  it.each([
    ['y', 80],
    ['n', 200],
  ])(
    'rolls back by itself also while somebody is being asked, whose "%s" then comes too late (%d columns)',
    async (key, columns) => {
      await runUnproven(server, 'apply --yes --confirm-within 10m')
      const asked = await askRollback(server, columns)
      await server.run(RUN_OUT)
      await waitForRollback(server)
      await expectState(server, original)
      expect(await asked(key)).toMatch(
        /generation \d+ was rolled back while the question was open: this command has changed nothing/,
      )
      await expectState(server, original)
    },
  )

  it('can be confirmed while somebody is being asked', async () => {
    await runUnproven(server, 'apply --yes --confirm-within 10m')
    const asked = await askRollback(server, 80)
    expect(await portward(server, 'confirm', 0)).toMatch(/is confirmed/)
    expect(await asked('y')).toMatch(/generation \d+ was confirmed while the question was open/)
    await portward(server, 'rollback --yes', 0)
    await expectState(server, original)
  })

  it('counts from the end of an apply that took longer, during which nothing is rolled back, and stays where it is confirmed', async () => {
    const directory = '/etc/systemd/system/fail2ban.service.d'
    await server.write('/srv/slow', UNTIL_WAITING)
    await server.write(`${directory}/slow.conf`, '[Service]\nExecStartPre=/bin/sh /srv/slow\n', 0o644)
    await server.run('systemctl daemon-reload')
    const attempts = async () =>
      (await server.run(`journalctl -o cat -u ${SERVICE}`)).stdout.match(
        /another portward is running on|rolling back generation/g,
      )
    const before = await attempts()
    await runUnproven(server, 'apply --yes --confirm-within 10s')
    // It has fired once during the apply, and will again.
    expect((await server.run(`systemctl show -P SubState ${TIMER}`)).stdout).toBe('waiting')
    expect(await portward(server, 'confirm', 0)).toMatch(/^generation \d+ is confirmed$/m)
    expect(await attempts()).toEqual(before)
    expect(await server.exists(`/etc/systemd/system/${TIMER}`)).toBe(false)
    expect((await server.run(`systemctl list-units --all --no-legend 'portward-unconfirmed*'`)).stdout).toBe(
      '',
    )
    await server.run(`rm -r ${directory} && systemctl daemon-reload`)
    const applied = await readState(server)
    // What the timer would have done, had it been left.
    await portward(server, 'rollback --yes --unconfirmed', 0)
    await expectState(server, applied)
    expect(await portward(server, 'confirm', 0)).toMatch(/nothing is waiting for confirmation/)
    await portward(server, 'rollback --yes', 0)
    await expectState(server, original)
  })

  // At its first and at its last effect: what is in between sweep.test.ts has.
  it.each(['rename /srv/managed/hosts.allow', 'close the journal'])(
    'rolls back also where portward was killed before "%s", and nobody runs it again',
    async (name) => {
      const point = effects.indexOf(name) + 1
      expect(point).toBeGreaterThan(0)
      const { exitCode } = await runWithFault(server, 'apply --yes --confirm-within 10s', `kill@${point}`)
      expect(exitCode).toBe(137)
      await waitForRollback(server)
      await expectState(server, original)
    },
  )

  it('rolls back also where the server was started anew meanwhile', async () => {
    await runUnproven(server, 'apply --yes --confirm-within 10s')
    await server.reboot()
    await waitForRollback(server)
    // Rules and what runs do not outlive a reboot: the units that start at boot do.
    const lasting = (state: State) =>
      new Map([...withoutTimes(state)].filter(([key]) => /^(?:file|bytes|entry|attribute|unit) /.test(key)))
    expect(differences(lasting(original), lasting(await readState(server)))).toEqual([])
    await portward(server, 'plan', 2)
  })
})
