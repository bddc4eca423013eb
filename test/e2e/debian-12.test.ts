import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  changedPaths,
  expectBanned,
  expectCutOff,
  expectSpared,
  fingerprint,
  INSTALL,
  manifest,
  OPEN_PORT,
  portward,
  provide,
} from './scenario.ts'

const MANAGED = [
  '/etc/default/portsentry',
  '/etc/fail2ban/jail.d/portsentry.conf',
  '/etc/hosts.allow',
  '/etc/portsentry/portsentry.conf',
  '/etc/portsentry/portsentry.ignore.static',
  '/var/lib/portsentry/portsentry.history',
]

const WATCHED = '/etc /var/lib/portsentry /root'

// One server from untouched to provisioned, in order; beside it one with the stock packages.
describeServers('a fresh Debian 12', () => {
  let server: Server
  let stock: Server
  let diff: string

  beforeAll(async () => {
    ;[server, stock] = await Promise.all([startServer(), startServer()])
    await Promise.all([provide(server), provide(stock)])
  })
  afterAll(async () => {
    await Promise.all([server?.stop(), stock?.stop()])
  })

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

  it('plans on the untouched server, and touches nothing', async () => {
    const before = await manifest(server, WATCHED)
    diff = await portward(server, 'plan', 2)
    expect(diff).toMatch(/^ +2\. install .*portsentry 1\.2-14/m)
    expect(changedPaths(before, await manifest(server, WATCHED))).toEqual([])
  })

  it('says the same as JSON, and nothing else on stdout', async () => {
    const plan = JSON.parse(await portward(server, 'plan --json', 2))
    expect(plan).toMatchObject({ version: 1, command: 'plan', release: 'sysv-1.2', inSync: false })
    expect(plan.steps.map(({ kind }: { kind: string }) => kind)).toEqual([
      ...['preseed', 'install', 'touch', 'write', 'write', 'write', 'write', 'write', 'restart', 'restart'],
    ])
  })

  it('refuses to apply without a terminal and without --yes', async () => {
    const { stderr, exitCode } = await server.run('portward apply', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/--yes/)
  })

  it('applies, on the nodejs of Debian 12', async () => {
    expect((await server.run('node --version')).stdout).toMatch(/^v18\./)
    expect(await portward(server, 'apply --yes', 0)).toMatch(/^applied: 10 steps/m)
  })

  it('has changed what the plan said, byte for byte: patch gives the same from the stock files', async () => {
    await stock.run(INSTALL)
    const before = await manifest(stock, WATCHED)
    const after = await manifest(server, WATCHED)
    // portsentry builds its ignore list from the static one whenever it starts.
    const changed = changedPaths(before, after).filter((path) => path !== '/etc/portsentry/portsentry.ignore')
    expect(changed.filter((path) => !path.includes('blocked'))).toEqual(MANAGED)
    await stock.run('apt-get install -y -q patch && patch -p1 -d /', { stdin: `${diff}\n` })
    const patched = await manifest(stock, WATCHED)
    for (const path of MANAGED) expect(patched.get(path)).toBe(after.get(path))
  })

  it('is in sync afterwards', async () => {
    await portward(server, 'plan', 0)
    expect(await portward(server, 'status', 0)).toMatch(/^drift +none$/m)
  })

  it('bans a scanner at once and spares a LAN peer that scans the same ports', async () => {
    expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
    await server.lan.scan('192.168.1.10', [1, 7, 111])
    await expectBanned(server)
    await expectSpared(server)
  })

  it('has the ban in every place, and the attacker only', async () => {
    const status = await server.run('fail2ban-client status portsentry')
    expect(status.stdout).toMatch(/Banned IP list:\s*203\.0\.113\.9$/m)
    const { stdout: rules } = await server.run('iptables -S')
    expect(rules).toMatch(/^-A INPUT -s 203\.0\.113\.9\/32 -j DROP$/m)
    expect(rules).not.toContain('192.168.1.20')
    const deny = await server.readText('/etc/hosts.deny')
    expect(deny.match(/^ALL: .*$/gm)).toEqual(['ALL: 203.0.113.9 : DENY'])
  })

  it('notices UDP scans and every kind of TCP probe that the daemon can', async () => {
    await server.attacker.sendUdp('203.0.113.1', 7, { source: '203.0.113.77' })
    await expectCutOff(server, '203.0.113.77')
  })

  it('still bans after both daemons were restarted', async () => {
    await server.run('systemctl restart portsentry fail2ban')
    await expectCutOff(server)
    expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
  })

  it('still bans after a reboot, and is still in sync', async () => {
    await server.reboot()
    await expectCutOff(server)
    await expectSpared(server)
    await portward(server, 'plan', 0)
  })

  it('changes nothing the second time: no write, no restart', async () => {
    const before = await fingerprint(server)
    expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
    expect(await fingerprint(server)).toBe(before)
  })

  it.each([
    ['/etc/default/portsentry', 's/"atcp"/"stcp"/', 'TCP_MODE'],
    ['/etc/portsentry/portsentry.conf', 's/^BLOCK_TCP="1"/BLOCK_TCP="0"/', 'BLOCK_TCP'],
    ['/etc/hosts.allow', '/192.168.1.0/d', '192.168.1.0/255.255.255.0'],
    ['/etc/portsentry/portsentry.ignore.static', '/^192.168.1.0/d', '192.168.1.0/24'],
    ['/etc/fail2ban/jail.d/portsentry.conf', 's/^bantime.*/bantime = 10/', 'bantime = 1d'],
  ])('shows a drift in %s alone, and mends it', async (path, script, expected) => {
    const wanted = await server.read(path)
    await server.run(`sed -i '${script}' ${path}`)
    const plan = JSON.parse(await portward(server, 'plan --json', 2))
    const writes = plan.steps.filter(({ kind }: { kind: string }) => kind === 'write')
    expect(writes.map((step: { path: string }) => step.path)).toEqual([path])
    expect(writes[0].diff).toContain(expected)
    await portward(server, 'apply --yes', 0)
    expect((await server.read(path)).equals(wanted)).toBe(true)
    await portward(server, 'plan', 0)
  })

  it('starts a daemon that died behind its unit', async () => {
    await server.run('pkill -x portsentry; sleep 0.2')
    expect(await portward(server, 'plan', 2)).toMatch(/restart +portsentry: runs in no mode/)
    await portward(server, 'apply --yes', 0)
    await portward(server, 'plan', 0)
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

  it('refuses a jail.local that overrides the jail, names the line, and changes nothing', async () => {
    await server.write('/etc/fail2ban/jail.local', '[portsentry]\nenabled = false\n', 0o644)
    const before = await fingerprint(server)
    const { stderr, exitCode } = await server.run('portward apply --yes', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^\/etc\/fail2ban\/jail\.local:2: .*enabled/m)
    await server.run('rm /etc/fail2ban/jail.local')
    expect(await fingerprint(server)).toBe(before)
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
