import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Suite } from './harness/base-image.ts'
import { eventually } from './harness/eventually.ts'
import { DEFAULT_CONFIG, install } from './harness/floors.ts'
import { addresses } from './harness/network.ts'
import { startListener } from './harness/peer.ts'
import { type Server, startServer } from './harness/server.ts'
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

/** A port of the server that leads to a service behind it, as Docker publishes the ports of its containers. */
const PUBLISHED = 8081

export interface Backend {
  readonly name: 'iptables' | 'nft' | 'route'
  readonly attacker: string
  /** Applied first, where it is not what the server has anyway. */
  readonly config?: string
  /** What an admin's own rules are, before portward's are made and after. */
  readonly before: string
  readonly after: string
  /** Lists the bans, an address or more a line. */
  readonly list: string
  /** Somebody else's reload of the firewall, which knows nothing of bans. */
  readonly reload: string
  /** The rule that `explain` names. */
  readonly rule: RegExp | null
}

export const IPTABLES: Backend = {
  name: 'iptables',
  attacker: '203.0.113.101',
  before: `iptables -N WHITELIST; iptables -A WHITELIST -s 192.168.1.20 -j ACCEPT; iptables -A INPUT -j WHITELIST; iptables -A INPUT -p tcp --dport ${OPEN_PORT} -j ACCEPT`,
  // Behind the whitelist, ahead of the bans: overtaken, and not lost.
  after: `iptables -I INPUT 2 -p tcp --dport ${OPEN_PORT} -j ACCEPT; sh /etc/portward/firewall sync; test $(iptables -S INPUT | grep -c 'dport ${OPEN_PORT} -j ACCEPT') = 2`,
  list: 'iptables -S PORTWARD',
  reload: `printf '%s\\n' '*filter' ':INPUT ACCEPT' ':FORWARD ACCEPT' ':OUTPUT ACCEPT' '-A INPUT -p tcp --dport ${OPEN_PORT} -j ACCEPT' COMMIT | iptables-restore`,
  rule: /^iptables -A PORTWARD -s 203\.0\.113\.101\/32 -j DROP$/,
}

const OWN_TABLE = 'table inet own { chain input { type filter hook input priority filter; accept; }; }'

export const NFT: Backend = {
  name: 'nft',
  attacker: '203.0.113.102',
  config: 'BAN_BACKEND=nft\n',
  before: `${install('nftables')} && nft '${OWN_TABLE}'`,
  after: ':',
  list: 'nft list set inet portward banned',
  reload: `nft "flush ruleset; ${OWN_TABLE}"`,
  rule: /^nft inet portward decide: ip saddr @banned drop # handle \d+$/,
}

/** Bans for ever, too. */
export const ROUTE: Backend = {
  name: 'route',
  attacker: '203.0.113.103',
  config: 'BAN_BACKEND=route\nBANTIME=-1\n',
  before: ':',
  after: ':',
  list: 'ip route show type blackhole',
  reload: 'ip route flush type blackhole',
  rule: null,
}

/** A server where bans live and die, and what tests of that share. */
export interface Lifetime {
  readonly server: () => Server
  /** Applies this config.env. */
  readonly configure: (config: string) => Promise<void>
  readonly expectReleased: (attacker: string) => Promise<void>
}

/** Boots the server, and declares the life of a ban with each of these backends. */
export const describeLifetime = (
  suite: Suite,
  units: readonly string[],
  backends: readonly Backend[],
): Lifetime => {
  let server: Server
  let stopListener: (() => Promise<void>) | undefined

  const configure = async (config: string): Promise<void> => {
    await server.write('/root/config.env', DEFAULT_CONFIG + config, 0o600)
    await portward(server, 'apply --yes', 0)
  }
  const countIn = async (command: string, address: string): Promise<number> =>
    (await server.run(command)).stdout.split(address).length - 1
  /** Neither twice in one list nor in one that it should have left. */
  const expectCount = async ({ list, attacker }: Backend, count: number): Promise<void> => {
    expect(await countIn(list, attacker)).toBe(count)
    expect(await countIn('cat /etc/hosts.deny', attacker)).toBe(count)
  }
  const expectReleased = async (attacker: string): Promise<void> => {
    await expectBannedNowhere(server, attacker)
    expect(await server.attacker.reaches(OPEN_PORT, { source: attacker })).toBe(true)
  }
  /** Publishes a port of the LAN peer with Docker's rules. */
  const publish = async (): Promise<void> => {
    await server.lan.exec('ip', 'route', 'replace', '203.0.113.0/24', 'via', addresses.server.lan)
    const inServer = ['netns', 'exec', server.network.server]
    await execa('ip', [...inServer, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1'])
    await server.run(`
      iptables -t nat -A PREROUTING -d 203.0.113.1 -p tcp --dport ${PUBLISHED} -j DNAT --to-destination ${addresses.lan.v4}:${PUBLISHED}
      iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -I FORWARD -j DOCKER-USER
      iptables -I FORWARD 2 -p tcp --dport ${PUBLISHED} -j ACCEPT`)
  }

  beforeAll(async () => {
    server = await startServer({ suite, floor: 'provisioned' })
    await server.listen(OPEN_PORT)
    stopListener = await startListener(server.lan.namespace, PUBLISHED)
  })
  afterAll(async () => {
    await server?.stop()
    await stopListener?.()
  })

  for (const backend of backends) {
    const { name, attacker, config, before, after, list, reload, rule } = backend

    it(`${name}: bans once, everywhere, whatever the admin's own rules accept, and never the LAN`, async () => {
      await addAttacker(server, attacker)
      if (config === undefined) {
        await server.run(`systemctl stop portward-firewall; ${before}; systemctl start portward-firewall`)
      } else {
        await server.run(before)
        await configure(config)
      }
      await server.run(after)
      await portward(server, 'plan', 0)
      await publish()
      if (name === 'iptables')
        expect(await portward(server, 'plan', 2)).toMatch(/make +the place of the bans/)
      await server.run('sh /etc/portward/firewall sync')
      expect(await server.attacker.reaches(PUBLISHED, { source: attacker })).toBe(true)
      await expectSpared(server)
      await expectBanned(server, attacker, [1])
      await expectSpared(server)
      await eventually('the published port is closed', async () => {
        const reached = await server.attacker.reaches(PUBLISHED, { source: attacker, timeoutMs: 1000 })
        return !reached
      })
      await expectBannedEverywhere(server, attacker)
      await expectCount(backend, 1)
    })

    it(`${name}: has the same after more scans and restarts of both daemons`, async () => {
      await server.attacker.scan('203.0.113.1', [1, 7, 111], { source: attacker })
      await server.run(`systemctl restart ${units.join(' ')} fail2ban`)
      await expectCutOff(server, attacker)
      await server.attacker.scan('203.0.113.1', [1, 7, 111], { source: attacker })
      await expectBannedEverywhere(server, attacker)
      await expectCount(backend, 1)
    })

    it(`${name}: has it back after somebody else's reload of the firewall`, async () => {
      // In one go, and not during a sync: it may be made anew at any moment.
      await server.run('systemctl stop portward-sync.timer portward-sync.service')
      expect(await countIn(`${reload}; ${list} || true`, attacker)).toBe(0)
      await server.run('systemctl start portward-sync')
      await expectBannedEverywhere(server, attacker)
      await expectCutOff(server, attacker)
      await expectSpared(server)
      await expectCount(backend, 1)
      await server.run('sh /etc/portward/firewall check && systemctl start portward-sync.timer')
    })

    it(`${name}: has it everywhere after a reboot, before anybody scans`, async () => {
      await server.reboot()
      await addAttacker(server, attacker)
      expect(await server.attacker.reaches(OPEN_PORT, { source: attacker, timeoutMs: 1000 })).toBe(false)
      await expectBannedEverywhere(server, attacker)
      await expectCount(backend, 1)
      await portward(server, 'plan', 0)
    })

    it(`${name}: says what keeps it out, and releases it everywhere by unban`, async () => {
      const { verdict, filters } = JSON.parse(await portward(server, `explain ${attacker} --json`, 0))
      expect(verdict).toBe('banned')
      const decided = filters.find(({ outcome }: { outcome: string }) => outcome !== 'accept')
      if (rule === null) expect(decided).toBeUndefined()
      else expect(decided.by).toMatch(rule)
      await portward(server, `unban ${attacker}`, 0)
      await expectReleased(attacker)
      await expectCount(backend, 0)
      await expectBannedAgain(server, attacker)
    })

    it(`${name}: lets go of it everywhere when fail2ban is told to, and bans its next scan`, async () => {
      await server.run(`fail2ban-client set portsentry unbanip ${attacker}`)
      await expectReleased(attacker)
      await expectCount(backend, 0)
      await expectBannedAgain(server, attacker)
      await server.run('fail2ban-client unban --all')
      // Its stop would have to wait for a child that stays.
      expect((await server.run("pgrep -fa '[p]ortward/firewall flush$' || true")).stdout).toBe('')
      await expectReleased(attacker)
      await expectCount(backend, 0)
    })
  }

  return { server: () => server, configure, expectReleased }
}

/** The end of a ban, where BANTIME=10; what this command then says of the next one. */
export const expectEnd = async (
  { server, expectReleased }: Lifetime,
  attacker: string,
  list: string,
  shown: RegExp,
): Promise<void> => {
  await addAttacker(server(), attacker)
  await expectBanned(server(), attacker, [1])
  await expectReleased(attacker)
  await expectBanned(server(), attacker, [1])
  await eventually('fail2ban has it again, for longer', async () => {
    const { stdout } = await server().run(
      `fail2ban-client get portsentry banip --with-time | grep '^${attacker}'`,
    )
    return Number(/ \+ (\d+) = /.exec(stdout)?.[1]) > 10
  })
  expect((await server().run(list)).stdout).toMatch(shown)
  await expectReleased(attacker)
}

/** The end of portward on a server. */
export const expectNoTrace = async (server: Server): Promise<void> => {
  await portward(server, 'rollback 1 --yes', 0)
  const { stdout } = await server.run(
    'iptables-save; ip6tables-save; nft list ruleset; systemctl list-units --all "portward*"; ls /etc /var/lib/portward; find /etc/systemd',
  )
  expect(stdout).not.toMatch(/PORTWARD|inet portward|portward-|^portward$|^bans$/m)
}
