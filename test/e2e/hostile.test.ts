import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  changedPaths,
  expectBanned,
  expectHeld,
  fingerprint,
  LIST_BANS,
  manifest,
  OPEN_PORT,
  portward,
  provide,
} from './scenario.ts'
import { applyUnproven, installFaults } from './sweep/faults.ts'

const WATCHED = '/etc /var/lib/portsentry /root'

const DRIFT = `sed -i 's/^bantime =.*/bantime = 10/' /etc/fail2ban/jail.d/portsentry.conf`

describeServers('what portward refuses, keeps and puts back', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ floor: 'provisioned' })
    await provide(server)
    await installFaults(server)
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
      /can be changed by users other than root/,
    )
    await server.run('rm /root/bad.env')
    expect(changedPaths(before, await manifest(server, WATCHED))).toEqual([])
  })

  it.each([
    [
      'belongs to somebody else',
      'cp /root/config.env /root/theirs.env; chown daemon /root/theirs.env',
      '/root/theirs.env',
      /belongs to user 1,/,
    ],
    [
      'is where somebody else can put another',
      'mkdir /srv/theirs; cp /root/config.env /srv/theirs; chown daemon /srv/theirs',
      '/srv/theirs/config.env',
      /could be replaced by users other than root: \/srv\/theirs belongs to user 1 /,
    ],
  ])('refuses a config.env that %s', async (_, make, path, message) => {
    await server.run(make)
    const { stderr, exitCode } = await server.run(`portward plan --config ${path}`, { allowFailure: true })
    expect(exitCode).toBe(78)
    expect(stderr).toMatch(message)
    await server.run(`rm -r ${path} /srv/theirs 2>/dev/null || true`)
  })

  it('plans without root where the files can be read', async () => {
    const { exitCode, stderr } = await server.run(
      'cp /root/config.env /tmp/config.env && chmod 644 /tmp/config.env && setpriv --reuid 65534 --clear-groups portward plan --config /tmp/config.env',
      { allowFailure: true },
    )
    expect(stderr).toMatch(/not root/)
    expect(exitCode).toBe(0)
  })

  it('lets nobody else apply at the same time', async () => {
    const { stderr, exitCode } = await server.run('flock /run/portward.lock portward apply --yes', {
      allowFailure: true,
    })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/another portward/)
  })

  it('is not kept out by the lock of somebody who is not root', async () => {
    const { stderr } = await server.run(
      'setpriv --reuid 65534 --clear-groups flock /run/portward.lock portward plan',
      { allowFailure: true },
    )
    expect(stderr).toMatch(/Permission denied/)
  })

  it('refuses to apply without a terminal and without --yes', async () => {
    await server.run(DRIFT)
    const { stderr, exitCode } = await server.run('portward apply', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/--yes/)
  })

  it('undoes an apply in the middle on a signal', async () => {
    await server.run(DRIFT)
    const before = await manifest(server, WATCHED)
    const { stdout } = await server.run(`
      rm -f /run/out
      portward apply --yes >/run/out 2>&1 & pid=$!
      until grep -qs ' waiting until' /run/out; do sleep 0.02; done
      kill -INT $pid; wait $pid; echo "exit $?"; cat /run/out`)
    expect(stdout).toMatch(/^exit 1$/m)
    expect(stdout).toMatch(/^\S+ \S+ \S+ finishing this step, then undoing everything$/m)
    expect(stdout).toMatch(/interrupted \(its changes have been rolled back\)/)
    expect(changedPaths(before, await manifest(server, WATCHED))).toEqual([])
  })

  it('keeps mode, owner, attributes and symbolic links of what it writes; its rollback is not left half done for a closed terminal', async () => {
    await server.run(`${DRIFT}
      mv /etc/hosts.allow /srv/hosts.allow && ln -s ../srv/hosts.allow /etc/hosts.allow
      sed -i --follow-symlinks /192.168.1.0/d /etc/hosts.allow
      chmod 0640 /srv/hosts.allow && chown root:adm /srv/hosts.allow && setfattr -n user.note -v kept /srv/hosts.allow`)
    const before = await manifest(server, `${WATCHED} /srv`)
    await applyUnproven(server)
    expect(changedPaths(before, await manifest(server, `${WATCHED} /srv`))).toContain('/srv/hosts.allow')
    expect((await server.run('readlink /etc/hosts.allow')).stdout).toBe('../srv/hosts.allow')
    expect((await server.run('stat -c "%a %G" /srv/hosts.allow')).stdout).toBe('640 adm')
    expect((await server.run('getfattr --only-values -n user.note /srv/hosts.allow')).stdout).toBe('kept')

    const { stdout } = await server.run(`
      rm -f /run/out
      portward rollback --yes >/run/out 2>&1 & pid=$!
      until grep -qs ' rolling back:' /run/out; do sleep 0.02; done
      kill -HUP $pid; wait $pid; echo "exit $?"; cat /run/out`)
    expect(stdout).toMatch(/^exit 0$/m)
    expect(changedPaths(before, await manifest(server, `${WATCHED} /srv`))).toEqual([])
  })

  it('does not overwrite a file that somebody has changed since the plan was shown', async () => {
    await server.run('sed -i --follow-symlinks /192.168.1.0/d /etc/hosts.allow')
    const file = (await server.run('readlink -f /etc/hosts.allow')).stdout
    const { stdout, exitCode } = await server.run(
      `rm -f /run/typed
       { until grep -q 'Apply these' /run/typed; do sleep 0.05; done; echo '# theirs' >>${file}; echo y; while pgrep -x script; do sleep 0.1; done; } 2>/dev/null |
         script -qefc 'portward apply' /run/typed`,
      { allowFailure: true },
    )
    expect(stdout).toMatch(/hosts\.allow was changed since the plan was made/)
    expect(exitCode).toBe(1)
    expect(await server.readText(file)).toMatch(/^# theirs$/m)
  })

  it('asks on a terminal, and does what it is told: a daemon that died behind its unit is started', async () => {
    await server.run(`${DRIFT}; pkill -x portsentry; while pgrep -x portsentry; do sleep 0.1; done`)
    const answer = (word: string) =>
      server.run(`echo ${word} | script -qec 'portward apply' /dev/null`, { allowFailure: true })
    const refused = await answer('n')
    expect(refused.stdout).toMatch(/restart +portsentry: is not running/)
    expect(refused.stdout).toMatch(
      /\d+ changes: [\s\S]*Apply these changes to this server\?[\s\S]*nothing was changed/,
    )
    expect(refused.exitCode).toBe(1)
    expect((await server.run('pgrep -x portsentry || true')).stdout).toBe('')
    expect((await answer('y')).exitCode).toBe(0)
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

  it('sets a banned host free, in every place, when it comes to the whitelist', async () => {
    await expectBanned(server)
    await expectHeld(server, '203.0.113.9')
    const config = await server.readText('/root/config.env')
    await server.write('/root/config.env', `${config}WHITELIST=203.0.113.9\n`)
    expect(await portward(server, 'apply --yes', 0)).toMatch(/release +203\.0\.113\.9/)
    await portward(server, 'plan', 0)
    expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
    const { stdout } = await server.run(`${LIST_BANS}; fail2ban-client status portsentry`)
    expect(stdout).not.toContain('203.0.113.9')
    await server.attacker.scan('203.0.113.1', [1, 7, 111])
    expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
  })

  it('puts everything back when fail2ban refuses the configuration or a daemon does not come up', async () => {
    await server.write('/etc/fail2ban/jail.d/broken.conf', '[broken\nenabled = true\n', 0o644)
    await server.run(DRIFT)
    const before = await manifest(server, WATCHED)
    const refused = await server.run('portward apply --yes', { allowFailure: true })
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(
      /^\/etc\/fail2ban\/jail\.d\/broken\.conf:1: fail2ban does not start because of this/m,
    )
    expect(changedPaths(before, await manifest(server, WATCHED))).toEqual([])
    await server.run('rm /etc/fail2ban/jail.d/broken.conf')
    const unbroken = await manifest(server, WATCHED)
    // Filters are judged by fail2ban alone.
    await server.write('/etc/fail2ban/filter.d/portsentry.local', '[Definition\nfailregex = x\n', 0o644)
    const judged = await server.run('portward apply --yes', { allowFailure: true })
    expect(judged.exitCode).toBe(1)
    expect(judged.stderr).toMatch(/fail2ban refuses/)
    await server.run('rm /etc/fail2ban/filter.d/portsentry.local')
    expect(changedPaths(unbroken, await manifest(server, WATCHED))).toEqual([])

    await server.run('chmod -x /usr/sbin/portsentry; sed -i s/atcp/stcp/ /etc/default/portsentry')
    const earlier = await manifest(server, '/etc')
    const failed = await server.run('portward apply --yes', { allowFailure: true })
    expect(failed.exitCode).toBe(1)
    expect(failed.stderr).toMatch(/rolled back/)
    expect(changedPaths(earlier, await manifest(server, '/etc'))).toEqual([])
    await server.run('chmod +x /usr/sbin/portsentry')
  })

  it('is not stopped by a reader that goes away', async () => {
    await server.run(DRIFT)
    await server.run('portward apply --yes 2>&1 | head -1')
    await portward(server, 'plan', 0)
  })
})

describeServers('a failing apply on Debian 13', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ suite: 'trixie', floor: 'provisioned' })
    await provide(server)
  })
  afterAll(() => server?.stop())

  it('restores the units: which ones run, and which start at boot', async () => {
    const units = async () =>
      (await server.run('ps -o args= -C portsentry | sort; ls /etc/systemd/system/multi-user.target.wants'))
        .stdout
    const before = await units()
    const files = await manifest(server, '/etc')
    const config = await server.readText('/root/config.env')
    await server.write('/root/config.env', `${config}TCP_MODE=stcp\nBANTIME=2d\n`)
    // fail2ban can be tested, but its server does not start: that shows only when portsentry has been restarted.
    await server.run('chmod -x /usr/bin/fail2ban-server')
    const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/fail2ban/)
    expect(await units()).toBe(before)
    await server.write('/root/config.env', config)
    expect(changedPaths(files, await manifest(server, '/etc'))).toEqual([])
    await server.run('chmod +x /usr/bin/fail2ban-server')
  })
})
