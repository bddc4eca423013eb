import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { addAttacker, expectBanned, expectCutOff, OPEN_PORT, portward, provide } from './scenario.ts'

const JAIL_LOCAL = '/etc/fail2ban/jail.local'
const OTHER = '203.0.113.91'
const CONFIG = 'LAN_IP=192.168.1.10\nLAN_NM=255.255.255.0\nBAN_TARGET=DROP\n'

/** Another default action for all jails. */
const DEFAULT_ACTION = '[DEFAULT]\nbantime = 1h\naction = iptables-allports[name=%(__name__)s]\n'

interface Fatal {
  readonly name: string
  readonly path: string
  readonly text: string
  /** The location that plan reports. */
  readonly at: string
}

const FATAL: readonly Fatal[] = [
  {
    name: 'a duplicate key',
    path: JAIL_LOCAL,
    text: `${DEFAULT_ACTION}[apache-auth]\nbantime = 60\nbantime = 3600\n`,
    at: `${JAIL_LOCAL}:6`,
  },
  {
    name: 'a byte order mark',
    path: JAIL_LOCAL,
    text: '\xef\xbb\xbf[DEFAULT]\nbackend = auto\n',
    at: `${JAIL_LOCAL}:1`,
  },
  {
    name: 'a jail without its log',
    path: '/etc/fail2ban/jail.d/web.local',
    text: '[web]\nenabled = true\nfilter = apache-auth\nlogpath = /var/log/apache2/*/error.log\n',
    at: '/etc/fail2ban/jail.d/web.local:4',
  },
  {
    name: 'a ban time that is none',
    path: '/etc/fail2ban/jail.d/web.local',
    text: '[web]\nenabled = true\nfilter = apache-auth\nlogpath = /var/log/dpkg.log\nbantime = 1x\n',
    at: '/etc/fail2ban/jail.d/web.local:5',
  },
]

const pid = async (server: Server) => (await server.run('systemctl show -p MainPID --value fail2ban')).stdout
const held = async (server: Server) => (await server.run('fail2ban-client get portsentry banip')).stdout

/** Writes a file that keeps fail2ban from starting, runs `work`, and restores the file. */
const withFatal = async (server: Server, { path, text }: Fatal, body: () => Promise<void>): Promise<void> => {
  await server.run(`if [ -e ${JAIL_LOCAL} ]; then cp -a ${JAIL_LOCAL} /run/jail.local; fi`)
  try {
    await server.write(path, Buffer.from(text, 'latin1'), 0o644)
    await body()
    // fail2ban itself reports it, too.
    await server.run('systemctl stop fail2ban; systemctl start fail2ban', { allowFailure: true })
    await eventually('fail2ban is dead', async () =>
      /^(?:failed|inactive)/.test(
        (await server.run('systemctl is-active fail2ban', { allowFailure: true })).stdout,
      ),
    )
  } finally {
    await server.run(
      `rm -f ${path}; if [ -e /run/jail.local ]; then cp -a /run/jail.local ${JAIL_LOCAL}; fi; systemctl reset-failed fail2ban`,
    )
  }
}

describeServers("other people's files of fail2ban", () => {
  describe('fail2ban 1.0 of bookworm', () => {
    let server: Server

    beforeAll(async () => {
      server = await startServer({ floor: 'installed' })
      await provide(server, CONFIG)
      await server.write(JAIL_LOCAL, DEFAULT_ACTION, 0o644)
      await addAttacker(server, OTHER)
    })
    afterAll(() => server?.stop())

    it("bans by its own action, whatever everybody's is, and says so", async () => {
      const { stderr } = await server.run('portward apply --yes')
      expect(stderr).toMatch(/^\/etc\/fail2ban\/jail\.local:3: warning: sets action = iptables-allports/m)
      await expectBanned(server)
      await eventually('fail2ban has the ban', async () => (await held(server)).includes('203.0.113.9'))
    })

    it('reloads for another ban time: the process and its bans stay', async () => {
      const before = await pid(server)
      await server.write('/root/config.env', `${CONFIG}BANTIME=2d\n`, 0o600)
      expect(await portward(server, 'apply --yes', 0)).toMatch(
        /reload +fail2ban: .*portsentry\.conf and \/etc\/portward\/bans\.conf change$/m,
      )
      expect(await pid(server)).toBe(before)
      expect((await server.run('fail2ban-client get portsentry bantime')).stdout).toBe('172800')
      expect(await held(server)).toContain('203.0.113.9')
    })

    it('has it read again what a rollback puts back', async () => {
      const before = await pid(server)
      await server.write('/root/config.env', CONFIG, 0o600)
      await portward(server, 'rollback --yes', 0)
      expect(await pid(server)).toBe(before)
      expect((await server.run('fail2ban-client get portsentry bantime')).stdout).toBe('86400')
      expect(await held(server)).toContain('203.0.113.9')
      await portward(server, 'plan', 0)
    })

    it('goes on beside a jail that fail2ban leaves out, and keeps bans and releases where fail2ban forgets them, and says both', async () => {
      await server.write(
        '/etc/fail2ban/jail.d/web.local',
        '[web]\nenabled = true\nfilter = nonesuch\nlogpath = /var/log/dpkg.log\n',
        0o644,
      )
      await server.write('/etc/fail2ban/fail2ban.local', '[Definition]\ndbfile = None\n', 0o644)
      await server.write('/root/config.env', `${CONFIG}MAXRETRY=2\n`, 0o600)
      const { stderr } = await server.run('portward apply --yes')
      expect(stderr).toMatch(
        /web\.local:3: warning: fail2ban does not load jail web: there is no filter nonesuch/,
      )
      expect(stderr).toMatch(
        /fail2ban\.local:2: warning: dbfile = None: fail2ban forgets its bans at a restart; the firewall keeps/,
      )
      await portward(server, 'unban 203.0.113.9', 0)
      expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
      await expectBanned(server, OTHER)
      await server.run('systemctl restart fail2ban')
      await eventually('fail2ban is up', () => held(server).then(() => true))
      await expectCutOff(server, OTHER)
      expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
      await portward(server, 'plan', 0)
    })

    it.each(FATAL)('does not start over $name', (fatal) => withFatal(server, fatal, async () => undefined))
  })

  describe('fail2ban 1.1 of testing', () => {
    let server: Server

    beforeAll(async () => {
      server = await startServer({ suite: 'testing', floor: 'provisioned' })
    })
    afterAll(() => server?.stop())

    it.each(FATAL)('does not start over what apply refuses: $name', (fatal) =>
      withFatal(server, fatal, async () => {
        const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
        expect(stderr).toMatch(
          new RegExp(`^${fatal.at.replaceAll('.', '\\.')}: fail2ban does not start because of this: `, 'm'),
        )
        expect(exitCode).toBe(1)
      }),
    )
  })
})
