import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { portward, provide } from './scenario.ts'
import { applyUnproven, installFaults, PROGRAM, UNPROVEN } from './sweep/faults.ts'
import { differences, readState } from './sweep/state.ts'

const APT = 'DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold'

describeServers('rollback where packages have a history of their own', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server)
    await installFaults(server)
  })
  afterAll(() => server?.stop())

  it('removes no package that apt has only brought to a newer version, and one that dpkg has left half unpacked', async () => {
    // iptables wants libxtables12 of its own version. apt's cache does not see a change within the same second.
    await server.run(`${APT} purge iptables
      sed -i '/^Package: libxtables12$/,/^$/s/^Version: .*/Version: 1.8.8-1/' /var/lib/dpkg/status
      rm -f /var/cache/apt/*.bin`)
    await applyUnproven(server)
    expect((await server.run('dpkg-query -W libxtables12')).stdout).not.toContain('1.8.8-1')
    await server.run(
      "sed -i '/^Package: iptables$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' /var/lib/dpkg/status",
    )
    await portward(server, 'rollback --yes', 0)
    await server.run('dpkg-query -s libxtables12 && ! command -v iptables')
    // The scripts of such a package are not run, so that its links stay.
    await server.run('find /etc/alternatives -xtype l -delete')
  })

  it('keeps the configuration that packages left when they were removed before', async () => {
    await server.run(`
      echo '# of our own' >>/etc/fail2ban/jail.conf; echo '# of our own' >>/etc/portsentry/portsentry.conf
      ${APT} remove portsentry fail2ban`)
    const before = await readState(server)
    await applyUnproven(server)
    await portward(server, 'rollback --yes', 0)
    // Built at each start of portsentry, which does not start here.
    const changed = differences(before, await readState(server))
    expect(changed.filter((line) => !line.includes(' /etc/portsentry/portsentry.ignore:'))).toEqual([])
    await server.run(`${APT} purge portsentry fail2ban libwrap0`)
  })

  it('leaves alone what somebody else made meanwhile, and packages that others need by now', async () => {
    // As on a first boot, where more than one may be running.
    await server.run(
      `sh -c 'until test -d /etc/fail2ban; do sleep 0.05; done; mkdir /etc/theirs; echo key >/etc/theirs/key.pem; echo "# theirs" >/etc/fail2ban/jail.local' &
      node ${PROGRAM} apply --yes >/run/out 2>&1; wait`,
      { env: UNPROVEN },
    )
    await server.run(`${APT} install --no-install-recommends openssh-server`)
    const { exitCode, stderr } = await server.run('portward rollback --yes', { allowFailure: true })
    expect(stderr).toMatch(/libwrap0 was not removed: openssh-server would be removed with it/)
    expect(exitCode).toBe(1)
    expect(await server.readText('/etc/theirs/key.pem')).toBe('key\n')
    expect((await server.run('dpkg --audit; dpkg -V libwrap0 openssh-server')).stdout).toBe('')
    expect((await server.run('find /etc/fail2ban -type f')).stdout).toBe('/etc/fail2ban/jail.local')
    // Nothing is left to be finished.
    expect(await portward(server, 'generations', 0)).toMatch(/rolled back/)
    expect(await server.exists('/var/lib/portward/journal.json')).toBe(false)
    await portward(server, 'plan', 2)
  })
})
