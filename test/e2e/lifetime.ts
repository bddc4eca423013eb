import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Suite } from './harness/base-image.ts'
import { eventually } from './harness/eventually.ts'
import { addresses } from './harness/network.ts'
import { startListener } from './harness/peer.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  addAttacker,
  expectBanned,
  expectCutOff,
  expectSpared,
  OPEN_PORT,
  portward,
  provide,
} from './scenario.ts'

const LAN = 'LAN_IP=192.168.1.10\nLAN_NM=24\n'
const PLACES = ['fail2ban', 'blocked-file', 'hosts.deny', 'firewall']
/** What is missing is put back every minute. */
const PATIENCE = { timeoutMs: 100_000, intervalMs: 1000 }
const PUBLISHED = 8081

interface Backend {
  readonly name: 'iptables' | 'nft' | 'route'
  readonly attacker: string
  /** What an admin's own rules are, before portward comes and after it. */
  readonly before: string
  readonly after: string
  /** Lists the bans, an address or more a line. */
  readonly list: string
  /** Somebody else's reload of the firewall, which knows nothing of bans. */
  readonly reload: string
}

const OWN_TABLE = 'table inet own { chain input { type filter hook input priority filter; accept; }; }'

const BACKENDS: readonly Backend[] = [
  {
    name: 'iptables',
    attacker: '203.0.113.101',
    before: `iptables -N WHITELIST; iptables -A WHITELIST -s 192.168.1.20 -j ACCEPT; iptables -A INPUT -j WHITELIST; iptables -A INPUT -p tcp --dport ${OPEN_PORT} -j ACCEPT`,
    // Behind the whitelist, ahead of the bans: overtaken, and not lost.
    after: `iptables -I INPUT 2 -p tcp --dport ${OPEN_PORT} -j ACCEPT; sh /etc/portward/firewall sync; test $(iptables -S INPUT | grep -c 'dport ${OPEN_PORT} -j ACCEPT') = 2`,
    list: 'iptables -S PORTWARD',
    reload: `printf '%s\\n' '*filter' ':INPUT ACCEPT' ':FORWARD ACCEPT' ':OUTPUT ACCEPT' '-A INPUT -p tcp --dport ${OPEN_PORT} -j ACCEPT' COMMIT | iptables-restore`,
  },
  {
    name: 'nft',
    attacker: '203.0.113.102',
    before: `nft '${OWN_TABLE}'`,
    after: ':',
    list: 'nft list set inet portward banned',
    reload: `nft "flush ruleset; ${OWN_TABLE}"`,
  },
  {
    name: 'route',
    attacker: '203.0.113.103',
    before: 'iptables -F; iptables -X',
    after: ':',
    list: 'ip route show type blackhole',
    reload: 'ip route flush type blackhole',
  },
]

interface Row {
  readonly address: string
  readonly places: readonly { readonly place: string }[]
  readonly missing: readonly string[]
}

/** The life of a ban on one release, with each way to ban. */
export const describeLifetime = (suite: Suite, units: readonly string[]): void => {
  describeServers(`one ban, one life, on ${suite}`, () => {
    let server: Server

    const rowOf = async (address: string): Promise<Row | undefined> =>
      JSON.parse(await portward(server, 'bans --json', 0)).bans.find((row: Row) => row.address === address)
    const expectEverywhere = (address: string) =>
      eventually(
        `${address} is banned in every place`,
        async () => {
          const row = await rowOf(address)
          // portsentry writes itself a second line where it had forgotten the first one, and the sync had not yet.
          const places = new Set(row?.places.map(({ place }) => place))
          return row?.missing.length === 0 && places.size === PLACES.length
        },
        PATIENCE,
      )
    const countIn = async (command: string, address: string): Promise<number> =>
      (await server.run(command)).stdout.split(address).length - 1
    /** Neither twice in one place nor in one that it should have left. */
    const expectCount = async ({ list, attacker }: Backend, count: number): Promise<void> => {
      expect(await countIn(list, attacker)).toBe(count)
      expect(await countIn('cat /etc/hosts.deny', attacker)).toBe(count)
    }
    const expectReleased = async (backend: Backend): Promise<void> => {
      const { attacker } = backend
      await eventually('it is banned nowhere', async () => (await rowOf(attacker)) === undefined, PATIENCE)
      await expectCount(backend, 0)
      expect(await server.attacker.reaches(OPEN_PORT, { source: attacker })).toBe(true)
    }
    const configure = async (config: string): Promise<void> => {
      await server.write('/root/config.env', LAN + config, 0o600)
      await portward(server, 'apply --yes', 0)
    }

    beforeAll(async () => {
      server = await startServer({ suite, floor: 'installed' })
      await provide(server)
      await server.run(
        'DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends iptables nftables',
      )
    })
    afterAll(() => server?.stop())

    for (const backend of BACKENDS) {
      const { name, attacker, before, after, list, reload } = backend
      const config = `BAN_BACKEND=${name}\n`

      it(`${name}: bans once, in every place, whatever the admin's own rules accept, and never the LAN`, async () => {
        await addAttacker(server, attacker)
        await server.run(before)
        await configure(config)
        await server.run(after)
        await portward(server, 'plan', 0)
        await expectSpared(server)
        await expectBanned(server, attacker, [1])
        await expectSpared(server)
        await expectEverywhere(attacker)
        await expectCount(backend, 1)
      })

      it(`${name}: has the same after more scans and restarts of both daemons`, async () => {
        await server.attacker.scan('203.0.113.1', [1, 7, 111], { source: attacker })
        await server.run(`systemctl restart ${units.join(' ')} fail2ban`)
        await expectCutOff(server, attacker)
        await server.attacker.scan('203.0.113.1', [1, 7, 111], { source: attacker })
        await expectEverywhere(attacker)
        await expectCount(backend, 1)
      })

      it(`${name}: has it back after somebody else's reload of the firewall`, async () => {
        // In one go, and not during a sync: it may be made anew at any moment.
        await server.run('systemctl stop portward-sync.timer portward-sync.service')
        expect(await countIn(`${reload}; ${list} || true`, attacker)).toBe(0)
        await server.run('systemctl start portward-sync.timer')
        // Every minute by itself: waited for once.
        if (name !== 'iptables') await server.run('systemctl start portward-sync')
        await expectEverywhere(attacker)
        await expectCutOff(server, attacker)
        await expectSpared(server)
        await expectCount(backend, 1)
        await portward(server, 'plan', 0)
      })

      it(`${name}: has it in every place after a reboot, before anybody scans`, async () => {
        await server.reboot()
        await addAttacker(server, attacker)
        expect(await server.attacker.reaches(OPEN_PORT, { source: attacker, timeoutMs: 1000 })).toBe(false)
        await expectEverywhere(attacker)
        await expectCount(backend, 1)
        await portward(server, 'plan', 0)
      })

      it(`${name}: lets go of it everywhere when fail2ban is told to, and bans its next scan`, async () => {
        await server.run(`fail2ban-client set portsentry unbanip ${attacker}`)
        await expectReleased(backend)
        await expectBanned(server, attacker, [1])
        await expectEverywhere(attacker)
        await server.run('fail2ban-client unban --all')
        // Its stop would have to wait for a child that stays.
        expect((await server.run("pgrep -fa '[p]ortward/firewall flush$' || true")).stdout).toBe('')
        await expectReleased(backend)
      })

      it(`${name}: lets go of it everywhere at the ban's end, bans its next scan, and for longer`, async () => {
        await configure(`${config}BANTIME=10\n`)
        await expectBanned(server, attacker, [1])
        await expectReleased(backend)
        await expectBanned(server, attacker, [1])
        await eventually('fail2ban has it again, for longer', async () => {
          const { stdout } = await server.run(
            `fail2ban-client get portsentry banip --with-time | grep '^${attacker}'`,
          )
          return Number(/ \+ (\d+) = /.exec(stdout)?.[1]) > 10
        })
        await expectReleased(backend)
      })
    }

    it('bans for ever with BANTIME=-1, and releases whoever is added to the whitelist at once', async () => {
      const host = '203.0.113.104'
      await addAttacker(server, host)
      await configure('BANTIME=-1\n')
      await expectBanned(server, host, [1])
      await expectEverywhere(host)
      expect((await server.run(`grep '^${host}' /var/lib/portward/bans`)).stdout).toBe(`${host} 0`)
      await configure(`BANTIME=-1\nWHITELIST=${host}\n`)
      expect(await rowOf(host)).toBeUndefined()
      expect(await server.attacker.reaches(OPEN_PORT, { source: host })).toBe(true)
      await server.attacker.scan('203.0.113.1', [1, 7, 111], { source: host })
      expect(await server.attacker.reaches(OPEN_PORT, { source: host })).toBe(true)
    })

    it('covers ports that are published as Docker does it', async () => {
      const [host, source] = ['203.0.113.105', { source: '203.0.113.105' }]
      const stop = await startListener(server.lan.namespace, PUBLISHED)
      try {
        await addAttacker(server, host)
        await server.lan.exec('ip', 'route', 'replace', '203.0.113.0/24', 'via', addresses.server.lan)
        await execa('ip', [
          'netns',
          'exec',
          server.network.server,
          'sysctl',
          '-q',
          '-w',
          'net.ipv4.ip_forward=1',
        ])
        await server.run(`
          iptables -t nat -A PREROUTING -d 203.0.113.1 -p tcp --dport ${PUBLISHED} -j DNAT --to-destination ${addresses.lan.v4}:${PUBLISHED}
          iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -I FORWARD -j DOCKER-USER
          iptables -I FORWARD 2 -p tcp --dport ${PUBLISHED} -j ACCEPT`)
        expect(await portward(server, 'plan', 2)).toMatch(/make +the place of the bans/)
        for (const name of ['iptables', 'nft', 'route']) {
          await configure(`BAN_BACKEND=${name}\n`)
          expect(await server.attacker.reaches(PUBLISHED, source)).toBe(true)
          await expectBanned(server, host, [1])
          await eventually('the published port is closed', async () => {
            const reached = await server.attacker.reaches(PUBLISHED, { ...source, timeoutMs: 1000 })
            return !reached
          })
          await eventually(
            'fail2ban has it, too',
            async () => (await rowOf(host))?.missing.length === 0,
            PATIENCE,
          )
          await portward(server, `unban ${host}`, 0)
        }
      } finally {
        await stop()
      }
    })

    it('is gone without a trace after a rollback', async () => {
      await portward(server, 'rollback 1 --yes', 0)
      const { stdout } = await server.run(
        'iptables-save; ip6tables-save; nft list ruleset; systemctl list-units --all "portward*"; ls /etc /var/lib/portward; find /etc/systemd',
      )
      expect(stdout).not.toMatch(/PORTWARD|inet portward|portward-|^portward$|^bans$/m)
    })
  })
}
