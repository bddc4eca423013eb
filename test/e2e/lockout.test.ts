import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { install } from './harness/floors.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { openTmux } from './harness/tmux.ts'
import { changedPaths, expectBanned, manifest, OPEN_PORT, portward, provide } from './scenario.ts'

const WATCHED = '/etc /var/lib /root'
const OFFICE = addresses.attacker.v4
/** Of the same machine: the server's way out. */
const ROUTER = addresses.attacker.other
const SSH_PORT = 2222

const CONNECTION = `${OFFICE} 51000 ${addresses.server.wan} ${SSH_PORT}`

/** A connection to sshd that stays, as that of a session does; returns its end. */
const holdSession = (server: Server): (() => void) => {
  const connect = `require('node:net').connect({ host: '${addresses.server.wan}', port: ${SSH_PORT}, localAddress: '${OFFICE}' })`
  const child = spawn('ip', ['netns', 'exec', server.attacker.namespace, process.execPath, '-e', connect], {
    stdio: 'ignore',
  })
  return () => child.kill('SIGKILL')
}

describeServers('who must not be locked out', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server)
    await server.run(install('openssh-server'))
    await server.run(
      `printf 'Port %s\nLoginGraceTime 0\n' ${SSH_PORT} >>/etc/ssh/sshd_config && systemctl restart ssh`,
    )
    await server.run(`ip route add default via ${ROUTER}`)
  })
  afterAll(() => server?.stop())

  const expectRefused = async (command: string, env: Record<string, string> = {}): Promise<void> => {
    const before = await manifest(server, WATCHED)
    const { exitCode, stderr } = await server.run(command, { env, allowFailure: true })
    expect(stderr).toContain(`an SSH session comes from ${OFFICE}, which is not protected`)
    expect(stderr).toMatch(new RegExp(`add ${OFFICE.replaceAll('.', '\\.')} to WHITELIST, .*--allow-lockout`))
    expect(exitCode).toBe(1)
    expect(changedPaths(before, await manifest(server, WATCHED))).toEqual([])
  }

  it('proposes a config.env that protects the LAN and this session', async () => {
    const config = '/root/config.env'
    const before = await server.readText(config)
    onTestFinished(() => server.write(config, before, 0o600))
    await server.run(`rm ${config}`)
    const env = { SSH_CONNECTION: CONNECTION }
    const values = 'LAN_IP=192.168.1.10 LAN_NM=255.255.255.0 WHITELIST=fd00:1::/64'
    const planned = await server.run('portward plan', { allowFailure: true })
    expect(planned.stderr).toContain(
      `${config}: does not exist — run portward init, which proposes ${values}; or`,
    )
    expect(planned.exitCode).toBe(78)
    onTestFinished(holdSession(server))
    await eventually('sshd has the connection', async () =>
      (await server.run('cat /proc/net/tcp /proc/net/tcp6')).stdout.includes(' 01 '),
    )
    const argv = ['nsenter', '-t', String(server.leader()), '-a', 'env', `SSH_CONNECTION=${CONNECTION}`]
    const tmux = await openTmux([...argv, '/usr/local/bin/portward', 'init'], { columns: 80 })
    expect(await tmux.shows('> 192.168.1.10/24 (lan0)')).toContain(
      `\n           ${OFFICE}: your SSH session comes from there (wan0)\n`,
    )
    await tmux.press('Enter')
    await tmux.shows(`[x] ${OFFICE}`)
    await tmux.press('Enter')
    await tmux.shows('(Enter: none)')
    await tmux.press('Enter')
    await tmux.shows('(Y/n)')
    await tmux.press('Enter')
    expect(await tmux.ended()).toBe(0)
    const asked = await server.readText(config)
    expect(asked).toContain(`\nWHITELIST='fd00:1::/64 ${OFFICE}'\n`)
    await server.run(`rm ${config}`)
    await server.run('portward init --defaults', { env })
    expect(await server.readText(config)).toBe(asked)
    expect((await server.run(`stat -c '%a %U' ${config}`)).stdout).toBe('600 root')
    const { stderr, exitCode } = await server.run('portward plan', { env, allowFailure: true })
    expect(stderr).not.toContain('not protected')
    expect(exitCode).toBe(2)
  })

  it('plans with a warning for this session, and does not apply', async () => {
    const env = { SSH_CONNECTION: CONNECTION }
    const { exitCode, stderr } = await server.run('portward plan', { env, allowFailure: true })
    expect(stderr).toMatch(/warning: an SSH session comes from 203\.0\.113\.9/)
    expect(exitCode).toBe(2)
    await expectRefused('portward apply --yes', env)
  })

  it('sees the session through a shell without its environment, as sudo and su give one', async () => {
    await expectRefused('env -i PATH="$PATH" portward apply --yes; exit $?', { SSH_CONNECTION: CONNECTION })
  })

  it('sees the session by its connection, as from tmux, whose environment is that of another one', async () => {
    const end = holdSession(server)
    try {
      await eventually('sshd has the connection', async () =>
        (await server.run('cat /proc/net/tcp /proc/net/tcp6')).stdout.includes(' 01 '),
      )
      await expectRefused('portward apply --yes', { SSH_CONNECTION: '192.168.1.20 51000 192.168.1.10 22' })
      await expectRefused('portward apply --yes')
      await portward(server, 'apply --yes --allow-lockout', 0)
    } finally {
      end()
    }
  })

  it('never bans the default gateway, and bans others', async () => {
    expect(await server.readText('/etc/portsentry/portsentry.ignore')).toContain(`${ROUTER}/32`)
    await server.attacker.scan(addresses.server.wan, [1, 7, 111], { source: ROUTER })
    await expectBanned(server, OFFICE)
    // fail2ban reads the history in order: by now it has read what it would have banned the router for.
    expect(await server.attacker.reaches(OPEN_PORT, { source: ROUTER })).toBe(true)
    await portward(server, 'plan', 0)
  })

  it('refuses links that somebody else controls', async () => {
    await server.run('mkdir -p /srv/bob && mv /etc/hosts.allow /srv/bob/hosts.allow && chown 1000 /srv/bob')
    await server.run('ln -s hosts.allow /srv/bob/link && ln -s /srv/bob/link /etc/hosts.allow')
    const { exitCode, stderr } = await server.run('portward plan', { allowFailure: true })
    expect(stderr).toMatch(/\/etc\/hosts\.allow leads through the symbolic link \/srv\/bob\/link/)
    expect(exitCode).toBe(1)
    await server.run('rm /etc/hosts.allow && mv /srv/bob/hosts.allow /etc/hosts.allow')
    await portward(server, 'plan', 0)
  })
})
