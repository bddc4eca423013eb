import { afterAll, beforeAll, expect, it } from 'vitest'
import { getKey, parsePortsentryConf } from '../../src/documents/portsentry-conf.ts'
import { CONF, edit, followArticle, HOSTS, KEYS, lan, MODES, STATES } from '../starting-states.ts'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectSpared, OPEN_PORT, portward, provide, STOP_PORTSENTRY } from './scenario.ts'
import { applyUnproven, installFaults } from './sweep/faults.ts'

/** What only the daemons can say: whether they read it as test/plan/convergence.test.ts does, which takes all states. */
const WITNESSES = new Set([
  'the stock files',
  'the article, applied twice',
  'CRLF everywhere',
  'Latin-1 bytes, tabs and blank lines',
])

/** What each consumer makes of its file: the shell, the daemons, libwrap, fail2ban. */
const meaning = async (server: Server) => {
  const say = async (command: string) => (await server.run(command, { allowFailure: true })).stdout
  const conf = parsePortsentryConf((await server.read(CONF)).toString('latin1'), '1.2')
  const wrappers = HOSTS.map((address) => say(`tcpdmatch sshd ${address} 2>&1 | grep -E '^access|warning'`))
  return {
    modes: await say(`. ${MODES}; echo "$TCP_MODE $UDP_MODE"`),
    keys: Object.fromEntries(KEYS.map((key) => [key, getKey(conf, key)])),
    ignored: (await say('grep -E "^[0-9]" /etc/portsentry/portsentry.ignore | sort -u'))
      .replaceAll('\r', '')
      .split('\n'),
    wrappers: await Promise.all(wrappers),
    jails: (await say('fail2ban-client -d 2>/dev/null | grep -E "\'(portsentry|sshd)\'"')).split('\n').sort(),
    daemons: await say('ps -o args= -C portsentry | sort'),
    loaded: await say('fail2ban-client status | grep "Jail list"'),
  }
}

describeServers('Debian 12 from whatever was there before', () => {
  let server: Server
  let reference: unknown

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server)
    await installFaults(server)
    await server.run('cp -a /etc /srv/stock')
  })
  afterAll(() => server?.stop())

  it.each(STATES.filter(({ name }) => WITNESSES.has(name)))(
    'comes to the same from $name',
    async ({ make, config, meant }) => {
      await server.run(`rm -rf /etc/fail2ban/jail.d ${CONF} ${MODES} && cp -a /srv/stock/. /etc/`)
      await make(server)
      await server.write('/root/config.env', config ?? lan('192.168.1.10', '255.255.255.0'), 0o600)
      // Who is refused before hosts.allow is asked would be refused whatever it says.
      await server.write('/etc/hosts.deny', 'ALL: ALL\n', 0o644)
      await applyUnproven(server)
      const result = await meaning(server)
      reference ??= result
      const ignored = result.ignored.filter((entry) => entry !== meant)
      expect(ignored).toHaveLength(result.ignored.length - (meant === undefined ? 0 : 1))
      expect({ ...result, ignored }).toEqual(reference)
      expect(JSON.stringify(result)).not.toMatch(/warning/)
    },
  )

  it('means what it should', () => {
    expect(reference).toMatchObject({
      modes: 'atcp audp',
      keys: { BLOCK_TCP: '1', BLOCK_UDP: '1', RESOLVE_HOST: '0', KILL_HOSTS_DENY: undefined },
      wrappers: [
        'access:   granted',
        'access:   granted',
        'access:   granted',
        'access:   denied',
        'access:   denied',
      ],
      daemons: '/usr/sbin/portsentry -atcp\n/usr/sbin/portsentry -audp',
    })
  })

  it('sets LAN peers free that the article got banned, and bans the attacker', async () => {
    await server.run(`rm -rf /etc/fail2ban/jail.d ${CONF} ${MODES} && cp -a /srv/stock/. /etc/`)
    await followArticle(server, '192.168.1.10', '255.255.255.0')
    // With a target that the kernel takes, the article's command works: on everybody.
    await edit(server, CONF, (text) => text.replaceAll('-j CHAOS"', '-j DROP"'))
    // Its init script does not wait for the new daemons to watch, either.
    await server.run(`${STOP_PORTSENTRY}
      cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p'); systemctl start portsentry
      until [ "$(journalctl -q --after-cursor="$cursor" -t portsentry | grep -c 'now active')" = 2 ]; do sleep 0.1; done`)
    await server.lan.scan('192.168.1.10', [1])
    await eventually(
      'the LAN is cut off',
      async () => !(await server.lan.reaches(OPEN_PORT, { timeoutMs: 1000 })),
    )
    expect(await server.readText('/etc/hosts.deny')).toMatch(/^ALL: 192\.168\.1\.20 : DENY$/m)

    await server.write('/root/config.env', lan('192.168.1.10', '255.255.255.0'), 0o600)
    expect(await portward(server, 'apply --yes', 0)).toMatch(/release +192\.168\.1\.20/)
    expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
    expect(await server.readText('/etc/hosts.deny')).not.toContain('192.168.1.20')
    await expectBanned(server)
    await expectSpared(server)
    await portward(server, 'plan', 0)
  })
})
