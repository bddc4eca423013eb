import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Suite } from './harness/base-image.ts'
import { eventually } from './harness/eventually.ts'
import { DEFAULT_CONFIG } from './harness/floors.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectCutOff, expectSpared, OPEN_PORT, portward, provide } from './scenario.ts'

const ATTACKER = addresses.attacker.v4

/** A firewall manager of the admin: the real one, which drops everything except for the open port. */
interface Neighbour {
  readonly name: 'ufw' | 'firewalld'
  /** Succeeds once it is running. */
  readonly ready: string
  /** Lets portsentry 1.2 see the ports that it watches, as the warning advises; and no longer. */
  readonly showPorts: string
  readonly hidePorts: string
  /** Commands that make it write its rules again. */
  readonly renewals: readonly string[]
  readonly config: string
  /** What an apply says about it. */
  readonly warning: RegExp
}

const UFW: Neighbour = {
  name: 'ufw',
  ready: 'ufw status',
  showPorts: 'ufw allow 1:1023/tcp && ufw allow 1:1023/udp',
  hidePorts: 'ufw delete allow 1:1023/tcp && ufw delete allow 1:1023/udp',
  renewals: ['ufw reload', 'ufw disable', 'ufw --force enable', 'systemctl restart ufw'],
  config: DEFAULT_CONFIG,
  warning: /ufw is active: bans come before its rules/,
}

const FIREWALLD: Neighbour = {
  name: 'firewalld',
  ready: 'firewall-cmd --state',
  showPorts: 'firewall-cmd --permanent --add-port=1-1023/tcp --add-port=1-1023/udp && firewall-cmd --reload',
  hidePorts:
    'firewall-cmd --permanent --remove-port=1-1023/tcp --remove-port=1-1023/udp && firewall-cmd --reload',
  renewals: ['firewall-cmd --reload', 'systemctl restart firewalld'],
  config: DEFAULT_CONFIG,
  warning: /verified: \d+ passed, (?:0 warnings|1 warning), 0 failed/,
}

const describeNeighbour = (suite: Suite, neighbour: Neighbour, isWhole = true): void => {
  const { name, ready, showPorts, hidePorts, renewals, config, warning } = neighbour
  const isBlind = suite === 'bookworm'

  describeServers(`beside ${name}, on ${suite}`, () => {
    let server: Server
    /** The rules without counters. iptables makes empty tables and leaves them: they are there in each reading. */
    const rules = async (): Promise<string> =>
      (
        await server.run(
          'for program in iptables ip6tables; do $program -S; $program -t raw -P PREROUTING ACCEPT; done >/dev/null; nft -s list ruleset | grep -v "^#"; iptables-save | sed "s/\\[[0-9:]*\\]//; /^#/d"; ip6tables-save | sed "s/\\[[0-9:]*\\]//; /^#/d"; ipset list -name',
        )
      ).stdout
    let before: string

    beforeAll(async () => {
      server = await startServer({ suite, floor: name })
      await provide(server, config)
      // firewalld is up, for systemd, before it has made its rules.
      before = await eventually('its rules are there', async () => {
        await server.run(ready)
        const found = await rules()
        return found.includes(String(OPEN_PORT)) ? found : null
      })
    })
    afterAll(() => server?.stop())

    it('says what it means for bans, and is in sync after one apply', async () => {
      const { stdout, stderr, exitCode } = await server.run('portward apply --yes', { allowFailure: true })
      expect(exitCode).toBe(0)
      expect(stdout + stderr).toMatch(warning)
      if (isBlind)
        expect(stdout).toMatch(/^WARN {2}portsentry notices scans\n.*the firewall drops TCP connect scan/m)
      await portward(server, 'plan', 0)
    })

    if (isBlind)
      it('says that portsentry sees no scan, why, and what it sees once its ports are let through', async () => {
        expect(await portward(server, `explain ${ATTACKER}`, 0)).toMatch(
          /if the firewall lets that packet in, which was not checked/,
        )
        expect(await server.attacker.scan('203.0.113.1', [1, 7, 111])).not.toContain('open')
        expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
        await server.run(showPorts)
        // Both drop what conntrack calls invalid all the same.
        expect(await portward(server, 'verify', 0)).toMatch(
          /the firewall drops FIN scan, NULL scan, XMAS scan before this portsentry can see it/,
        )
      })

    it('bans a scanner, but not the LAN', async () => {
      await expectSpared(server)
      await expectBanned(server)
      await expectSpared(server)
    })

    if (!isWhole) return

    it.each(renewals)('keeps the scanner out through %s', async (renewal) => {
      await server.run(renewal)
      expect(await server.attacker.reaches(OPEN_PORT, { timeoutMs: 1000 })).toBe(false)
      expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
    })

    it('keeps it out through a reboot, and lets it in again when it is told to', async () => {
      await server.reboot()
      await expectCutOff(server)
      await portward(server, 'plan', 0)
      await portward(server, `unban ${ATTACKER}`, 0)
      await eventually('it gets in', () => server.attacker.reaches(OPEN_PORT))
    })

    it('is left as it was by a rollback', async () => {
      await portward(server, 'rollback --yes', 0)
      if (isBlind) await server.run(hidePorts)
      expect(await rules()).toBe(before)
    })
  })
}

describeNeighbour('bookworm', UFW)
// Its effect on portsentry 1.2, and how its rules are judged; its effect on bans is the same on testing.
describeNeighbour('bookworm', FIREWALLD, false)
describeNeighbour('testing', FIREWALLD)
