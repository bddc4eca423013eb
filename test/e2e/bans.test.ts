import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { openTmux } from './harness/tmux.ts'
import {
  addAttacker,
  expectBanned,
  expectBannedEverywhere,
  expectHeld,
  expectSpared,
  installSshd,
  LIST_BANS,
  OPEN_PORT,
  portward,
} from './scenario.ts'
import { applyUnproven, installFaults } from './sweep/faults.ts'

const CONF = '/etc/portsentry/portsentry.conf'

interface Row {
  readonly address: string
  readonly port: number
  readonly where: readonly { readonly store: string }[]
  readonly missing: readonly string[]
}

const { v4: attacker, v6: attacker6, other } = addresses.attacker

const startBanning = async (suite: 'bookworm' | 'testing'): Promise<Server> => {
  const server = await startServer({ suite, floor: 'provisioned' })
  await server.listen(OPEN_PORT)
  return server
}

const readRows = async (server: Server): Promise<ReadonlyMap<string, Row>> => {
  const { bans } = JSON.parse(await portward(server, 'bans --json', 0))
  return new Map(bans.map((row: Row) => [row.address, row]))
}

/** portsentry's own list is one of them at times: 1.2's is emptied at each ban and release, 2.x does not enter a host twice. */
const storesOf = (row: Row | undefined) =>
  row?.where.map(({ store }) => store).filter((store) => store !== 'blocked-file')

const explain = async (server: Server, address: string) =>
  JSON.parse(await portward(server, `explain ${address} --json`, 0))

const ban = async (server: Server, address: string): Promise<void> => {
  await expectBanned(server, address, [1])
  await expectBannedEverywhere(server, address)
}

/** A TCP scan by one host and a UDP scan by another, and what `bans` says of the two. */
const banTwo = async (server: Server, stores: readonly string[]): Promise<void> => {
  await ban(server, attacker)
  await server.attacker.sendUdp('203.0.113.1', 7, { source: other })
  await expectBannedEverywhere(server, other)
  const rows = await readRows(server)
  const common = { source: 'portsentry', missing: [], protectedBy: null }
  expect(rows.get(attacker)).toMatchObject({ ...common, port: 1, protocol: 'tcp' })
  expect(rows.get(other)).toMatchObject({ ...common, port: 7, protocol: 'udp' })
  expect(storesOf(rows.get(attacker))).toEqual(stores)
  expect([...rows.keys()]).toEqual([attacker, other])
}

/** What `report` says of the scans and bans so far, which the history and fail2ban's database have, and its page. */
const reportScans = async (server: Server) => {
  const report = JSON.parse(await portward(server, 'report --since 1h --json', 0))
  expect(report).toMatchObject({
    ...{ history: { state: 'read' }, database: { state: 'read' }, exact: true },
    totals: { hosts: 2, bans: 2, bannedHosts: 2 },
    networks: [{ network: '203.0.113.0/24', hosts: { atLeast: 2 } }],
  })
  const ports = report.ports.map(
    ({ port, protocol }: { port: number; protocol: string }) => `${port}/${protocol}`,
  )
  expect(ports).toEqual(['1/tcp', '7/udp'])
  await portward(server, 'report --html /root/report.html', 0)
  const { stdout } = await server.run('stat -c %a /root/report.html; grep -c "<svg" /root/report.html')
  expect(stdout).toMatch(/^600\n[1-9]\d*$/)
  return report
}

/** That the kernel, the files and fail2ban themselves have nothing of the attacker. */
const assumeReleased = async (server: Server): Promise<void> => {
  const { stdout } = await server.run(
    `${LIST_BANS}; cat /etc/hosts.deny /run/portward/denied; fail2ban-client get portsentry banip
    for file in /var/lib/portsentry/portsentry.blocked*; do od -An -v -tu1 $file | tr -s ' \\n' ' '; cat $file | tr -d '\\0'; done`,
  )
  expect(stdout).not.toMatch(/203[. ]0[. ]113[. ]9(?!\d)/)
}

/** Makes portsentry.conf one that the running daemon has not read; returns what explain then says of an unprotected host. */
const explainUnread = async (server: Server): Promise<string> => {
  await server.run(`cp -p ${CONF} /root/kept && echo 'KILL_RUN_CMD_FIRST="yes"' >>${CONF}`)
  const text = await portward(server, 'explain 198.51.100.77', 0)
  expect(text).toMatch(
    /is not banned; cannot determine what a scan would lead to: portsentry was started before \/etc\/portsentry\/portsentry\.conf changed$/m,
  )
  expect(text).not.toMatch(/gets it banned/)
  return text
}

/** A store, a host of the attacker's for it, and how somebody takes that host's ban away there by hand. */
const DAMAGES: readonly (readonly [store: string, host: string, command: string])[] = [
  ['firewall', '203.0.113.91', 'ipset del portward-hosts4 203.0.113.91'],
  ['hosts.deny', '203.0.113.92', "sed -i '/203\\.0\\.113\\.92/d' /run/portward/denied"],
  [
    'fail2ban',
    '203.0.113.93',
    'fail2ban-client set portsentry unbanip 203.0.113.93 && ipset add portward-hosts4 203.0.113.93 && echo 203.0.113.93 >>/run/portward/denied',
  ],
]

/** What a command shows in a terminal of the server. No line was broken by the terminal itself. */
const onScreen = async (server: Server, columns: number, command: string) => {
  const enter = ['nsenter', '-t', String(server.leader()), '-a']
  const env = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
  const tmux = await openTmux([...enter, 'portward', ...command.split(' ')], { columns, env })
  const status = await tmux.ended()
  const text = await tmux.everything()
  expect(text.split('\n').filter((line) => line.length > columns)).toEqual([])
  return { status, text, colored: await tmux.colored() }
}

describeServers('bans, unban, explain and status on Debian 12', () => {
  let server: Server

  beforeAll(async () => {
    server = await startBanning('bookworm')
    await installSshd(server)
    await installFaults(server)
    await applyUnproven(server)
  })
  afterAll(() => server?.stop())

  it('shows no ban at first, and names the commands that an unprotected host would meet', async () => {
    expect(await portward(server, 'bans', 0)).toBe('no host is banned')
    expect(await portward(server, 'status', 0)).toMatch(
      /^bans +0 hosts banned; 0 hosts detected in the last 7 days/m,
    )
    const text = await portward(server, 'explain 198.51.100.77', 0)
    expect(text).toMatch(/^198\.51\.100\.77 is not banned and not protected: the first packet/)
    expect(text).toMatch(/KILL_ROUTE runs: ipset add portward-hosts4 198\.51\.100\.77 timeout 86400/)
  })

  it('shows a ban in all stores, with the port that led to it', async () => {
    await expectSpared(server)
    await banTwo(server, ['fail2ban', 'hosts.deny', 'firewall'])
    const line = `^203\\.0\\.113\\.9 .* 1/tcp +portsentry.* fail2ban, (?:blocked file, )?hosts\\.deny, firewall$`
    expect(await portward(server, 'bans', 0)).toMatch(new RegExp(line, 'm'))
  })

  it('reports them', async () => {
    expect(await reportScans(server)).toMatchObject({ totals: { scans: 2, records: 2 } })
  })

  it('says where a ban is missing, and shows the last scans and the ports most scanned', async () => {
    for (const [, host, command] of DAMAGES) {
      await addAttacker(server, host)
      await ban(server, host)
      await server.run(command)
    }
    const rows = await readRows(server)
    const text = await portward(server, 'bans', 0)
    for (const [store, host] of DAMAGES) {
      expect(rows.get(host)).toMatchObject({ missing: [store] })
      expect(text).toMatch(new RegExp(`^${host} .*; MISSING in ${store}$`, 'm'))
    }
    const status = await portward(server, 'status', 0)
    expect(status).toMatch(
      /^bans +5 hosts banned, 3 of them NOT EVERYWHERE.*; 5 hosts detected in the last 7 days/m,
    )
    expect(status).toMatch(/^last scans +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} 203\.0\.113\.93 \d+\/tcp$/m)
    expect(status).toMatch(/^ports +1\/tcp \(4\), /m)
  })

  it('shows all of it readably in a narrow and in a wide terminal', async () => {
    const shown = async (columns: number) => {
      const status = await onScreen(server, columns, 'status')
      expect(status.text).toMatch(
        /^healthy: both daemons run and watch, 5 hosts banned, 3 of them\s+NOT EVERYWHERE,/,
      )
      expect(status.colored).toContain('\u001b[32mhealthy')
      const check = await onScreen(server, columns, 'status --check')
      expect([check.status, check.text]).toEqual([
        0,
        expect.stringMatching(/^healthy: [^\n]*(?:\n {2}[^\n]*)?$/),
      ])
      const verified = await onScreen(server, columns, 'verify')
      expect(verified.text).toMatch(/^pass {2}the server is as config\.env says\n {6}in sync\n/)
      expect(verified.colored).toMatch(/\u001b\[32mpass\u001b\[(?:0|39)m/)
      const bans = await onScreen(server, columns, 'bans')
      expect(bans.colored).toContain('\u001b[31mMISSING in firewall')
      const generations = await onScreen(server, columns, 'generations')
      expect(generations.text).toMatch(/^ +1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} {2}applied\n/m)
      const explained = await onScreen(server, columns, `explain ${attacker}`)
      expect(explained.text).toMatch(/^203\.0\.113\.9 is banned since /)
      // The kernel counts down in whole seconds: the end of a ban is known to the second only.
      return [bans, generations, explained].map(({ text }) =>
        text.replace(/\d\d:\d\d:\d\d/g, 'TIME').split(/\s+/),
      )
    }
    expect(await shown(80)).toEqual(await shown(200))
  })

  it('has them in the kernel and for hosts.deny again, those that fail2ban has, when all are loaded anew', async () => {
    await server.run('systemctl reload portward-bans')
    const rows = await readRows(server)
    const missing = [...rows].filter(([, row]) => row.missing.length > 0)
    expect(missing.map(([host]) => host)).toEqual(['203.0.113.93'])
  })

  it('does not say what a scan leads to by files that the running portsentry has not read', async () => {
    // A mistake to 2.x alone.
    expect(await explainUnread(server)).not.toContain('would not start: ')
    await server.run(`cp -p /root/kept ${CONF}`)
  })

  it('releases everywhere: the attacker gets in, and a new scan bans it anew', async () => {
    const said = await portward(server, `unban ${attacker} ::ffff:${attacker}`, 0)
    expect(said.trim()).toMatch(
      /^203\.0\.113\.9: released from fail2ban, (?:blocked file, )?hosts\.deny, firewall$/,
    )
    await assumeReleased(server)
    expect(await explain(server, attacker)).toMatchObject({ verdict: 'would-be-banned', ban: null })
    await ban(server, attacker)
  })

  it('releases the new ban as well, leaves the others, and says so of a host that was not banned', async () => {
    const said = await portward(server, `unban ${attacker}`, 0)
    expect(said).toMatch(
      /^203\.0\.113\.9: released from fail2ban, (?:blocked file, )?hosts\.deny, firewall$/m,
    )
    await assumeReleased(server)
    expect(await portward(server, `unban ${attacker}`, 0)).toMatch(/^203\.0\.113\.9: was not banned$/m)
    expect([...(await readRows(server)).keys()].sort()).toEqual([other, ...DAMAGES.map(([, host]) => host)])
  })

  it('releases in the other stores where fail2ban does not answer, and says that it failed', async () => {
    await ban(server, attacker)
    await server.run('systemctl stop fail2ban')
    const { exitCode, stderr } = await server.run(`portward unban ${attacker}`, { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^fail2ban: fail2ban is not running, or does not answer — /m)
    await assumeReleased(server)
    expect(await portward(server, 'status --check --quiet', 2)).toMatch(
      /^NOT protected as config\.env asks: fail2ban is not running(?:; drift: \d+ changes?)?; not checked: bans in fail2ban$/,
    )
    await server.run('systemctl start fail2ban')
    await portward(server, `unban ${attacker}`, 0)
    expect(await portward(server, 'status --check --quiet', 0)).toBe('')
    expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
  })

  it('shows what protects a host that is banned all the same, and where that stands', async () => {
    const peer = addresses.lan.v4
    await server.run(
      `fail2ban-client set portsentry delignoreip 192.168.1.0/24 && fail2ban-client set portsentry banip ${peer}`,
    )
    const { verdict, protectors, daemons, ban: row } = await explain(server, peer)
    expect(verdict).toBe('protected-but-banned')
    expect(row).toMatchObject({
      source: 'by hand',
      protectedBy: expect.stringMatching(/^\/root\/config\.env:1: LAN_IP/),
    })
    expect(protectors[0].at).toEqual({ path: '/root/config.env', line: 1 })
    expect(daemons.ignoredBy).toMatch(/^\/etc\/portsentry\/portsentry\.ignore:\d+ \(192\.168\.1\.0\/24\)$/)
    await portward(server, `unban ${peer}`, 0)
    expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
  })

  it('says that a ban is not in force once somebody has emptied the firewall', async () => {
    const host = '203.0.113.96'
    await addAttacker(server, host)
    await ban(server, host)
    // Each minute the unit puts emptied rules back: not meanwhile.
    await server.run('systemctl kill -s STOP portward-bans && iptables -t raw -F')
    expect(await server.attacker.reaches(OPEN_PORT, { source: host })).toBe(true)
    expect(await explain(server, host)).toMatchObject({ verdict: 'ban-not-in-force' })
    await server.run('systemctl kill -s CONT portward-bans')
    const said = await portward(server, `unban ${host}`, 0)
    expect(said).toMatch(/released from fail2ban, (?:blocked file, )?hosts\.deny, firewall$/m)
  })
})

describeServers('bans, unban, explain and status on testing, with the records of portsentry 2.x', () => {
  let server: Server

  beforeAll(async () => {
    server = await startBanning('testing')
  })
  afterAll(() => server?.stop())

  it('shows a ban in all stores, with the port that led to it', async () => {
    await banTwo(server, ['fail2ban', 'firewall'])
  })

  it('reports them, with the kinds of scan that portsentry 2.x records', async () => {
    const { scanTypes, history } = await reportScans(server)
    expect(scanTypes.map(({ type }: { type: string }) => type)).toEqual(['TCP SYN/Normal scan', 'UDP'])
    expect(history.emptiedAtStart).toBe(true)
  })

  it('does not say what a scan leads to by files that the running portsentry has not read', async () => {
    expect(await explainUnread(server)).toContain('would not start: ')
    const status = await portward(server, 'status', 1)
    expect(status).toContain('WOULD NOT START AGAIN: ')
    expect(status).toMatch(/^bans +2 hosts banned; 2 hosts detected in the last 7 days/m)
    expect(status).toMatch(/^last scans +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} 203\.0\.113\.77 7\/udp$/m)
    expect(status).toMatch(/^ports +(?=.*\b1\/tcp \(1\))(?=.*\b7\/udp \(1\))/m)
    await server.run(`cp -p /root/kept ${CONF}`)
  })

  it('says what protects a LAN peer, and where that stands', async () => {
    const { verdict, protectors, daemons } = await explain(server, addresses.lan.v4)
    expect(verdict).toBe('protected')
    expect(protectors[0].at).toEqual({ path: '/root/config.env', line: 1 })
    expect(daemons.ignoredBy).toMatch(/^\/etc\/portsentry\/portsentry\.ignore:\d+ \(192\.168\.1\.0\/24\)$/)
  })

  it('releases everywhere, and says what portsentry keeps in mind: its record lacks the next ban', async () => {
    const said = await portward(server, `unban ${attacker}`, 0)
    expect(said).toMatch(/^203\.0\.113\.9: released from fail2ban, (?:blocked file, )?firewall$/m)
    expect(said).toMatch(/^portsentry itself forgets it at its next restart/m)
    await assumeReleased(server)
    expect(await explain(server, attacker)).toMatchObject({ verdict: 'would-be-banned', ban: null })
    await ban(server, attacker)
    const row = (await readRows(server)).get(attacker)
    expect(row).toMatchObject({ missing: [] })
    expect(row?.where.map(({ store }) => store)).toEqual(['fail2ban', 'firewall'])
    expect(await portward(server, `unban ${attacker}`, 0)).toMatch(
      /^203\.0\.113\.9: released from fail2ban, firewall$/m,
    )
    await assumeReleased(server)
    expect(await portward(server, `unban ${attacker}`, 0)).toMatch(/^203\.0\.113\.9: was not banned$/m)
  })

  it('does all of it for an IPv6 attacker', async () => {
    const { wan6 } = addresses.server
    await server.attacker.scan(wan6, [1])
    await expectHeld(server, attacker6)
    await eventually('it is banned everywhere', async () => {
      const { verdict, ban: row } = await explain(server, attacker6)
      return verdict === 'banned' && row.missing.length === 0
    })
    const said = await portward(server, 'unban 2001:DB8:0::9', 0)
    expect(said).toMatch(/^2001:db8::9: released from fail2ban, (?:blocked file, )?firewall$/m)
    expect(await server.attacker.reaches(OPEN_PORT, { address: wan6 })).toBe(true)
  })
})
