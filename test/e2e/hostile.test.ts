import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { changedPaths, fingerprint, manifest, portward, provide } from './scenario.ts'

const WATCHED = '/etc /var/lib/portsentry /root'

describeServers('what portward refuses, keeps and puts back', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer()
    await provide(server)
  })
  afterAll(() => server?.stop())

  it('refuses a bad config.env with exit 78 and touches nothing', async () => {
    const before = await manifest(server, WATCHED)
    await server.write(
      '/root/bad.env',
      'LAN_IP=192.168.1.255\nLAN_NM=255.255.255.0\nTCP_MODE=`id`\nBLOCK_TCP=9\n',
      0o600,
    )
    const { stderr, exitCode } = await server.run('portward apply --yes --config /root/bad.env', {
      allowFailure: true,
    })
    expect(exitCode).toBe(78)
    expect(stderr).toMatch(/^\/root\/bad\.env:1: .*broadcast/m)
    expect(stderr).toMatch(/^\/root\/bad\.env:3: TCP_MODE/m)
    expect(stderr).toMatch(/^\/root\/bad\.env:4: BLOCK_TCP/m)
    await server.run('chmod g+w /root/bad.env')
    expect((await server.run('portward plan --config /root/bad.env', { allowFailure: true })).stderr).toMatch(
      /written by others/,
    )
    await server.run('rm /root/bad.env')
    expect(changedPaths(before, await manifest(server, WATCHED))).toEqual([])
  })

  it('refuses to apply without a terminal and without --yes', async () => {
    const { stderr, exitCode } = await server.run('portward apply', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/--yes/)
  })

  it('applies', async () => {
    await portward(server, 'apply --yes', 0)
  })

  it('plans without root where the files can be read', async () => {
    const { exitCode, stderr } = await server.run(
      'cp /root/config.env /tmp/config.env && chmod 644 /tmp/config.env && setpriv --reuid 65534 --clear-groups portward plan --config /tmp/config.env',
      { allowFailure: true },
    )
    expect(stderr).toMatch(/not root/)
    expect(exitCode).toBe(0)
  })

  it('keeps mode, owner, attributes and symbolic links of what it writes', async () => {
    await server.run('mv /etc/hosts.allow /srv/hosts.allow && ln -s ../srv/hosts.allow /etc/hosts.allow')
    await server.run(
      'chmod 0640 /srv/hosts.allow && chown root:adm /srv/hosts.allow && setfattr -n user.note -v kept /srv/hosts.allow',
    )
    await server.run(
      'sed -i --follow-symlinks /192.168.1.0/d /etc/hosts.allow; setfattr -n user.note -v kept /srv/hosts.allow',
    )
    await portward(server, 'apply --yes', 0)
    expect((await server.run('readlink /etc/hosts.allow')).stdout).toBe('../srv/hosts.allow')
    expect((await server.run('stat -c "%a %G" /srv/hosts.allow')).stdout).toBe('640 adm')
    expect((await server.run('getfattr --only-values -n user.note /srv/hosts.allow')).stdout).toBe('kept')
    await portward(server, 'plan', 0)
  })

  it('lets nobody else apply at the same time', async () => {
    const { stderr, exitCode } = await server.run('flock /run/portward.lock portward apply --yes', {
      allowFailure: true,
    })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/another portward/)
  })

  it('starts a daemon that died behind its unit', async () => {
    await server.run('pkill -x portsentry; sleep 0.2')
    expect(await portward(server, 'plan', 2)).toMatch(/restart +portsentry: runs as nothing/)
    await portward(server, 'apply --yes', 0)
    await portward(server, 'plan', 0)
  })

  it('refuses a jail.local that overrides the jail, names the line, and changes nothing', async () => {
    await server.write('/etc/fail2ban/jail.local', '[portsentry]\nenabled = false\n', 0o644)
    const before = await fingerprint(server, ['portsentry'])
    const { stderr, exitCode } = await server.run('portward apply --yes', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^\/etc\/fail2ban\/jail\.local:2: .*enabled/m)
    expect(await fingerprint(server, ['portsentry'])).toBe(before)
    await server.run('rm /etc/fail2ban/jail.local')
  })

  it('puts everything back when fail2ban refuses the configuration or a daemon does not come up', async () => {
    await server.write('/etc/fail2ban/jail.d/broken.conf', '[broken\nenabled = true\n', 0o644)
    await server.run(`sed -i 's/^bantime.*/bantime = 10/' /etc/fail2ban/jail.d/portsentry.conf`)
    const before = await manifest(server, WATCHED)
    const refused = await server.run('portward apply --yes', { allowFailure: true })
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(/fail2ban refuses/)
    expect(changedPaths(before, await manifest(server, WATCHED))).toEqual([])
    await server.run('rm /etc/fail2ban/jail.d/broken.conf')

    await server.run('chmod -x /usr/sbin/portsentry; sed -i s/atcp/stcp/ /etc/default/portsentry')
    const earlier = await manifest(server, '/etc')
    const failed = await server.run('portward apply --yes', { allowFailure: true })
    expect(failed.exitCode).toBe(1)
    expect(failed.stderr).toMatch(/put back/)
    expect(changedPaths(earlier, await manifest(server, '/etc'))).toEqual([])
    await server.run('chmod +x /usr/sbin/portsentry')
    await portward(server, 'apply --yes', 0)
    await portward(server, 'plan', 0)
  })
})
