import { afterAll, beforeAll, test } from 'vitest'
import { eventually } from '../e2e/harness/eventually.ts'
import { DEFAULT_CONFIG } from '../e2e/harness/floors.ts'
import { describeServers } from '../e2e/harness/requirements.ts'
import { type Server, startServer } from '../e2e/harness/server.ts'
import { addAttacker, OPEN_PORT, portward, provide } from '../e2e/scenario.ts'
import { record, roundsOr, skip } from './compare.ts'

const ROUNDS = roundsOr(7)

const PART = 'The ban path'

/** Of fail2ban's own, and one rule for each ban: what the articles set up. */
const STOCK_NAME = 'stock iptables -I'
const STOCK =
  "BAN_BACKEND=none\nKILL_ROUTE='/usr/sbin/iptables -I INPUT -s $TARGET$ -j DROP'\nBANACTION=iptables-allports\n"

/** Another backend needs an apply, another number of bans a restart: too long for each round. */
const NOT_IN_TURN = 'the peer was not measured in turn, but before, on the same server'

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
    for (let round = 0; round < ROUNDS; round += 1) times.push(await race())
    return times
  }

  test('from the first packet to the ban in force', { timeout: 1_200_000 }, async () => {
    await configure(STOCK)
    const peer = { name: STOCK_NAME, values: await races() }
    for (const backend of ['ipset', 'nft', 'route']) {
      await configure(`BAN_BACKEND=${backend}\n`)
      const work = `from the first packet to the ban in force, ${backend}`
      record({
        part: PART,
        work,
        quantity: 'time',
        unit: 'ms',
        own: await races(),
        peer,
        remark: NOT_IN_TURN,
      })
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
  /** Milliseconds of each of several runs of a command on the server, which another undoes. */
  const timeInside = async (command: string, undo: string): Promise<number[]> => {
    const { stdout } = await server.run(
      `for round in $(seq ${ROUNDS}); do begin=$(date +%s%N); ${command}; end=$(date +%s%N); ${undo}; echo $(((end - begin) / 1000)); done`,
    )
    return stdout.split('\n').map((microseconds) => Number(microseconds) / 1000)
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
      const timeWith = async (count: number) => {
        await fillDatabase(count)
        const load = await timeInside('python3 /usr/local/lib/portward/bans.py', ':')
        return { load, add: await timeInside(add, undo) }
      }
      const [few, many] = [await timeWith(10), await timeWith(100_000)]
      const row = { part: PART, quantity: 'time', unit: 'ms', remark: NOT_IN_TURN }
      record({
        ...{ ...row, work: `loading 100,000 bans, ${backend}` },
        ...{ own: many.load, peer: { name: 'loading 10', values: few.load } },
      })
      record({
        ...{ ...row, work: `one more ban with 100,000 present, ${backend}` },
        ...{ own: many.add, peer: { name: 'with 10 present', values: few.add } },
      })
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
    /** Milliseconds until a real attacker in the middle was cut off; null: not within the flood. */
    readonly attacker: number | null
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
    const attacker = await race().catch(() => null)
    await sending
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const [{ stdout }, after] = await Promise.all([server.run(COUNT), processorSeconds()])
    return { banned: Number(stdout), processor: after - before, attacker }
  }

  const recordFlood = (work: string, own: FloodResult, stock: FloodResult | undefined): void => {
    for (const [key, quantity, unit] of [
      ['banned', 'sources banned', ''],
      ['processor', 'processor time', 's'],
      ['attacker', 'an attacker in the middle', 'ms'],
    ] as const) {
      const [value, other] = [own[key], stock?.[key] ?? null]
      const peer =
        other === null
          ? { remark: `with ${STOCK_NAME} the attacker in the middle was not cut off within the flood` }
          : { remark: NOT_IN_TURN, peer: { name: STOCK_NAME, values: [other] } }
      if (value === null) skip(PART, work, 'the attacker in the middle was not cut off within the flood')
      else record({ part: PART, work, quantity, unit, own: [value], ...peer })
    }
  }

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
    const stock = new Map<number, FloodResult>()
    for (const [name, config] of [
      ['stock', STOCK],
      ['ipset', 'BAN_BACKEND=ipset\n'],
      ['nft', 'BAN_BACKEND=nft\n'],
    ] as const) {
      await configure(config)
      for (const rate of [50, 200, 1000, 3000]) {
        await clear()
        const result = await flood(rate)
        if (name === 'stock') stock.set(rate, result)
        else
          recordFlood(`${rate} new sources a second for ${FLOOD_SECONDS} s, ${name}`, result, stock.get(rate))
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
      const [inForce = 0, restored = 0, nanoseconds = 0, kilobytes = 0] = stdout
        .split('\n')
        .map((line) => Number.parseInt(line, 10))
      const row = { part: PART, work: `a restart of fail2ban with 20,000 bans, ${backend}` }
      for (const [quantity, unit, value] of [
        ['bans in force after', 'ms', inForce],
        ['restored by fail2ban after', 'ms', restored],
        ['processor time', 's', nanoseconds / 1e9],
        ["fail2ban's database", 'MB', (kilobytes * 1024) / 1e6],
      ] as const)
        record({ ...row, quantity, unit, own: [value] })
      await fillDatabase(0)
      await server.run('systemctl restart portward-bans; systemctl start fail2ban')
    }
  })
})
