import { afterAll, beforeAll, test } from 'vitest'
import { eventually } from '../e2e/harness/eventually.ts'
import { DEFAULT_CONFIG } from '../e2e/harness/floors.ts'
import { describeServers } from '../e2e/harness/requirements.ts'
import { type Server, startServer } from '../e2e/harness/server.ts'
import { addAttacker, OPEN_PORT, portward, provide } from '../e2e/scenario.ts'
import { median, print, RUNS } from './figures.ts'

/** Of fail2ban's own, and one rule for each ban: what the articles set up. */
const STOCK =
  "BAN_BACKEND=none\nKILL_ROUTE='/usr/sbin/iptables -I INPUT -s $TARGET$ -j DROP'\nBANACTION=iptables-allports\n"

/** Sends one packet to a watched port, then asks the open port until it answers no more; prints milliseconds. */
const RACE = `
const net = require('node:net')
const [address, source, open] = process.argv.slice(1)
const connect = (port, ms) => new Promise((resolve) => {
  const socket = net.connect({ host: address, port, localAddress: source })
  const end = (answered) => { clearTimeout(timer); socket.destroy(); resolve(answered) }
  const timer = setTimeout(end, ms, false)
  socket.on('connect', () => end(true)).on('error', () => end(false))
})
const race = async () => {
  if (!(await connect(Number(open), 1000))) throw new Error('the open port does not answer')
  const start = performance.now()
  connect(1, 1000)
  let last = performance.now()
  while (await connect(Number(open), 100)) last = performance.now()
  console.log(last - start)
  process.exit(0)
}
race()
`

/** Sends a SYN to port 1 from so many new sources of 10.0.0.0/8 each second; prints how many seconds that took. */
const FLOOD = `
import socket, struct, sys, time
rate, seconds, first = map(int, sys.argv[1:])
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
start = time.monotonic()
for index in range(rate * seconds):
    ends = struct.pack('!I', (10 << 24) + first + index) + socket.inet_aton('203.0.113.1')
    tcp = struct.pack('!HHLLBBHHH', 40000, 1, 1, 0, 5 << 4, 2, 1024, 0, 0)
    tcp = tcp[:16] + struct.pack('!H', checksum(ends + struct.pack('!HH', 6, len(tcp)) + tcp)) + tcp[18:]
    raw.sendto(struct.pack('!BBHHHBBH', 0x45, 0, 40, 1, 0, 64, 6, 0) + ends + tcp, ('203.0.113.1', 0))
    time.sleep(max(0, start + (index + 1) / rate - time.monotonic()))
print(time.monotonic() - start)
`

const FLOOD_SECONDS = 10

/** How many of the flood's sources the kernel keeps out, by whichever means. */
const COUNT =
  "{ ipset save; nft list table inet portward; iptables -S; } 2>/dev/null | grep -oE '\\b10(\\.[0-9]+){3}\\b' | sort -u | wc -l"

describeServers('the ban path', () => {
  let server: Server
  let attackers = 0
  let flooders = 0

  beforeAll(async () => {
    server = await startServer({ suite: 'trixie', floor: 'installed' })
    await provide(server)
    await server.run('ip route add 10.0.0.0/8 dev wan0')
  })
  afterAll(() => server?.stop())

  const configure = async (config: string): Promise<void> => {
    await server.write('/root/config.env', DEFAULT_CONFIG + config, 0o600)
    await portward(server, 'apply --yes --quiet', 0)
  }
  const nextAttacker = async (): Promise<string> => {
    attackers += 1
    const address = `203.0.113.${10 + attackers}`
    await addAttacker(server, address)
    return address
  }
  /** Milliseconds from the first packet to the last answer. */
  const race = async (): Promise<number> => {
    const address = await nextAttacker()
    const args = ['203.0.113.1', address, String(OPEN_PORT)]
    return Number(await server.attacker.exec(process.execPath, '-e', RACE, ...args))
  }
  const races = async (): Promise<number[]> => {
    const times: number[] = []
    for (let run = 0; run < RUNS; run += 1) times.push(await race())
    return times
  }

  test('from the first packet to the ban in force', { timeout: 1_200_000 }, async () => {
    await configure(STOCK)
    const stock = median(await races())
    for (const backend of ['ipset', 'nft', 'route']) {
      await configure(`BAN_BACKEND=${backend}\n`)
      const own = median(await races())
      print(
        `${backend}: ${own.toFixed(1)} ms; stock iptables -I: ${stock.toFixed(1)} ms; ratio ${(own / stock).toFixed(2)}`,
      )
    }
  })

  /** Bans in fail2ban's database, as many as that; its jail holds nobody else. */
  const fillDatabase = async (count: number): Promise<void> => {
    await server.run(`systemctl stop fail2ban; python3 - <<'EOF'
import sqlite3, time
database = sqlite3.connect('/var/lib/fail2ban/fail2ban.sqlite3')
database.execute('DELETE FROM bips'); database.execute('DELETE FROM bans')
now = int(time.time())
for table, columns in (('bips', '(ip, jail, timeofban, bantime, bancount, data)'), ('bans', '(jail, ip, timeofban, bantime, bancount, data)')):
    for n in range(${count}):
        ip = f'11.{n >> 16}.{n >> 8 & 255}.{n & 255}'
        row = (ip, 'portsentry', now, 86400, 1, '{"matches": [], "failures": 1}')
        row = row if table == 'bips' else (row[1], row[0], *row[2:])
        database.execute(f'INSERT INTO {table} {columns} VALUES (?,?,?,?,?,?)', row)
database.commit()
EOF`)
  }
  /** Milliseconds of a command on the server: the median of several runs, each followed by one that undoes it. */
  const timeInside = async (command: string, undo: string): Promise<number> => {
    const { stdout } = await server.run(
      `for run in $(seq ${RUNS}); do begin=$(date +%s%N); ${command}; end=$(date +%s%N); ${undo}; echo $(((end - begin) / 1000)); done`,
    )
    return median(stdout.split('\n').map(Number)) / 1000
  }

  test('one more ban with many present, and loading these', { timeout: 1_800_000 }, async () => {
    const commands: Readonly<Record<string, readonly [add: string, undo: string]>> = {
      ipset: [
        'ipset add portward-hosts4 198.51.100.1 timeout 86400',
        'ipset del portward-hosts4 198.51.100.1',
      ],
      nft: [
        "nft 'create element inet portward hosts4 { 198.51.100.1 timeout 86400s }'",
        "nft 'delete element inet portward hosts4 { 198.51.100.1 }'",
      ],
    }
    for (const [backend, [add, undo]] of Object.entries(commands)) {
      await configure(`BAN_BACKEND=${backend}\n`)
      const times: number[] = []
      for (const count of [10, 100_000]) {
        await fillDatabase(count)
        const load = await timeInside('python3 /usr/local/lib/portward/bans.py', ':')
        times.push(await timeInside(add, undo))
        if (count > 10) print(`${backend}: loading ${count} bans: ${(load / 1000).toFixed(2)} s`)
      }
      const [few = 0, many = 0] = times
      print(
        `${backend}: one more ban with 100,000 present: ${many.toFixed(1)} ms; with 10: ${few.toFixed(1)} ms; ratio ${(many / few).toFixed(2)}`,
      )
      await fillDatabase(0)
      await server.run('systemctl restart portward-bans; systemctl start fail2ban')
    }
  })

  const processorSeconds = async (): Promise<number> => {
    const { stdout } = await server.run(
      'systemctl show -P CPUUsageNSec portsentry@atcp portsentry@audp fail2ban',
    )
    return stdout.split(/\s+/).reduce((sum, value) => sum + (Number(value) || 0) / 1e9, 0)
  }

  interface FloodResult {
    readonly banned: number
    readonly processor: number
    /** Milliseconds until a real attacker in the middle was cut off; Infinity: not within the flood. */
    readonly attacker: number
  }

  const flood = async (rate: number): Promise<FloodResult> => {
    await server.run('systemctl restart portsentry@atcp portsentry@audp fail2ban')
    await eventually('fail2ban answers', () => server.run('fail2ban-client ping'))
    const before = await processorSeconds()
    const first = flooders
    flooders += rate * FLOOD_SECONDS
    const sending = server.attacker.exec(
      'python3',
      '-c',
      FLOOD,
      String(rate),
      String(FLOOD_SECONDS),
      String(first),
    )
    await new Promise((resolve) => setTimeout(resolve, (FLOOD_SECONDS * 1000) / 2))
    const attacker = await race().catch(() => Number.POSITIVE_INFINITY)
    await sending
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const [{ stdout }, after] = await Promise.all([server.run(COUNT), processorSeconds()])
    return { banned: Number(stdout), processor: after - before, attacker }
  }

  const describeFlood = (rate: number, { banned, processor, attacker }: FloodResult): string =>
    `${banned} of ${rate * FLOOD_SECONDS} banned, ${processor.toFixed(1)} s of processor time, an attacker in the middle after ${attacker.toFixed(0)} ms`

  test('a flood of new sources', { timeout: 3_600_000 }, async () => {
    const clear = async () => {
      await server.run(
        'systemctl stop fail2ban; iptables -F; ipset flush portward-hosts4; nft flush set inet portward hosts4',
        {
          allowFailure: true,
        },
      )
      await fillDatabase(0)
      await server.run(': >/var/lib/portsentry/portsentry.history; systemctl start fail2ban')
    }
    for (const [name, config] of [
      ['stock', STOCK],
      ['ipset', 'BAN_BACKEND=ipset\n'],
      ['nft', 'BAN_BACKEND=nft\n'],
    ] as const) {
      await configure(config)
      for (const rate of [50, 200, 1000, 3000]) {
        await clear()
        print(`${name}, ${rate} new sources a second: ${describeFlood(rate, await flood(rate))}`)
      }
      await clear()
    }
  })

  test('a restart of fail2ban with 20,000 bans', { timeout: 3_600_000 }, async () => {
    const count = 20_000
    for (const backend of ['ipset', 'nft']) {
      await configure(`BAN_BACKEND=${backend}\n`)
      await fillDatabase(count)
      const { stdout } = await server.run(
        `begin=$(date +%s%N); systemctl start fail2ban
        until [ "$({ ipset save; nft list table inet portward; } 2>/dev/null | grep -oE '\\b11(\\.[0-9]+){3}\\b' | sort -u | wc -l)" = ${count} ]; do sleep 0.1; done
        echo $((($(date +%s%N) - begin) / 1000000))
        until [ "$(fail2ban-client get portsentry banip | wc -w)" = ${count} ]; do sleep 0.5; done
        echo $((($(date +%s%N) - begin) / 1000000)); systemctl show -P CPUUsageNSec fail2ban; du -k /var/lib/fail2ban/fail2ban.sqlite3`,
        { timeoutMs: 1_800_000 },
      )
      const [inForce, restored, processor, database = ''] = stdout.split('\n')
      print(
        `${backend}: restart of fail2ban with ${count} bans: in force after ${inForce} ms, restored by fail2ban after ${restored} ms, ${(Number(processor) / 1e9).toFixed(1)} s of processor time, database ${database.split('\t')[0]} kB`,
      )
      await fillDatabase(0)
      await server.run('systemctl restart portward-bans; systemctl start fail2ban')
    }
  })
})
