import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { baseImage, type Suite } from './harness/base-image.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectSpared, manifest, portward, provide } from './scenario.ts'

const NONINTERACTIVE = 'DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold'

/** Upgrades packages to another release's, whose archives are in the cache of that release's base image. */
const upgrade = async (server: Server, suite: Suite, names: readonly string[]): Promise<void> => {
  const archives = join(await baseImage(suite), 'var/cache/apt/archives')
  const wanted = (await readdir(archives)).filter((file) => names.some((name) => file.startsWith(`${name}_`)))
  for (const file of wanted) await server.write(`/srv/${suite}/${file}`, await readFile(join(archives, file)))
  await server.run(`${NONINTERACTIVE} install --no-install-recommends /srv/${suite}/*.deb`)
}

/** What a release's own files and services come to, whatever was there before. */
const outcome = async (server: Server) => {
  const files = await manifest(server, '/etc/portsentry /etc/fail2ban/jail.d /etc/hosts.allow')
  // Its generated header names no state; conffiles that a release has dropped stay behind unread.
  const { stdout } = await server.run(
    'ps -o args= -C portsentry | sort; ls /etc/systemd/system/*.wants | grep portsentry | grep -v :$ || true',
  )
  return { files, services: stdout }
}

describeServers('servers that are upgraded with apt', () => {
  let server: Server
  let fresh: Server

  beforeAll(async () => {
    ;[server, fresh] = await Promise.all([
      startServer({ floor: 'provisioned' }),
      startServer({ suite: 'trixie', floor: 'provisioned' }),
    ])
    await Promise.all([provide(server), provide(fresh)])
  })
  afterAll(async () => {
    await Promise.all([server?.stop(), fresh?.stop()])
  })

  it('comes by one apply from Debian 12’s packages to the state of a fresh Debian 13', async () => {
    await upgrade(server, 'trixie', ['portsentry', 'fail2ban'])
    await portward(server, 'apply --yes', 0)
    const [upgraded, wanted] = await Promise.all([outcome(server), outcome(fresh)])
    expect(upgraded.services).toBe(wanted.services)
    for (const [path, line] of wanted.files) {
      // The package's own jail defaults are the release's; the ignore list is built anew at each start.
      if (path !== '/etc/portsentry/portsentry.ignore') expect(upgraded.files.get(path)).toBe(line)
    }
    expect(await portward(server, 'status --json', 0)).toContain('"release": "template-1.2"')
    await expectSpared(server)
    await expectBanned(server)
    await portward(server, 'plan', 0)
  })

  it('does so from unconfigured packages, too, whose units the upgrade links for the old modes', async () => {
    const plain = await startServer({ floor: 'installed' })
    try {
      await provide(plain)
      await upgrade(plain, 'trixie', ['portsentry', 'fail2ban'])
      const plan = await portward(plain, 'apply --yes', 0)
      expect(plan).toMatch(/disable +portsentry@tcp, and stop it/)
      expect(plan).toMatch(/start .*portsentry@atcp.* at boot/)
      expect((await outcome(plain)).services).toBe((await outcome(fresh)).services)
      await plain.reboot()
      await portward(plain, 'plan', 0)
      await expectBanned(plain)
    } finally {
      await plain.stop()
    }
  })

  it('comes by one apply from Debian 13’s packages to those of testing, and nothing old goes on', async () => {
    await upgrade(fresh, 'testing', ['portsentry', 'fail2ban'])
    const plan = await portward(fresh, 'apply --yes', 0)
    expect(plan).toMatch(/^portsentry +lines that portsentry refuses commented out/m)
    expect(plan).toMatch(/disable +portsentry@atcp, and stop it/)
    expect((await outcome(fresh)).services).toBe('/usr/sbin/portsentry\nportsentry.service')
    expect(await fresh.readText('/etc/portsentry/portsentry.conf')).toMatch(
      /^# for TCP_PORTS in TCP_MODE=atcp \(portward\): ADVANCED_PORTS_TCP="1024"$/m,
    )
    await expectSpared(fresh)
    await expectBanned(fresh)
    await fresh.reboot()
    await portward(fresh, 'plan', 0)
    expect((await fresh.run('systemctl --failed --no-legend | grep portsentry || true')).stdout).toBe('')
  })
})
