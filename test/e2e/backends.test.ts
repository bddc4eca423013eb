import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { addAttacker, expectBanned, expectSpared, OPEN_PORT, portward, provide } from './scenario.ts'

const LAN = 'LAN_IP=192.168.1.10\nLAN_NM=24\n'

/** A way to ban, a fresh attacker for it, and what then shows the ban. */
const BACKENDS: readonly (readonly [config: string, attacker: string, command: string, shown: RegExp])[] = [
  ['BAN_TARGET=REJECT\n', '203.0.113.81', 'iptables -S PORTWARD', /-s 203\.0\.113\.81\/32 -j REJECT/],
  ['BAN_TARGET=TARPIT\n', '203.0.113.82', 'iptables -S PORTWARD', /-s 203\.0\.113\.82\/32 -j DROP/],
  [
    "KILL_ROUTE='/usr/sbin/iptables -I INPUT -s $TARGET$ -m comment --comment mine -j DROP'\n",
    '203.0.113.85',
    'iptables -S INPUT',
    /-s 203\.0\.113\.85\/32 -m comment --comment mine -j DROP/,
  ],
]

describeServers('the ways to ban, on Debian 12', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server)
  })
  afterAll(() => server?.stop())

  it.each(BACKENDS)('%j', async (config, attacker, command, shown) => {
    await addAttacker(server, attacker)
    await server.write('/root/config.env', LAN + config, 0o600)
    await portward(server, 'apply --yes', 0)
    await portward(server, 'plan', 0)
    await expectBanned(server, attacker)
    expect((await server.run(command)).stdout).toMatch(shown)
    await expectSpared(server)
    await portward(server, 'plan', 0)
  })

  it('BAN_BACKEND=none leaves the firewall alone and writes hosts.deny', async () => {
    const attacker = '203.0.113.86'
    await addAttacker(server, attacker)
    await server.write('/root/config.env', `${LAN}BAN_BACKEND=none\n`, 0o600)
    await portward(server, 'apply --yes', 0)
    await server.attacker.scan('203.0.113.1', [1], { source: attacker })
    await eventually('it is denied', async () =>
      (await server.readText('/etc/hosts.deny')).includes(`ALL: ${attacker} : DENY`),
    )
    expect(await server.attacker.reaches(OPEN_PORT, { source: attacker })).toBe(true)
  })
})
