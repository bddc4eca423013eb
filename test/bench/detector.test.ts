import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkout } from '../checkout.ts'
import { confText } from '../detector/daemon.ts'
import { eventually } from '../e2e/harness/eventually.ts'
import { addresses } from '../e2e/harness/network.ts'
import { describeServers } from '../e2e/harness/requirements.ts'
import { type Server, startServer } from '../e2e/harness/server.ts'
import { DPKG_2, fixtures, writeInto } from '../tree.ts'
import { measure, record, roundsOr } from './compare.ts'
import sendScript from './send.py?raw'
import { sourceTexts, writeSyns } from './syns.ts'

const PACKETS = 1_000_000
const ROUNDS = roundsOr(5)
const BLOCKED = 100_000

interface Setting {
  readonly name: string
  readonly sources: number
  /** How many networks the ignore list has, none of which has a source. */
  readonly ignored?: number
  /** Whether the daemon has all sources as blocked hosts before it gets their packets. */
  readonly isBlocked?: boolean
  /** How many packets the daemons are sent, and how many a second. */
  readonly sent: number
  readonly rate: number
}

const SETTINGS: readonly Setting[] = [
  { name: '1,000 sources', sources: 1000, sent: 20_000, rate: 2000 },
  { name: '1,000,000 sources', sources: PACKETS, sent: 20_000, rate: 2000 },
  { name: '1,000 sources, 10,000 networks ignored', sources: 1000, ignored: 10_000, sent: 4000, rate: 400 },
  { name: '100,000 sources, all blocked', sources: BLOCKED, isBlocked: true, sent: 4000, rate: 400 },
]

/** Networks of the documentation and private ranges. */
const ignoreText = (count: number): string =>
  Array.from(
    { length: count },
    (_, index) => `172.${16 + (index >> 12)}.${(index >> 4) & 255}.${(index & 15) * 16}/28\n`,
  ).join('')

const confFor = (version: Daemon['version'], block: '0' | '1'): string =>
  confText({
    TCP_PORTS: version === '1.2' ? '1,11,15' : '1-1023',
    ADVANCED_PORTS_TCP: version === '1.2' ? '1024' : '-',
    IGNORE_FILE: '/etc/portsentry/bench.ignore',
    HISTORY_FILE: '/run/bench.history',
    BLOCKED_FILE: '/run/bench.blocked',
    RESOLVE_HOST: '0',
    BLOCK_TCP: block,
    BLOCK_UDP: block,
    KILL_ROUTE: '/bin/true $TARGET$',
    SCAN_TRIGGER: '0',
  })

interface Daemon {
  readonly version: '1.2' | '2.0.7'
  readonly release: string
  readonly suite: 'bookworm' | 'testing'
  readonly mode: string
  /** For sh: starts the daemon, and prints its process id once it watches. */
  readonly start: string
  /** For sh: prints how many packets it has dealt with. */
  readonly handled: string
}

const LOG = '/run/bench.log'

const DAEMONS: readonly Daemon[] = [
  {
    ...{ version: '1.2', release: 'Debian 12', suite: 'bookworm', mode: 'atcp' },
    start: `journalctl -q -n 0 --show-cursor | sed -n 's/^-- cursor: //p' >/run/bench.cursor
      /usr/sbin/portsentry -atcp >/dev/null 2>&1 </dev/null
      until journalctl -q -o cat -t portsentry --after-cursor="$(cat /run/bench.cursor)" | grep -q 'now active'; do sleep 0.05; done
      pgrep -x portsentry`,
    handled: `journalctl --sync; journalctl -q -o cat -t portsentry --after-cursor="$(cat /run/bench.cursor)" | grep -c ' scan from host: ' || :`,
  },
  {
    ...{ version: '2.0.7', release: 'Debian testing', suite: 'testing', mode: 'stealth' },
    start: `portsentry --stealth -l stdout -c /etc/portsentry/portsentry.conf >${LOG} 2>&1 </dev/null &
      until grep -q 'now active' ${LOG}; do kill -0 $! || { cat ${LOG} >&2; exit 1; }; sleep 0.05; done
      echo $!`,
    handled: `grep -c '^.*Scan from: ' ${LOG} || :`,
  },
]

/** Seconds of processor time of a process on the server. */
const processorSeconds = async (server: Server, pid: string): Promise<number> => {
  const { stdout } = await server.run(`cut -d ' ' -f 1 /proc/${pid}/task/*/schedstat`)
  return stdout.split('\n').reduce((sum, nanoseconds) => sum + Number(nanoseconds) / 1e9, 0)
}

/** What 1.2 and 2.x have in their files of blocked hosts. */
const blockedBytes = (version: Daemon['version'], hosts: readonly string[]): string | Uint8Array =>
  version === '1.2'
    ? hosts
        .map((host) => `1795288592 - 11/21/2026 19:16:32 Host: ${host}/${host} Port: 1 TCP Blocked\n`)
        .join('')
    : Uint8Array.from(hosts.flatMap((host) => [2, 0, ...host.split('.').map(Number)]))

describeServers('the detector', () => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-detector-'))
  const captureOf = ({ sources }: Setting) => join(directory, `${sources}.pcap`)
  const destination = addresses.server.wan.split('.').map(Number)

  beforeAll(() => {
    for (const setting of SETTINGS)
      writeSyns(captureOf(setting), { packets: PACKETS, sources: setting.sources, destination })
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  /** A tree with the configuration of the setting. */
  const treeFor = ({ version }: Daemon, setting: Setting): string => {
    const root = join(directory, `${version} ${setting.name}`)
    if (version === '1.2') cpSync(join(fixtures, 'sample-server'), root, { recursive: true })
    else writeInto(root, DPKG_2)
    writeInto(root, {
      'etc/portsentry/portsentry.conf': confFor(version, '1'),
      'etc/portsentry/bench.ignore': ignoreText(setting.ignored ?? 0),
    })
    return root
  }

  /** Packets that the daemon dealt with for each second of its processor time. */
  const sendTo = async (
    server: Server,
    daemon: Daemon,
    setting: Setting,
  ): Promise<{ rate: number; handled: number }> => {
    const { version } = daemon
    await server.run(`rm -f /run/bench.blocked* /run/bench.history ${LOG}`)
    // A daemon that acts also starts a shell for each host: here it only logs, and portward does more than that.
    const block = version === '2.0.7' && setting.isBlocked ? '1' : '0'
    await server.write('/etc/portsentry/portsentry.conf', confFor(version, block), 0o600)
    await server.write('/etc/portsentry/bench.ignore', ignoreText(setting.ignored ?? 0), 0o644)
    // Those of the packets that are sent are to be found in all parts of the file.
    const all = setting.isBlocked ? sourceTexts(setting.sources) : []
    const hosts = all.map((_, index) => all[(index * 7919) % all.length] as string)
    const blocked = blockedBytes(version, hosts)
    if (version === '2.0.7' && setting.isBlocked) await server.write('/run/bench.blocked', blocked, 0o600)
    const { stdout: pid } = await server.run(daemon.start)
    // 1.2 empties its file when it starts, and reads it for each packet.
    if (version === '1.2' && setting.isBlocked) await server.write('/run/bench.blocked.atcp', blocked, 0o600)
    try {
      const { stdout: hardware } = await server.run(
        "ip -o link show wan0 | sed 's/.*ether \\([^ ]*\\).*/\\1/'",
      )
      const before = await processorSeconds(server, pid)
      const { sent, rate } = setting
      await server.attacker.exec(
        'python3',
        '-c',
        sendScript,
        captureOf(setting),
        hardware,
        `${sent}`,
        `${rate}`,
      )
      let last = -1
      const processor = await eventually(
        'the daemon has dealt with what it has got',
        async () => {
          const now = await processorSeconds(server, pid)
          const isIdle = now - last < 0.001
          last = now
          return isIdle ? now - before : undefined
        },
        { timeoutMs: 600_000, intervalMs: 500 },
      )
      const handled = Number((await server.run(daemon.handled)).stdout)
      expect(handled).toBeGreaterThan(sent / 100)
      return { rate: handled / processor, handled }
    } finally {
      await server.run(`kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.05; done`)
    }
  }

  test.each(DAEMONS)('$version', { timeout: 3_600_000 }, async (daemon) => {
    const server = await startServer({ suite: daemon.suite, floor: 'installed' })
    try {
      // What the server answers to sources that are not there goes to the attacker, and no further; the journal takes all lines.
      await server.run(
        `systemctl stop portsentry fail2ban || :
        ip route add 11.0.0.0/8 via ${addresses.attacker.v4} dev wan0
        mkdir -p /etc/systemd/journald.conf.d
        printf '[Journal]\\nRateLimitIntervalSec=0\\n' >/etc/systemd/journald.conf.d/bench.conf
        systemctl restart systemd-journald`,
      )
      for (const setting of SETTINGS) {
        const root = treeFor(daemon, setting)
        const command = `${checkout}/bin/portward detect --root '${root}' --mode ${daemon.mode} --pcap ${captureOf(setting)}`
        const own = { quiet: [] as number[], printing: [] as number[], memory: [] as number[] }
        const peer = { rates: [] as number[], handled: [] as number[] }
        for (let round = 0; round < ROUNDS; round += 1) {
          const quiet = await measure({ run: `${command} --summary` })
          const printing = await measure({ run: command })
          own.quiet.push(PACKETS / quiet.processor)
          own.printing.push(PACKETS / printing.processor)
          own.memory.push(Math.max(quiet.memory, printing.memory))
          const { rate, handled } = await sendTo(server, daemon, setting)
          peer.rates.push(rate)
          peer.handled.push(handled)
        }
        const row = {
          part: 'Packets a second of processor time',
          work: `portsentry ${daemon.version}, ${daemon.mode}: ${setting.name}`,
        }
        const remark = `portward: detect --pcap of ${PACKETS.toLocaleString('en')} SYNs, the start of node included, as if each host were blocked. portsentry: the daemon of ${daemon.release} got the first ${setting.sent.toLocaleString('en')} of them on its network, of which it dealt with ${Math.min(...peer.handled).toLocaleString('en')} or more; it only logs, which costs it the least, and neither the log's writer nor the kernel's part is counted`
        const name = `portsentry ${daemon.version}`
        record({ ...row, quantity: 'with --summary', unit: '/s', own: own.quiet, mark: { least: 1_000_000 } })
        record({ ...row, quantity: 'printing each', unit: '/s', own: own.printing, mark: { least: 300_000 } })
        record({
          ...row,
          quantity: 'printing each',
          unit: '/s',
          own: own.printing,
          peer: { name, values: peer.rates },
          remark,
        })
        record({ ...row, quantity: 'peak memory', unit: 'MB', own: own.memory })
      }
    } finally {
      await server.stop()
    }
  })
})
