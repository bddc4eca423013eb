import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Suite } from '../harness/base-image.ts'
import { eventually } from '../harness/eventually.ts'
import { describeServers } from '../harness/requirements.ts'
import { type Server, startServer } from '../harness/server.ts'
import { changedPaths, manifest, OPEN_PORT, portward, provide } from '../scenario.ts'
import { readLiveState, readTransientState } from './live-state.ts'
import { expectAllPass, expectFailures, prove } from './proof.ts'
import { confine, KEEP_FILES, PUT_FILES_BACK, SABOTAGES, UNCONFINE } from './sabotages.ts'

const LAN = 'LAN_IP=192.168.1.10\nLAN_NM=24\n'

/** Somebody who is banned while an apply is at work. */
const STRANGER = '203.0.113.200'

/** The history of a release, and in Perl a line of it about the host `$a`, just now. */
const historyOf = (suite: Suite): { historyPath: string; line: string } =>
  suite === 'bookworm' || suite === 'trixie'
    ? {
        historyPath: '/var/lib/portsentry/portsentry.history',
        line: 'time, strftime(" - %m/%d/%Y %H:%M:%S", localtime), " Host: $a/$a Port: 11 TCP Blocked\\n"',
      }
    : {
        historyPath: '/var/log/portsentry.log',
        line: 'strftime("%Y-%m-%dT%H:%M:%S.000+0000", gmtime), " Scan from: [$a] ($a) protocol: [TCP] port: [11] type: [TCP SYN/Normal scan] IP opts: [not set] ignored: [false] triggered: [true] noblock: [true] blocked: [true]\\n"',
      }

/** What is configured, where, and which checks have something else to say than that all is well. */
const CONFIGURATIONS: readonly (readonly [
  suites: readonly Suite[],
  config: string,
  but: readonly RegExp[],
])[] = [
  [['bookworm'], 'BAN_BACKEND=nft\n', []],
  [['bookworm'], 'BAN_BACKEND=route\n', []],
  [['bookworm', 'testing'], 'TCP_MODE=tcp\nUDP_MODE=udp\nTCP_PORTS=1,7,111\nUDP_PORTS=7,9\n', []],
  [['bookworm', 'trixie', 'testing'], 'OBSERVE_ONLY=1\n', []],
  [['bookworm', 'trixie'], 'WHITELIST=10.20.0.0/16,203.0.113.77\n', []],
  [['testing'], 'WHITELIST=10.20.0.0/16,203.0.113.77,2001:db8:77::/64\n', []],
  // The last one: a KILL_RUN_CMD stays where config.env no longer speaks of it.
  [
    ['bookworm', 'testing'],
    "BLOCK_UDP=2\nMAXRETRY=60\nKILL_RUN_CMD='/bin/false # $TARGET$'\n",
    [/^warn commands: KILL_RUN_CMD ended with exit code 1: .*; in the lab it has no network/m],
  ],
]

/** How long after its start `verify` is killed, besides where its lab is known to be up. */
const MOMENTS_MS = [100, 300, 600, 900, 1200, 1600, 2000, 2500]

/** All that is tested of `portward verify` on one release. */
export const describeVerify = (suite: Suite): void => {
  describeServers(`portward verify on ${suite}`, () => {
    let server: Server

    const configure = (config: string) => server.write('/root/config.env', LAN + config, 0o600)
    /** Starts `verify` on its own, and gives its process id. */
    const start = async (): Promise<string> =>
      (await server.run('portward verify </dev/null >/dev/null 2>&1 & echo $!')).stdout
    /** Kills it, and waits until the server is as it was before. */
    const expectNoRemains = async (before: unknown, signal: string, pid: string): Promise<void> => {
      await server.run(`kill -${signal} ${pid}`, { allowFailure: true })
      let now: unknown
      const isGone = async () => {
        now = await readTransientState(server)
        return JSON.stringify(now) === JSON.stringify(before)
      }
      await eventually('all of it is gone', isGone).catch(() => undefined)
      expect(now).toEqual(before)
    }

    beforeAll(async () => {
      server = await startServer({ suite, floor: 'installed' })
      await provide(server, LAN)
      // What it makes every minute would pass for what verify has made.
      const rarely = '[Timer]\nOnActiveSec=\nOnActiveSec=1d\nOnUnitInactiveSec=\nOnUnitInactiveSec=1d\n'
      await server.write('/etc/systemd/system/portward-sync.timer.d/rarely.conf', rarely)
    })
    afterAll(() => server?.stop())

    it('is the end of an apply', async () => {
      expect(await portward(server, 'apply --yes', 0)).toMatch(
        /^verified: \d+ passed, 0 warnings, 0 failed: /m,
      )
      // By then it has written down all that it ever does.
      await eventually('fail2ban answers', () => server.run('fail2ban-client status portsentry'))
      await server.run('for time in 1 2 3; do sh /etc/portward/firewall sync; done')
    })

    it('passes, and leaves the server exactly as it was', async () => {
      const before = await readLiveState(server)
      const proof = await prove(server)
      expectAllPass(proof)
      expect(proof.exitCode).toBe(0)
      // A machine with much to do may take longer than the five seconds after which a wait is told.
      expect(proof.stderr.replace(/^waiting for .*\n?/gm, '')).toBe('')
      expect(await readLiveState(server)).toEqual(before)
    })

    it.each(['KILL', 'TERM'])('leaves nothing when SIG%s ends it at work', async (signal) => {
      const before = await readTransientState(server)
      const pid = await start()
      await eventually(
        'the lab is at work',
        () => server.run("pgrep -f '[k]ill-child=KILL' && pgrep -f '[f]ail2ban-server.*lab.log'"),
        { intervalMs: 20 },
      )
      await expectNoRemains(before, signal, pid)
    })

    it('leaves nothing whenever it is killed', async () => {
      const before = await readTransientState(server)
      for (const moment of MOMENTS_MS) {
        const pid = await start()
        await server.run(`sleep ${moment / 1000}`)
        await expectNoRemains(before, 'KILL', pid)
      }
    })

    it('says without root what it could not look at', async () => {
      const { stdout, stderr } = await server.run(
        'install -m 644 /root/config.env /tmp/config.env; setpriv --reuid nobody --clear-groups portward verify --config /tmp/config.env; rm /tmp/config.env',
        { allowFailure: true },
      )
      expect(stdout).toMatch(/^skip .*\n +only root may ask fail2ban$/m)
      expect(stdout).toMatch(/^skip .*\n +it cannot be built: only root can build it/m)
      expect(stdout).toMatch(/0 failed, 7 could not be done/)
      expect(stdout + stderr).not.toMatch(/^ +at /m)
    })

    describe('on a server that somebody has broken', () => {
      beforeAll(() => server.run(KEEP_FILES))

      it.each(SABOTAGES.filter(({ suites }) => suites.includes(suite)))('$what', async (sabotage) => {
        try {
          await server.run(sabotage.commands)
          expectFailures(await prove(server), sabotage.failing)
        } finally {
          await server.run(`${PUT_FILES_BACK}; ${sabotage.undo ?? ''}`)
        }
      })

      it('passes again when all is mended', async () => {
        expectAllPass(await prove(server))
      })
    })

    it('passes in a sandbox of fail2ban with all that a ban takes, and a release works there', async () => {
      await server.run(confine('/run/portward /var/lib/portward /etc -/var/lib/portsentry -/tmp'))
      expectAllPass(await prove(server))
      const isBanned = async () => (await portward(server, 'bans', 0)).includes(STRANGER)
      await server.run(`fail2ban-client set portsentry banip ${STRANGER}`)
      await eventually('the stranger is banned', isBanned)
      await server.run(`fail2ban-client set portsentry unbanip ${STRANGER}`)
      await eventually('the stranger is released', async () => !(await isBanned()))
      await server.run(UNCONFINE)
    })

    it('proves the same where thousands were noticed a moment ago', async () => {
      const { historyPath, line } = historyOf(suite)
      // The live one would be busy with them for minutes.
      await server.run(
        `systemctl stop fail2ban; cp -p ${historyPath} /root/history
         perl -MPOSIX -e 'for my $i (0 .. 2999) { my $a = join ".", 45, 1, int($i / 250), $i % 250 + 1; print ${line} }' >>${historyPath}`,
      )
      const proof = await prove(server)
      await server.run(`cat /root/history >${historyPath}; systemctl start fail2ban`)
      const inLab = proof.checks.filter(({ code }) => /^(?:cut-off|spared|jail-bans|jail-spares)$/.test(code))
      expect(inLab.map(({ code, result }) => `${result} ${code}`)).toEqual([
        ...['pass cut-off', 'pass spared', 'pass jail-bans', 'pass jail-spares'],
      ])
      await eventually('fail2ban answers', () => server.run('fail2ban-client status portsentry'))
    })

    it('undoes an apply that would not ban, and no ban of anybody meanwhile', async () => {
      await configure("KILL_ROUTE='/usr/sbin/iptables -A INPUT -s $TARGET$ -j DROP'\n")
      await server.run(`iptables -I INPUT -p tcp --dport ${OPEN_PORT} -j ACCEPT`)
      const before = await manifest(server, '/etc')
      const { stdout, exitCode } = await server.run(
        `portward apply --yes >/run/apply.log 2>&1 & apply=$!
         until grep -q '^proving' /run/apply.log; do sleep 0.1; done
         fail2ban-client set portsentry banip ${STRANGER} >/run/banip.log
         wait $apply; code=$?; cat /run/apply.log; exit $code`,
        { allowFailure: true },
      )
      expect(exitCode).toBe(1)
      expect(stdout).toMatch(/would not be protected: .*ACCEPT lets it in before the ban.*put back/)
      expect(changedPaths(before, await manifest(server, '/etc'))).toEqual(['/etc/hosts.deny'])
      expect(await portward(server, 'bans', 0)).toMatch(new RegExp(`^${STRANGER} `, 'm'))
      await portward(server, `unban ${STRANGER}`, 0)
      expect(changedPaths(before, await manifest(server, '/etc'))).toEqual([])
      await server.run(`iptables -D INPUT -p tcp --dport ${OPEN_PORT} -j ACCEPT`)
      await configure('')
      await portward(server, 'plan', 0)
    })

    it('knows a firewall that drops before portsentry can see', async () => {
      const accept = `-p tcp --dport ${OPEN_PORT} -j ACCEPT`
      await server.run(`iptables -A INPUT ${accept} && iptables -P INPUT DROP`)
      const proof = await prove(server)
      await server.run(`iptables -P INPUT ACCEPT && iptables -D INPUT ${accept}`)
      expect(proof.exitCode).toBe(0)
      expectAllPass(proof, suite === 'testing' ? [] : [/^warn noticed: .*iptables -P INPUT DROP/m])
    })

    // The second one is in the table that iptables takes for its own.
    it.each([
      ['inet gate', 'in', 'icmpx'],
      ['ip filter', 'input', 'icmp'],
    ])('knows a chain of nft that rejects before portsentry can see: %s %s', async (table, chain, icmp) => {
      await server.run('command -v nft || apt-get install -y -q --no-install-recommends nftables')
      const gate = `${table} ${chain}`
      await server.run(
        `nft 'add table ${table}; add chain ${gate} { type filter hook input priority 0; }
              add rule ${gate} ct state established,related accept; add rule ${gate} iifname lo accept
              add rule ${gate} tcp dport ${OPEN_PORT} accept; add rule ${gate} meta l4proto ipv6-icmp accept
              add rule ${gate} reject with ${icmp} type admin-prohibited'`,
      )
      const proof = await prove(server)
      await server.run(`nft 'flush chain ${gate}; delete chain ${gate}'`)
      expectAllPass(
        proof,
        suite === 'testing' ? [] : [new RegExp(`^warn noticed: .*: nft ${gate}: reject$`, 'm')],
      )
      expect(proof.exitCode).toBe(0)
    })

    it.each(CONFIGURATIONS.filter(([suites]) => suites.includes(suite)))(
      'passes at the end of an apply: %s %j',
      async (_suites, config, but) => {
        await configure(config)
        const proof = await prove(server, 'apply --yes')
        expect(proof.exitCode).toBe(0)
        expectAllPass(proof, but)
      },
    )
  })
}
