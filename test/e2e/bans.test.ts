import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  addAttacker,
  expectBanned,
  expectBannedEverywhere,
  expectHeld,
  expectSpared,
  OPEN_PORT,
  portward,
} from './scenario.ts'

const ALL = ['fail2ban', 'blocked-file', 'hosts.deny', 'firewall']
const CONF = '/etc/portsentry/portsentry.conf'

interface Row {
  readonly address: string
  readonly port: number
  readonly places: readonly { readonly place: string }[]
  readonly missing: readonly string[]
}

const { v4: attacker, v6: attacker6, other } = addresses.attacker

const startBanning = async (suite: 'bookworm' | 'testing'): Promise<Server> => {
  const server = await startServer({ suite, floor: 'provisioned' })
  await server.listen(OPEN_PORT)
  // What is damaged here is to stay so for a while.
  await server.run('systemctl stop portward-sync.timer')
  return server
}

const readRows = async (server: Server): Promise<ReadonlyMap<string, Row>> => {
  const { bans } = JSON.parse(await portward(server, 'bans --json', 0))
  return new Map(bans.map((row: Row) => [row.address, row]))
}

const placesOf = (row: Row | undefined) => row?.places.map(({ place }) => place)

const explain = async (server: Server, address: string) =>
  JSON.parse(await portward(server, `explain ${address} --json`, 0))

const expectQuiet = (server: Server): Promise<boolean> =>
  eventually('nothing is banning any more', async () => {
    const { stdout } = await server.run("pgrep -f '[f]irewall add' || true")
    return stdout === ''
  })

/** Until a host that has scanned is banned everywhere, and nothing is banning it any more. */
const settle = async (server: Server, address: string): Promise<void> => {
  await expectBannedEverywhere(server, address)
  await expectQuiet(server)
}

const ban = async (server: Server, address: string): Promise<void> => {
  await expectBanned(server, address, [1])
  await settle(server, address)
}

/** A TCP scan by one host and a UDP scan by another, and what `bans` says of the two. */
const banTwo = async (server: Server): Promise<ReadonlyMap<string, Row>> => {
  await ban(server, attacker)
  await server.attacker.sendUdp('203.0.113.1', 7, { source: other })
  await settle(server, other)
  const rows = await readRows(server)
  const common = { source: 'portsentry', missing: [], protectedBy: null }
  expect(rows.get(attacker)).toMatchObject({ ...common, port: 1, protocol: 'tcp' })
  expect(rows.get(other)).toMatchObject({ ...common, port: 7, protocol: 'udp' })
  expect(placesOf(rows.get(attacker))).toEqual(ALL)
  expect([...rows.keys()]).toEqual([attacker, other])
  return rows
}

/** That the kernel, the files and fail2ban themselves have nothing of the attacker. */
const expectReleased = async (server: Server): Promise<void> => {
  const { stdout } = await server.run(
    `iptables -S; ip6tables -S; cat /etc/hosts.deny; fail2ban-client get portsentry banip
    for file in /var/lib/portsentry/portsentry.blocked*; do od -An -v -tu1 $file | tr -s ' \\n' ' '; cat $file | tr -d '\\0'; done`,
  )
  expect(stdout).not.toMatch(/203[. ]0[. ]113[. ]9(?!\d)/)
}

/** Makes portsentry.conf one that the running daemon has not read; returns what explain then says of a stranger. */
const explainUnread = async (server: Server): Promise<string> => {
  await server.run(`cp -p ${CONF} /root/kept && echo 'KILL_RUN_CMD_FIRST="yes"' >>${CONF}`)
  const text = await portward(server, 'explain 198.51.100.77', 0)
  expect(text).toMatch(
    /is not banned; what a scan would lead to is not known: portsentry was started before \/etc\/portsentry\/portsentry\.conf changed$/m,
  )
  expect(text).not.toMatch(/gets it banned/)
  return text
}

/** A place, a host of the attacker's for it, and how somebody takes that host's ban away there by hand. */
const ACTION = 'fail2ban-client set portsentry action portward actionunban'
const DAMAGES: readonly (readonly [place: string, host: string, command: string])[] = [
  ['firewall', '203.0.113.91', 'iptables -D PORTWARD -s 203.0.113.91 -j DROP'],
  ['hosts.deny', '203.0.113.92', "sed -i '/203\\.0\\.113\\.92/d' /etc/hosts.deny"],
  [
    'fail2ban',
    '203.0.113.93',
    `${ACTION} : && fail2ban-client set portsentry unbanip 203.0.113.93 && ${ACTION} '/bin/sh /etc/portward/firewall del <ip>'`,
  ],
]

describeServers('bans, unban, explain and status on Debian 12', () => {
  let server: Server

  beforeAll(async () => {
    server = await startBanning('bookworm')
  })
  afterAll(() => server?.stop())

  it('knows of nobody at first, and names the commands that a stranger would meet', async () => {
    expect(await portward(server, 'bans', 0)).toBe('nobody is banned')
    expect(await portward(server, 'status', 0)).toMatch(/^bans +0 now; 0 noticed this week/m)
    const text = await portward(server, 'explain 198.51.100.77', 0)
    expect(text).toMatch(/^198\.51\.100\.77 is neither banned nor protected: the first packet/)
    expect(text).toMatch(/KILL_ROUTE runs: \/bin\/sh \/etc\/portward\/firewall add 198\.51\.100\.77 /)
  })

  it('shows a ban in all places, with the port that led to it', async () => {
    await expectSpared(server)
    await banTwo(server)
    const line = `^203\\.0\\.113\\.9 .* 1/tcp +portsentry \\(.*\\) +fail2ban, blocked file, hosts\\.deny, firewall$`
    expect(await portward(server, 'bans', 0)).toMatch(new RegExp(line, 'm'))
  })

  it('says where a ban is missing, and shows the last scans and the ports most scanned', async () => {
    for (const [, host, command] of DAMAGES) {
      await addAttacker(server, host)
      await ban(server, host)
      await server.run(command)
    }
    const rows = await readRows(server)
    const text = await portward(server, 'bans', 0)
    for (const [place, host] of DAMAGES) {
      expect(rows.get(host)).toMatchObject({ missing: [place] })
      expect(text).toMatch(new RegExp(`^${host} .*; MISSING in ${place}$`, 'm'))
    }
    const status = await portward(server, 'status', 0)
    expect(status).toMatch(/^bans +5 now, 3 NOT IN EVERY PLACE.*; 5 noticed this week/m)
    expect(status).toMatch(/^last scans +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d 203\.0\.113\.93 \d+\/tcp$/m)
    expect(status).toMatch(/^ports +1\/tcp \(4\), /m)
  })

  it('says that all are missing in a blocked file that was emptied', async () => {
    await server.run(': >/var/lib/portsentry/portsentry.blocked.atcp')
    const rows = await readRows(server)
    expect(rows.get(attacker)).toMatchObject({ port: 1, missing: ['blocked-file'] })
    for (const [place, host] of DAMAGES) {
      expect(rows.get(host)?.missing).toEqual(ALL.filter((one) => one === place || one === 'blocked-file'))
    }
  })

  it('has all of them whole again when the places are made to agree', async () => {
    const missing = async () => [...(await readRows(server)).values()].flatMap((row) => row.missing)
    await server.run('systemctl start portward-sync')
    expect(await missing()).toEqual(['fail2ban'])
    // A host that fail2ban does not hold is handed to it a minute later: it may just have been released. That minute is
    // over here. Nor while it may still be taking up what it held, which shows by a second look.
    await server.run(
      "systemctl start portward-sync && sed -i 's/ [0-9]*$/ 0/' /run/portward/unheld && systemctl start portward-sync",
    )
    await expectHeld(server, '203.0.113.93')
    expect(await missing()).toEqual([])
  })

  it('does not say what a scan leads to by files that the running portsentry has not read', async () => {
    // A mistake to 2.x alone.
    expect(await explainUnread(server)).not.toContain('would not start: ')
    await server.run(`cp -p /root/kept ${CONF}`)
  })

  it('releases everywhere: the attacker gets in, and a new scan bans it anew', async () => {
    const said = await portward(server, `unban ${attacker} ::ffff:${attacker}`, 0)
    expect(said.trim()).toBe('203.0.113.9: released from fail2ban, blocked file, hosts.deny, firewall')
    await expectReleased(server)
    expect(await explain(server, attacker)).toMatchObject({ verdict: 'would-be-banned', ban: null })
    await ban(server, attacker)
  })

  it('releases the new ban as well, leaves the others, and says so of a host that is banned nowhere', async () => {
    const said = await portward(server, `unban ${attacker}`, 0)
    expect(said).toMatch(/^203\.0\.113\.9: released from fail2ban, blocked file, hosts\.deny, firewall$/m)
    await expectReleased(server)
    expect(await portward(server, `unban ${attacker}`, 0)).toMatch(/^203\.0\.113\.9: was banned nowhere$/m)
    expect([...(await readRows(server)).keys()].sort()).toEqual([other, ...DAMAGES.map(([, host]) => host)])
  })

  it('releases at the other places where fail2ban does not answer, and says that it failed', async () => {
    await ban(server, attacker)
    await server.run('systemctl stop fail2ban')
    const { exitCode, stderr } = await server.run(`portward unban ${attacker}`, { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^fail2ban: fail2ban does not run, or does not answer — /m)
    await expectReleased(server)
    await server.run('systemctl start fail2ban')
    await portward(server, `unban ${attacker}`, 0)
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

  it('says that a ban keeps nobody out once somebody has emptied the firewall', async () => {
    const host = '203.0.113.96'
    await addAttacker(server, host)
    await ban(server, host)
    await server.run('iptables -F')
    expect(await server.attacker.reaches(OPEN_PORT, { source: host })).toBe(true)
    expect(await explain(server, host)).toMatchObject({
      verdict: 'banned-in-name',
      ban: { missing: ['firewall'] },
    })
    const said = await portward(server, `unban ${host}`, 0)
    expect(said).toMatch(/released from fail2ban, blocked file, hosts\.deny$/m)
  })
})

describeServers('bans, unban, explain and status on testing, with the records of portsentry 2.x', () => {
  let server: Server

  beforeAll(async () => {
    server = await startBanning('testing')
  })
  afterAll(() => server?.stop())

  it('shows a ban in all places, with the port that led to it, and what is missing where', async () => {
    await banTwo(server)
    await server.run(': >/var/lib/portsentry/portsentry.blocked')
    const rows = await readRows(server)
    for (const [host, port] of [
      [attacker, 1],
      [other, 7],
    ] as const)
      expect(rows.get(host)).toMatchObject({ port, missing: ['blocked-file'] })
    await server.run('systemctl start portward-sync')
    await expectBannedEverywhere(server, attacker)
  })

  it('does not say what a scan leads to by files that the running portsentry has not read', async () => {
    expect(await explainUnread(server)).toContain('would not start: ')
    const status = await portward(server, 'status', 1)
    expect(status).toContain('WOULD NOT START AGAIN: ')
    expect(status).toMatch(/^bans +2 now; 2 noticed this week/m)
    expect(status).toMatch(/^last scans +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d 203\.0\.113\.77 7\/udp$/m)
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
    expect(said).toMatch(/^203\.0\.113\.9: released from fail2ban, blocked file, hosts\.deny, firewall$/m)
    expect(said).toMatch(/^portsentry itself forgets it at its next restart/m)
    await expectReleased(server)
    expect(await explain(server, attacker)).toMatchObject({ verdict: 'would-be-banned', ban: null })
    await expectBanned(server, attacker, [1])
    await expectHeld(server, attacker)
    await expectQuiet(server)
    const row = (await readRows(server)).get(attacker)
    expect(placesOf(row)).toEqual(ALL.filter((place) => place !== 'blocked-file'))
    expect(row?.missing).toEqual(['blocked-file'])
    expect(await portward(server, `unban ${attacker}`, 0)).toMatch(
      /^203\.0\.113\.9: released from fail2ban, hosts\.deny, firewall$/m,
    )
    await expectReleased(server)
    expect(await portward(server, `unban ${attacker}`, 0)).toMatch(/^203\.0\.113\.9: was banned nowhere$/m)
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
    expect(said).toMatch(/^2001:db8::9: released from fail2ban, blocked file, hosts\.deny, firewall$/m)
    expect(await server.attacker.reaches(OPEN_PORT, { address: wan6 })).toBe(true)
  })
})
