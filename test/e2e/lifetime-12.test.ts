import { expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { describeLifetime, expectEnd, expectNoTrace, IPTABLES, ROUTE } from './lifetime.ts'
import {
  addAttacker,
  expectBanned,
  expectBannedEverywhere,
  expectBannedNowhere,
  OPEN_PORT,
  portward,
} from './scenario.ts'

describeServers('one ban, one life, on Debian 12', () => {
  const lifetime = describeLifetime('bookworm', ['portsentry'], [IPTABLES, ROUTE])
  const { server, configure } = lifetime
  const forEver = '203.0.113.104'

  it('bans for ever with BANTIME=-1', async () => {
    await addAttacker(server(), forEver)
    await expectBanned(server(), forEver, [1])
    await expectBannedEverywhere(server(), forEver)
    expect((await server().run(`grep '^${forEver}' /var/lib/portward/bans`)).stdout).toBe(`${forEver} 0`)
  })

  it('releases a host at once that is added to the whitelist, with another backend besides', async () => {
    await configure(`BANTIME=10\nBAN_TARGET=REJECT\nWHITELIST=${forEver}\n`)
    await expectBannedNowhere(server(), forEver)
    const source = { source: forEver }
    expect(await server().attacker.reaches(OPEN_PORT, source)).toBe(true)
    await server().attacker.scan('203.0.113.1', [1, 7, 111], source)
    expect(await server().attacker.reaches(OPEN_PORT, source)).toBe(true)
    await portward(server(), 'plan', 0)
  })

  it('rejects with BAN_TARGET=REJECT; lets go everywhere at the end, bans the next scan, and for longer', async () => {
    await expectEnd(lifetime, '203.0.113.105', 'iptables -S PORTWARD', /-s 203\.0\.113\.105\/32 -j REJECT/)
  })

  it('synchronizes every minute by itself', async () => {
    const timer = 'portward-sync.timer'
    expect((await server().run(`systemctl show -p TimersMonotonic ${timer}`)).stdout).toMatch(
      /OnUnitInactiveUSec=1min ;/,
    )
    await server().write(
      `/run/systemd/system/${timer}.d/soon.conf`,
      '[Timer]\nOnActiveSec=\nOnActiveSec=1\nAccuracySec=1ms\n',
    )
    await server().run(
      `systemctl daemon-reload; systemctl stop ${timer} portward-sync; iptables -F; systemctl start ${timer}`,
    )
    await eventually('the rules are back', async () =>
      (await server().run('iptables -S INPUT')).stdout.includes('-j PORTWARD'),
    )
    await server().run(`rm -r /run/systemd/system/${timer}.d; systemctl daemon-reload`)
  })

  it('is gone without a trace after a rollback', () => expectNoTrace(server()))
})
