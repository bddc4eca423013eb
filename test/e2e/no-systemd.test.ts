import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectSpared, portward, provide } from './scenario.ts'

describeServers('Debian 12 without systemd, as in a plain container', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ boot: false })
    await provide(server)
    // invoke-rc.d asks it in a package's script. 101: no daemon may be started, as without a runlevel.
    const policy = '#!/bin/sh\nls -l /proc/self/fd >> /tmp/descriptors\nexit 101\n'
    await server.write('/usr/sbin/policy-rc.d', policy, 0o755)
  })
  afterAll(() => server?.stop())

  it('applies with the init scripts, and is in sync', async () => {
    expect(await portward(server, 'apply --yes', 0)).toMatch(/^applied/m)
    const status = await portward(server, 'status', 0)
    expect(status).toMatch(/^portsentry +running; -atcp, -audp/m)
    expect(status).toMatch(/^drift +none$/m)
  })

  it("gave no package's script the file of apt's status, which a daemon would keep open", async () => {
    const { stdout } = await server.run('cat /tmp/descriptors')
    expect(stdout).toMatch(/ 2 -> /)
    expect(stdout).not.toMatch(/-> \/run\/#/)
  })

  it('bans a scanner, but not a LAN peer', async () => {
    await server.lan.scan('192.168.1.10', [1, 7, 111])
    await expectBanned(server)
    await expectSpared(server)
    await eventually('fail2ban has the ban, and no other', async () =>
      /list:\s*203\.0\.113\.9$/m.test((await server.run('fail2ban-client status portsentry')).stdout),
    )
  })

  it('changes nothing the second time', async () => {
    const pids = async () => (await server.run('pgrep -x portsentry; pgrep -x fail2ban-server')).stdout
    const before = await pids()
    expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
    expect(await pids()).toBe(before)
  })
})
