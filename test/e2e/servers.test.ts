import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { install } from './harness/floors.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { addAttacker, expectBanned, expectSpared, portward, provide } from './scenario.ts'

const CONF = '/etc/portsentry/portsentry.conf'
const HISTORY = '/var/log/portsentry.log'
const FRIEND = '203.0.113.66'

/**
 * NOT a real release: there is no portsentry 2.1 yet. The package of 2.0.7 with another version, and another name for keys in
 * its binary: of the same length, so that the daemon works as ever.
 */
const fake21 = (renamed: Readonly<Record<string, string>>): string => `set -e
  rm -rf /root/fake && dpkg-deb -R /var/cache/apt/archives/portsentry_2.0*.deb /root/fake
  sed -i 's/^Version: .*/Version: 2.1.0-1/' /root/fake/DEBIAN/control
  ${Object.entries(renamed)
    .map(([from, to]) => `LC_ALL=C sed -i 's/${from}/${to}/g' /root/fake/usr/sbin/portsentry`)
    .join('\n  ')}
  dpkg-deb -b /root/fake /root/fake.deb && DEBIAN_FRONTEND=noninteractive dpkg -i /root/fake.deb`

describeServers('a portsentry and a fail2ban with other defaults, on testing', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ suite: 'testing', floor: 'provisioned' })
    await provide(server)
  })
  afterAll(() => server?.stop())

  const problemsOf = async (args: string): Promise<{ code: string; message: string }[]> =>
    JSON.parse((await server.run(`portward ${args} --json`, { allowFailure: true })).stdout).problems

  it('protects all name servers that systemd-resolved asks', async () => {
    const asked = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '2001:db8:53::1']
    await server.run(`mkdir -p /run/systemd/resolve
      echo 'nameserver 127.0.0.53' >/etc/resolv.conf
      printf 'nameserver %s\\n' ${asked.join(' ')} >/run/systemd/resolve/resolv.conf`)
    await portward(server, 'apply --yes', 0)
    const list = await server.readText('/etc/portsentry/portsentry.ignore')
    for (const address of asked) expect(list).toMatch(new RegExp(`^${address}/(?:32|128)$`, 'm'))
    expect(await portward(server, 'explain 192.0.2.4', 0)).toMatch(
      /is protected \(a name server of this server\)/,
    )
    await server.run(': >/etc/resolv.conf; rm -r /run/systemd/resolve')
    await portward(server, 'apply --yes', 0)
  })

  it("installs what the sshd jail bans with, fail2ban's default since 1.1.0", async () => {
    const { stdout } = await server.run('fail2ban-client --version')
    expect(stdout).toMatch(/v1\.1\.1/)
    await server.run('! command -v nft')
    expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
    await server.run(install('openssh-server'))
    expect(await portward(server, 'plan', 2)).toMatch(/install +nftables/)
    await portward(server, 'apply --yes', 0)
    await server.run('fail2ban-client set sshd banip 198.51.100.77')
    await eventually('the ban is in force', async () =>
      (await server.run('nft list table inet f2b-table', { allowFailure: true })).stdout.includes(
        '198.51.100.77',
      ),
    )
    expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
    await server.run('fail2ban-client unban --all')
  })

  it('reads the file that ignoreip names, as fail2ban 1.1.1 does', async () => {
    await server.write('/etc/fail2ban/jail.local', '[DEFAULT]\nignoreip = 127.0.0.1/8 file:/etc/friends\n')
    expect(await problemsOf('plan')).toContainEqual(
      expect.objectContaining({
        code: 'ignoreip-file',
        message: expect.stringContaining('/etc/friends, which does not exist'),
      }),
    )
    await server.write('/etc/friends', `# ours\n${FRIEND} ; a friend\n`)
    expect(await problemsOf('plan')).toContainEqual(
      expect.objectContaining({
        code: 'ignoreip-lost',
        message: expect.stringContaining(`exempts ${FRIEND} (in /etc/friends)`),
      }),
    )
    await server.run('systemctl restart fail2ban; until fail2ban-client ping; do sleep 0.1; done')
    expect((await server.run('fail2ban-client get sshd ignoreip')).stdout).toMatch(/file:.*etc\/friends/)
    expect(await portward(server, `explain ${FRIEND}`, 0)).not.toMatch(/ignores it/)

    // Until the next restart for the portsentry jail, too.
    await server.run('fail2ban-client set portsentry addignoreip file:/etc/friends')
    expect(await portward(server, `explain ${FRIEND}`, 0)).toMatch(
      /ignores it by ignoreip 203\.0\.113\.66 \(\/etc\/friends:2\)/,
    )
    await addAttacker(server, FRIEND)
    await server.attacker.scan('203.0.113.1', [1], { source: FRIEND })
    await eventually('fail2ban ignores it by the file', async () =>
      (await server.readText('/var/log/fail2ban.log')).match(/\[portsentry\] Ignore 203\.0\.113\.66 by file/),
    )
    await server.run('rm /etc/fail2ban/jail.local /etc/friends; systemctl restart fail2ban')
    await portward(server, `unban ${FRIEND}`, 0)
    await portward(server, 'apply --yes', 0)
  })

  it('asks a portsentry 2.1 what it accepts, and does not touch its files', async () => {
    await server.run(fake21({ PORT_BANNER: 'TEST_BANNER' }))
    await server.run(`echo 'TEST_BANNER="1"' >>${CONF}; systemctl restart portsentry`)
    const before = (await server.run(`systemctl stop portsentry; echo kept >${HISTORY}; ls -la /tmp /run`))
      .stdout
    const problems = await problemsOf('plan')
    expect(problems).toContainEqual(
      expect.objectContaining({
        code: 'untried-portsentry',
        message: expect.stringMatching(/portsentry 2\.1\.0-1: it accepts all \d+ keys and options/),
      }),
    )
    expect(problems.map(({ code }) => code)).not.toContain('refused-line')
    expect(await server.readText(HISTORY)).toBe('kept\n')
    expect((await server.run('ls -la /tmp /run')).stdout).toBe(before)
    await server.run('! pgrep -x portsentry')

    await portward(server, 'apply --yes', 0)
    expect(await server.readText(CONF)).toMatch(/^TEST_BANNER="1"$/m)
    expect(await portward(server, 'verify', 0)).toMatch(
      /^pass {2}this portsentry, newer .*\n.*asked, portsentry 2\.1\.0-1 accepts all/m,
    )
    await expectSpared(server)
    await expectBanned(server)
  })

  it('is refused, and nothing is changed, where it lacks a key that is needed', async () => {
    await server.run(fake21({ KILL_ROUTE: 'TEST_ROUTE' }))
    const before = await server.readText(CONF)
    const { stdout, stderr, exitCode } = await server.run('portward apply --yes', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stdout + stderr).toMatch(
      /portsentry 2\.1\.0-1 does not know the key KILL_ROUTE, which portward needs/,
    )
    expect(await server.readText(CONF)).toBe(before)
    // Without bans it is not needed.
    await server.run('echo BAN_BACKEND=none >>/root/config.env')
    expect((await problemsOf('plan')).map(({ code }) => code)).toContain('untried-portsentry')
  })
})
