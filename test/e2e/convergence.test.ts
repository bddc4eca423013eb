import { afterAll, beforeAll, expect, it } from 'vitest'
import { getKey, parsePortsentryConf } from '../../src/documents/portsentry-conf.ts'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectSpared, OPEN_PORT, portward, provide, STOP_PORTSENTRY } from './scenario.ts'

const CONF = '/etc/portsentry/portsentry.conf'
const MODES = '/etc/default/portsentry'
const ALLOW = '/etc/hosts.allow'
const IGNORE = '/etc/portsentry/portsentry.ignore.static'
const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'

const edit = async (server: Server, path: string, change: (text: string) => string): Promise<void> => {
  await server.write(path, Buffer.from(change((await server.read(path)).toString('latin1')), 'latin1'))
}

/** What a pass of the old article does to the files; each further pass does it to the result. */
const followArticle = async (server: Server, address: string, netmask: string): Promise<void> => {
  await edit(server, MODES, (text) => text.replace('"tcp"', '"atcp"').replace('"udp"', '"audp"'))
  await edit(server, CONF, (text) =>
    text
      .replace(/^BLOCK_(...)="0"/gm, 'BLOCK_$1="1"')
      .replace('RESOLVE_HOST = "0"', 'RESOLVE_HOST = "1"')
      .replace(/^KILL_ROUTE/gm, '#KILL_ROUTE')
      .replace(/^#?(KILL_ROUTE="\/sbin\/iptables -I INPUT -s \$TARGET\$ -j) DROP"/gm, '$1 CHAOS"'),
  )
  await edit(server, ALLOW, (text) => `${text}ALL: ${address}/${netmask}\n`)
  await edit(server, IGNORE, (text) => `${text}${address}/${netmask}\n`)
  await server.write(JAIL, 'enabled = true\n', 0o644)
}

/** All lines end in CRLF. */
const withCarriageReturns = (text: string): string => text.replace(/\r?\n/g, '\r\n')

interface State {
  readonly name: string
  readonly make: (server: Server) => Promise<void>
  readonly config?: string
  /** A host that the admin's own ignore list means, in a form that portsentry does not read: it is spared afterwards. */
  readonly meant?: string
}

const lan = (address: string, netmask: string) => `LAN_IP=${address}\nLAN_NM=${netmask}\n`

const STATES: readonly State[] = [
  { name: 'the stock files', make: async () => {} },
  {
    name: 'the article, applied once',
    make: (server) => followArticle(server, '192.168.1.10', '255.255.255.0'),
  },
  {
    name: 'the article, applied twice',
    make: async (server) => {
      await followArticle(server, '192.168.1.10', '255.255.255.0')
      await followArticle(server, '192.168.1.10', '255.255.255.0')
    },
  },
  {
    name: 'the article with LAN_NM=/24',
    make: (server) => followArticle(server, '192.168.1.10', '/24'),
    config: lan('192.168.1.10', '/24'),
  },
  {
    name: 'the article with LAN_NM=24',
    make: (server) => followArticle(server, '192.168.1.10', '24'),
    config: lan('192.168.1.10', '24'),
  },
  {
    name: 'the article with empty variables',
    make: (server) => followArticle(server, '', ''),
    config: lan('192.168.1.0', '255.255.255.0'),
  },
  {
    name: 'CRLF everywhere',
    make: async (server) => {
      for (const path of [CONF, MODES, ALLOW, IGNORE]) await edit(server, path, withCarriageReturns)
    },
  },
  {
    name: 'duplicate and indented keys',
    make: async (server) => {
      await edit(
        server,
        CONF,
        (text) => `BLOCK_TCP="0"\n  BLOCK_UDP="1"\n${text}BLOCK_TCP="1"\nKILL_ROUTE="/bin/true"\n`,
      )
      await edit(server, MODES, (text) => `${text}TCP_MODE="tcp"\nTCP_MODE="stcp"\n`)
      await server.write(JAIL, '[portsentry]\nenabled = false\nbantime = 5\nenabled = false\n', 0o644)
    },
  },
  {
    name: 'no final newline anywhere',
    make: async (server) => {
      for (const path of [CONF, MODES, ALLOW, IGNORE]) await edit(server, path, (text) => text.trimEnd())
      await server.write(JAIL, '[portsentry]\nenabled = true', 0o644)
    },
  },
  {
    name: 'Latin-1 bytes, tabs and blank lines',
    make: async (server) => {
      await edit(
        server,
        CONF,
        (text) => `# d\xe9j\xe0 vu\n\t\n${text.replace('BLOCK_TCP="0"', 'BLOCK_TCP="\t1"')}`,
      )
      await edit(server, IGNORE, (text) => `# \xfc\n${text}  10.9.8.7\n`)
    },
    meant: '10.9.8.7',
  },
]

const KEYS = [
  'BLOCK_TCP',
  'BLOCK_UDP',
  'RESOLVE_HOST',
  'KILL_ROUTE',
  'KILL_HOSTS_DENY',
  'HISTORY_FILE',
  'SCAN_TRIGGER',
]

/** What each consumer makes of its file: the shell, the daemons, libwrap, fail2ban. */
const meaning = async (server: Server) => {
  const say = async (command: string) => (await server.run(command, { allowFailure: true })).stdout
  const conf = parsePortsentryConf((await server.read(CONF)).toString('latin1'), '1.2')
  const judged = ['192.168.1.20', '192.168.1.254', '127.0.0.1', '203.0.113.9', '10.9.8.7']
  const wrappers = judged.map((address) => say(`tcpdmatch sshd ${address} 2>&1 | grep -E '^access|warning'`))
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
    await server.run('cp -a /etc /srv/stock')
  })
  afterAll(() => server?.stop())

  it.each(STATES)('comes to the same from $name', async ({ make, config, meant }) => {
    await server.run(`rm -rf /etc/fail2ban/jail.d ${CONF} ${MODES} && cp -a /srv/stock/. /etc/`)
    await make(server)
    await server.write('/root/config.env', config ?? lan('192.168.1.10', '255.255.255.0'), 0o600)
    // Who is refused before hosts.allow is asked would be refused whatever it says.
    await server.write('/etc/hosts.deny', 'ALL: ALL\n', 0o644)
    await portward(server, 'apply --yes', 0)
    await portward(server, 'plan', 0)
    const result = await meaning(server)
    reference ??= result
    const ignored = result.ignored.filter((entry) => entry !== meant)
    expect(ignored).toHaveLength(result.ignored.length - (meant === undefined ? 0 : 1))
    expect({ ...result, ignored }).toEqual(reference)
    expect(JSON.stringify(result)).not.toMatch(/warning/)
  })

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
    expect(await portward(server, 'plan', 2)).toMatch(/release +192\.168\.1\.20/)
    await portward(server, 'apply --yes', 0)
    expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
    expect(await server.readText('/etc/hosts.deny')).not.toContain('192.168.1.20')
    await expectBanned(server)
    await expectSpared(server)
    await portward(server, 'plan', 0)
  })
})
