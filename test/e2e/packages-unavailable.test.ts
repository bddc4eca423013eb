import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { portward, provide } from './scenario.ts'
import { differences, readState, type State } from './sweep/state.ts'

describeServers('packages that cannot be had now', () => {
  let server: Server
  let original: State

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server)
    await server.run('DEBIAN_FRONTEND=noninteractive apt-get -q -y purge portsentry')
    original = await readState(server)
  })
  afterAll(() => server?.stop())

  it('lists the settings, and refuses to apply, where apt has no package lists', async () => {
    await server.run('mkdir /run/empty && mount --bind /run/empty /var/lib/apt/lists')
    expect(await portward(server, 'plan', 2)).toMatch(
      /not exact: apt has no package lists, .*: run apt-get update\n[\s\S]*portsentry\.conf: BLOCK_TCP="1"/,
    )
    expect(await portward(server, 'status', 0)).toMatch(/^drift +unknown, .*: run apt-get update/m)
    const { stderr, exitCode } = await server.run('portward apply --yes', { allowFailure: true })
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/cannot make an exact plan: .*: run apt-get update/),
    ])
    await server.run('umount /var/lib/apt/lists')
  })

  it('says so where dpkg was interrupted, and leaves all as it was', async () => {
    await server.run(`cp -p /var/lib/dpkg/status /run/status
      sed -i '/^Package: attr$/,/^$/s/install ok installed/install ok half-configured/' /var/lib/dpkg/status
      : >/var/lib/dpkg/updates/0001`)
    const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/dpkg was interrupted.*dpkg --configure -a/s)
    expect(differences(original, await readState(server))).toEqual([])
    await server.run('rm /var/lib/dpkg/updates/0001; mv /run/status /var/lib/dpkg/status')
  })

  it('says so where no mirror can be reached, and leaves all as it was', async () => {
    await server.run('mkdir -p /run/archives/partial && mount --bind /run/archives /var/cache/apt/archives')
    const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/cannot make an exact plan: apt-get download .*see whether apt reaches its mirror/)
    await server.run('umount /var/cache/apt/archives && rm -r /run/archives')
    expect(differences(original, await readState(server))).toEqual([])
  })

  it('says what dpkg could not do, and takes back what it did', async () => {
    await server.run('mount --bind /usr/sbin /usr/sbin && mount -o remount,bind,ro /usr/sbin')
    const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
    await server.run('umount /usr/sbin')
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/apt-get .*Read-only file system.*portsentry_\S+\.deb.*rolled back/s)
    expect(differences(original, await readState(server))).toEqual([])
  })

  it('waits for the lock of dpkg', async () => {
    const hold = [
      'import fcntl, time',
      'lock = open("/var/lib/dpkg/lock-frontend", "w")',
      'fcntl.lockf(lock, fcntl.LOCK_EX)',
      'open("/run/held", "w")',
      'time.sleep(3)',
    ].join('\n')
    await server.write('/run/hold.py', hold)
    await server.run('rm -f /run/held; setsid python3 /run/hold.py >/dev/null 2>&1 &')
    await server.run('until test -e /run/held; do sleep 0.1; done')
    await portward(server, 'apply --yes', 0)
  })
})
