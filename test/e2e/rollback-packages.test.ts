import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { portward, provide } from './scenario.ts'
import { differences, readState } from './sweep/state.ts'

const APT = 'DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold'

describeServers('rollback where packages have a history of their own', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer()
    await provide(server)
  })
  afterAll(() => server?.stop())

  it('keeps the configuration that packages left when they were taken away before', async () => {
    await server.run(`${APT} install --no-install-recommends portsentry fail2ban`)
    await server.run(`
      echo '# of our own' >>/etc/fail2ban/jail.conf; echo '# of our own' >>/etc/portsentry/portsentry.conf
      ${APT} remove portsentry fail2ban`)
    const before = await readState(server)
    await portward(server, 'apply --yes', 0)
    await portward(server, 'rollback --yes', 0)
    // Built at each start of portsentry, which does not start here.
    const changed = differences(before, await readState(server))
    expect(changed.filter((line) => !line.includes(' /etc/portsentry/portsentry.ignore:'))).toEqual([])
    await server.run(`${APT} purge portsentry fail2ban libwrap0`)
  })

  it('leaves alone what somebody else made meanwhile, and packages that others need by now', async () => {
    // As on a first boot, where more than one is at work.
    await server.run(`
      sh -c 'until test -d /etc/fail2ban; do sleep 0.05; done; mkdir /etc/theirs; echo key >/etc/theirs/key.pem; echo "# theirs" >/etc/fail2ban/jail.local' &
      portward apply --yes >/run/out 2>&1; wait`)
    await server.run(`${APT} install --no-install-recommends openssh-server`)
    const { exitCode, stderr } = await server.run('portward rollback --yes', { allowFailure: true })
    expect(stderr).toMatch(/libwrap0 stays: openssh-server would go with it/)
    expect(exitCode).toBe(1)
    expect(await server.readText('/etc/theirs/key.pem')).toBe('key\n')
    expect((await server.run('dpkg --audit; dpkg -V libwrap0 openssh-server')).stdout).toBe('')
    expect((await server.run('find /etc/fail2ban -type f')).stdout).toBe('/etc/fail2ban/jail.local')
    // Nothing is left to be finished.
    expect(await portward(server, 'generations', 0)).toMatch(/rolled back/)
    await portward(server, 'apply --yes', 0)
    await portward(server, 'plan', 0)
  })

  it('takes no package away that apt has only brought to a newer version', async () => {
    await portward(server, 'rollback --yes', 0)
    await server.run(`${APT} install --no-install-recommends iptables`)
    // iptables wants libxtables12 of its own version. apt's cache does not see a change within the same second.
    await server.run(`${APT} purge iptables
      sed -i '/^Package: libxtables12$/,/^$/s/^Version: .*/Version: 1.8.8-1/' /var/lib/dpkg/status
      rm -f /var/cache/apt/*.bin`)
    await portward(server, 'apply --yes', 0)
    expect((await server.run('dpkg-query -W libxtables12')).stdout).not.toContain('1.8.8-1')
    await portward(server, 'rollback --yes', 0)
    await server.run('dpkg-query -s libxtables12 && ! command -v iptables')
    await portward(server, 'apply --yes', 0)
  })

  it('gives up a rollback that cannot be finished, when it is told to', async () => {
    await server.run('touch /srv/theirs; mount --bind /srv/theirs /etc/portsentry/portsentry.conf')
    const rollback = (options: string) =>
      server.run(`portward rollback --yes ${options}`, { allowFailure: true })
    expect(await rollback('--force')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/with --force it is given up$/m),
    })
    expect(await rollback('')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/an earlier rollback was interrupted/),
    })
    expect(await rollback('--force')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/: given up$/m),
    })
    expect(await server.exists('/var/lib/portward/journal.json')).toBe(false)
  })
})
