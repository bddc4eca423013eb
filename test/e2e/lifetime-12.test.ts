import { expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { describeLifetime } from './lifetime.ts'
import {
  addAttacker,
  expectBanned,
  expectBannedAgain,
  expectBannedEverywhere,
  expectBannedNowhere,
  expectCutOff,
  expectSpared,
  OPEN_PORT,
  portward,
} from './scenario.ts'

describeServers('one ban, one life, on Debian 12', () => {
  const { server, configure } = describeLifetime('bookworm', ['portsentry'])

  it('rejects with BAN_TARGET=REJECT, and bans permanently with BANTIME=-1', async () => {
    const attacker = '203.0.113.104'
    await addAttacker(server(), attacker)
    await configure('BAN_BACKEND=ipset\nBAN_TARGET=REJECT\nBANTIME=-1\n')
    await expectBanned(server(), attacker, [1])
    await expectBannedEverywhere(server(), attacker)
    expect(await server().attacker.connect('203.0.113.1', OPEN_PORT, { source: attacker })).toBe('refused')
    expect((await server().run('ipset save portward-hosts4')).stdout).toContain(`${attacker} timeout 0`)
    await expectSpared(server())
    await portward(server(), 'plan', 0)
  })

  it('drops where this kernel or iptables does not take the target, and says so', async () => {
    await server().write('/root/config.env', 'LAN_IP=192.168.1.10\nLAN_NM=24\nBAN_TARGET=TARPIT\n', 0o600)
    const { stdout, stderr } = await server().run('portward plan --format diff', { allowFailure: true })
    expect(stderr).toMatch(/warning: the target TARPIT is not accepted .*: bans use DROP/)
    expect(stdout).toMatch(/^\+-A PORTWARD -m set --match-set portward-hosts4 src -j DROP$/m)
  })

  it('bans by routes: through a flush of them and a reboot, until fail2ban releases the host', async () => {
    const attacker = '203.0.113.103'
    await configure('BAN_BACKEND=route\n')
    expect((await server().run('ipset list -name; iptables-save')).stdout).not.toMatch(/portward/i)
    await addAttacker(server(), attacker)
    await expectBanned(server(), attacker, [1])
    await expectBannedEverywhere(server(), attacker)
    await expectSpared(server())
    await server().run('ip route flush type blackhole; systemctl reload portward-bans')
    await expectCutOff(server(), attacker)
    await server().reboot()
    await addAttacker(server(), attacker)
    expect(await server().attacker.reaches(OPEN_PORT, { source: attacker, timeoutMs: 1000 })).toBe(false)
    await expectBannedEverywhere(server(), attacker)
    const { verdict } = JSON.parse(await portward(server(), `explain ${attacker} --json`, 0))
    expect(verdict).toBe('banned')
    await portward(server(), `unban ${attacker}`, 0)
    await expectBannedNowhere(server(), attacker)
    await expectBannedAgain(server(), attacker)
    await server().run('fail2ban-client unban --all')
    await expectBannedNowhere(server(), attacker)
    expect(await server().attacker.reaches(OPEN_PORT, { source: attacker })).toBe(true)
  })

  it('leaves KILL_ROUTE to a command of the admin', async () => {
    const attacker = '203.0.113.94'
    await addAttacker(server(), attacker)
    await configure(
      "KILL_ROUTE='/usr/sbin/iptables -I INPUT -s $TARGET$ -m comment --comment mine -j DROP'\n",
    )
    await expectBanned(server(), attacker)
    expect((await server().run('iptables -S INPUT')).stdout).toMatch(
      /-s 203\.0\.113\.94\/32 -m comment --comment mine -j DROP/,
    )
    await expectSpared(server())
    await portward(server(), 'plan', 0)
  })

  it('leaves the firewall alone with BAN_BACKEND=none: portsentry writes hosts.deny', async () => {
    const attacker = '203.0.113.95'
    await addAttacker(server(), attacker)
    await configure('BAN_BACKEND=none\n')
    await server().attacker.scan('203.0.113.1', [1], { source: attacker })
    await eventually('it is denied', async () =>
      (await server().readText('/etc/hosts.deny')).includes(`ALL: ${attacker} : DENY`),
    )
    expect(await server().attacker.reaches(OPEN_PORT, { source: attacker })).toBe(true)
    const { stdout } = await server().run(
      'nft list ruleset; ip route show type blackhole; ls /etc/systemd/system /etc/portward; systemctl list-units --all "portward*"',
    )
    expect(stdout).not.toMatch(/PORTWARD|inet portward|blackhole|portward-bans|rules\.|bans\.conf/)
    await portward(server(), 'plan', 0)
  })
})
