import { afterAll, beforeAll, expect, it } from 'vitest'
import { CONF } from '../paths.ts'
import { eventually } from './harness/eventually.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  changedPaths,
  expectBanned,
  expectCutOff,
  expectSpared,
  manifest,
  OPEN_PORT,
  provide,
  STOP_PORTSENTRY,
} from './scenario.ts'

/** A path in the container, removed with it. */
const OUTPUT = '/run/detect'

interface Detection {
  /** Ends it as an administrator would; returns its exit code and all its output. */
  end(): Promise<{ exitCode: string; stdout: string; stderr: string }>
}

/** Starts `portward detect` on the server; it is running when this returns. */
const startDetection = async (server: Server, options: string): Promise<Detection> => {
  const { stdout: pid } = await server.run(
    `rm -f ${OUTPUT}.*
     setsid sh -c 'portward detect ${options} >${OUTPUT}.out 2>${OUTPUT}.err </dev/null &
       echo $! >${OUTPUT}.pid; wait $!; echo $? >${OUTPUT}.code' >/dev/null 2>&1 </dev/null &
     until [ -s ${OUTPUT}.pid ]; do sleep 0.02; done; cat ${OUTPUT}.pid`,
  )
  const hasEnded = () => server.exists(`${OUTPUT}.code`)
  await eventually('the detector is running', async () => {
    const said = await server.readText(`${OUTPUT}.err`)
    if (await hasEnded()) throw new Error(`it ended: ${said}`)
    return /^(?:watching|listening on) /m.test(said)
  })
  return {
    end: async () => {
      await server.run(`kill -TERM ${pid}`)
      const exitCode = await eventually('the detector ends', async () =>
        (await hasEnded()) ? (await server.readText(`${OUTPUT}.code`)).trim() : '',
      )
      const [stdout, stderr] = await Promise.all([
        server.readText(`${OUTPUT}.out`),
        server.readText(`${OUTPUT}.err`),
      ])
      return { exitCode, stdout, stderr }
    },
  }
}

interface Release {
  readonly suite: 'bookworm' | 'testing'
  readonly history: string
  readonly filter: string
  readonly line: RegExp
}

const RELEASES: readonly Release[] = [
  {
    suite: 'bookworm',
    history: '/var/lib/portsentry/portsentry.history',
    filter: 'portsentry',
    line: /^\d{10} - \d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d Host: 203\.0\.113\.9\/203\.0\.113\.9 Port: \d+ TCP Blocked$/m,
  },
  {
    suite: 'testing',
    history: '/var/log/portsentry.log',
    filter: 'portsentry-2',
    line: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000 Scan from: \[203\.0\.113\.9\] \(203\.0\.113\.9\) protocol: \[TCP\] port: \[\d+\] type: \[TCP SYN\/Normal scan\] IP opts: \[not set\] ignored: \[false\] triggered: \[true\] noblock: \[false\] blocked: \[true\]$/m,
  },
]

for (const { suite, history, filter, line } of RELEASES) {
  describeServers(`portward detect on ${suite}, with portsentry stopped`, () => {
    let server: Server

    beforeAll(async () => {
      server = await startServer({ suite, floor: 'provisioned' })
      await provide(server)
      await server.run('cd /var/cache/apt/archives && dpkg -i libpcap* tcpdump_*')
      // Only the detector should ban here: fail2ban reads the same history.
      await server.run(`${STOP_PORTSENTRY}; systemctl stop fail2ban`)
      // portward has fail2ban maintain hosts.deny, or nothing; an admin may want portsentry to write it.
      await server.run(`echo 'KILL_HOSTS_DENY="ALL: $TARGET$ : DENY"' >>${CONF}`)
    })
    afterAll(() => server?.stop())

    /** Resets the server to the state before any ban. */
    const pardon = () =>
      server.run(
        `ipset flush portward-hosts4
         rm -f ${history} /var/lib/portsentry/portsentry.blocked`,
      )

    const state = async (): Promise<Map<string, string>> => {
      const { stdout } = await server.run('iptables -S; iptables -t raw -S; ipset save')
      return (await manifest(server, '/etc /var/lib/portsentry /var/log/portsentry.log /tmp')).set(
        'rules',
        stdout,
      )
    }

    it('bans a scanner, but not the LAN, as portsentry would', async () => {
      const detection = await startDetection(server, '--interface any')
      await expectSpared(server)
      await expectBanned(server)
      expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
      const { exitCode, stdout } = await detection.end()
      expect(exitCode).toBe('0')
      expect(stdout).toMatch(/203\.0\.113\.9: noticed .*blocked/)
      expect(stdout).toMatch(
        /192\.168\.1\.20: noticed 3 times: ignored by \/etc\/portsentry\/portsentry\.ignore\S*:\d+/,
      )
      expect(await server.readText(history)).toMatch(line)
      const { stdout: matched } = await server.run(
        `fail2ban-regex ${history} /etc/fail2ban/filter.d/${filter}.conf`,
      )
      expect(matched).toMatch(/ [1-9]\d* matched/)
      expect(await server.readText('/etc/hosts.deny')).toContain('ALL: 203.0.113.9 : DENY\n')
    })

    // What follows is the same with both histories.
    if (suite === 'testing') return

    it('changes nothing with --dry-run, and says what it would do', async () => {
      await pardon()
      const before = await state()
      const detection = await startDetection(server, '--interface any --dry-run --json')
      await server.attacker.scan('203.0.113.1', [1, 7])
      const seen = await eventually('the scan is told', async () => {
        const events = (await server.readText(`${OUTPUT}.out`)).split('\n').filter(Boolean)
        return events.length >= 2 ? events.map((text) => JSON.parse(text)) : undefined
      })
      expect(seen[0]).toMatchObject({ event: 'decision', host: '203.0.113.9', port: 1, verdict: 'act' })
      const { exitCode, stdout } = await detection.end()
      expect(exitCode).toBe('0')
      expect(stdout).toMatch(/"event":"summary"/)
      expect(changedPaths(before, await state())).toEqual([])
      expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
    })

    it('tells of a KILL_ROUTE that fails, which portsentry does not', async () => {
      await pardon()
      const before = await server.read(CONF)
      await server.run(`sed -i 's|^KILL_ROUTE *=.*|KILL_ROUTE="echo no chain for $TARGET$; exit 4"|' ${CONF}`)
      const detection = await startDetection(server, '--interface wan0')
      const { other } = addresses.attacker
      await server.attacker.scan('203.0.113.1', [1], { source: other })
      await eventually('the history is written', () => server.exists(history))
      const { exitCode, stdout, stderr } = await detection.end()
      expect(exitCode).toBe('0')
      const failure = 'with exit code 4: no chain for 203.0.113.77'
      expect(stdout).toContain(`FAILED ${failure}`)
      expect(stderr).toContain(
        `203.0.113.77: KILL_ROUTE ended ${failure} — portsentry logs the host as blocked`,
      )
      expect(await server.attacker.reaches(OPEN_PORT, { source: other })).toBe(true)
      await server.write(CONF, before)
    })

    it('listens as the mode tcp does, and bans who connects', async () => {
      await pardon()
      const detection = await startDetection(server, '--listen --mode tcp')
      await server.lan.exec('nmap', '-sT', '-n', '-Pn', '--max-retries', '0', '-p1,79', '192.168.1.10')
      expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
      await server.attacker.exec('nmap', '-sT', '-n', '-Pn', '--max-retries', '0', '-p1,79', '203.0.113.1')
      await expectCutOff(server)
      expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
      const { exitCode, stdout } = await detection.end()
      expect(exitCode).toBe('0')
      expect(stdout).toMatch(/203\.0\.113\.9 TCP Connect, port \d+ \(tcp\): blocked/)
      expect(stdout).toMatch(/192\.168\.1\.20: noticed 2 times: ignored by/)
      expect(await server.readText(history)).toMatch(line)
    })

    it('does not act beside portsentry', async () => {
      await server.run('systemctl start portsentry')
      await eventually('portsentry runs', () => server.run('pgrep -x portsentry'))
      const { exitCode, stderr } = await server.run('portward detect --interface wan0', {
        allowFailure: true,
      })
      expect(exitCode).toBe(1)
      expect(stderr).toMatch(/portsentry is running — stop it, or use --dry-run/)
    })
  })
}
