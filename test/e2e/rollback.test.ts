import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, OPEN_PORT, portward, provide } from './scenario.ts'
import { settle } from './sweep/settled.ts'
import { differences, readState, type State, withoutTimes } from './sweep/state.ts'

const CONFIG = '/root/config.env'
const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'
const NONINTERACTIVE = 'DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold'

interface Listed {
  readonly number: number
  readonly state: string
  readonly paths: readonly string[]
  readonly packages: readonly string[]
}

/** What `portward generations` lists, the latest first. */
const generations = async (server: Server): Promise<Listed[]> =>
  JSON.parse(await portward(server, 'generations --json', 0)).generations

const latest = async (server: Server): Promise<number> => (await generations(server))[0]?.number ?? 0

const expectState = async (server: Server, wanted: State): Promise<void> => {
  expect(differences(wanted, await readState(server))).toEqual([])
}

const withBanTime = async (server: Server, time: string, work: () => Promise<void>): Promise<void> => {
  const config = await server.read(CONFIG)
  await server.run(`cp -p ${CONFIG} /run/config.env && echo BANTIME=${time} >>${CONFIG}`)
  await work()
  await server.run(`cp -p /run/config.env ${CONFIG}`)
  expect((await server.read(CONFIG)).equals(config)).toBe(true)
}

for (const suite of ['bookworm', 'trixie', 'testing'] as const) {
  describeServers(`rollback on ${suite}`, () => {
    let server: Server
    let original: State

    beforeAll(async () => {
      server = await startServer({ suite })
      await provide(server)
    })
    afterAll(() => server?.stop())

    it('gives a bare server back: no package, no file, no unit, no rule is left', async () => {
      const bare = await readState(server)
      await portward(server, 'apply --yes', 0)
      const [applied] = await generations(server)
      expect(applied).toMatchObject({ number: 1, state: 'applied' })
      expect(applied?.packages).toContain('portsentry')
      await portward(server, 'rollback --yes', 0)
      await expectState(server, bare)
      expect(await portward(server, 'generations', 0)).toMatch(/^ +1 {2}\S+ {2}rolled back$/m)
      await portward(server, 'plan', 2)
      // The programs that could show a rule went with the packages.
      await server.run(`${NONINTERACTIVE} install --no-install-recommends nftables`)
      expect((await server.run('nft list ruleset')).stdout).not.toMatch(/drop|reject|f2b|portward/)
      await server.run(`${NONINTERACTIVE} purge nftables`)
    })

    it('gives an admin’s own set-up back: bytes, modes, owners, times, ACLs, links, units, bans', async () => {
      await settle(server)
      original = await readState(server)
      await portward(server, 'apply --yes', 0)
      await portward(server, 'plan', 0)
      expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
      expect(differences(original, await readState(server))).not.toEqual([])
      await portward(server, 'rollback --yes', 0)
      await expectState(server, original)
    })

    it('gives back the latest of two applies, or both', async () => {
      await portward(server, 'apply --yes', 0)
      const first = await latest(server)
      const applied = await readState(server)
      await withBanTime(server, '2d', () => portward(server, 'apply --yes', 0).then(() => {}))
      await portward(server, 'rollback --yes', 0)
      await expectState(server, applied)
      await server.run(`sed -i 's/^bantime =.*/bantime = 10/' ${JAIL}`)
      const drifted = await readState(server)
      await portward(server, 'apply --yes', 0)
      await portward(server, 'rollback --yes', 0)
      await expectState(server, drifted)
      await portward(server, 'apply --yes', 0)
      await portward(server, `rollback ${first} --yes`, 0)
      await expectState(server, original)
    })

    it('records nothing where there is nothing to do', async () => {
      await portward(server, 'apply --yes', 0)
      const before = await generations(server)
      expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
      expect(await generations(server)).toEqual(before)
    })

    it('keeps what others have changed since, until it is told to', async () => {
      await server.run(`echo 'sshd: 198.51.100.8' >>/etc/hosts.allow; echo '# mine' >>${JAIL}`)
      const before = await readState(server)
      const refused = await server.run('portward rollback --yes', { allowFailure: true })
      expect(refused.exitCode).toBe(1)
      expect(refused.stderr).toMatch(
        /changed by others since: \/etc\/fail2ban\/jail\.d\/portsentry\.conf, \/etc\/hosts\.allow .*--force/,
      )
      await expectState(server, before)
      const theirs = await server.read('/etc/hosts.allow')
      await portward(server, 'rollback --yes --force', 0)
      await expectState(server, original)
      const kept = `/var/lib/portward/generations/${await latest(server)}`
      expect((await server.read(`${kept}/replaced-etc-hosts.allow`)).equals(theirs)).toBe(true)
      expect(await server.readText(`${kept}/replaced-etc-fail2ban-jail.d-portsentry.conf`)).toMatch(
        /^# mine$/m,
      )
    })

    it('is not stopped by what portsentry has added to hosts.deny, and lets go whom it banned', async () => {
      await portward(server, 'apply --yes', 0)
      await expectBanned(server)
      await eventually('hosts.deny has the ban', async () =>
        (await server.readText('/etc/hosts.deny')).includes('203.0.113.9'),
      )
      // It reads the history up to a second later, and would ban anew whom the rollback has just let go.
      await eventually('fail2ban has the ban, too', async () =>
        (await server.run('fail2ban-client status portsentry')).stdout.includes('203.0.113.9'),
      )
      await portward(server, 'rollback --yes', 0)
      expect(await server.readText('/etc/hosts.deny')).not.toContain('203.0.113.9')
      // A history that was there before is a log of what happened, and keeps that.
      const changed = differences(original, await readState(server))
      expect(changed.filter((line) => !line.includes('/portsentry.history'))).toEqual([])
      await server.run(
        '! test -e /var/lib/portsentry/portsentry.history || truncate -s 0 /var/lib/portsentry/portsentry.history',
      )
      expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
    })

    it('gives the files back also after the packages were installed anew', async () => {
      // The packages' own scripts touch some, time and again.
      const files = async () =>
        new Map(
          [...withoutTimes(await readState(server))].filter(([key]) =>
            /^(?:file|bytes|attribute|entry) /.test(key),
          ),
        )
      const before = await files()
      await portward(server, 'apply --yes', 0)
      await server.run(`${NONINTERACTIVE} install --reinstall portsentry fail2ban`)
      await portward(server, 'rollback --yes', 0)
      expect(differences(before, await files())).toEqual([])
    })

    it('forgets the oldest beyond KEEP_GENERATIONS, and those first that are of no use', async () => {
      await portward(server, 'apply --yes', 0)
      const first = await latest(server)
      await server.run(`echo KEEP_GENERATIONS=2 >>${CONFIG}`)
      await withBanTime(server, '2d', () => portward(server, 'apply --yes', 0).then(() => {}))
      expect((await generations(server)).map(({ number }) => number)).toEqual([first + 1, first])
      await withBanTime(server, '3d', () => portward(server, 'apply --yes', 0).then(() => {}))
      expect((await generations(server)).map(({ number }) => number)).toEqual([first + 2, first + 1])
      expect((await server.run('ls /var/lib/portward/generations')).stdout.split('\n')).toHaveLength(2)
      expect((await server.run('stat -c %a /var/lib/portward')).stdout).toBe('700')
      const gone = await server.run(`portward rollback ${first} --yes`, { allowFailure: true })
      expect(gone.exitCode).toBe(1)
      expect(gone.stderr).toMatch(/not in force/)
    })
  })
}
