import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../e2e/harness/eventually.ts'
import { describeServers } from '../e2e/harness/requirements.ts'
import { type Server, startServer } from '../e2e/harness/server.ts'
import { addAttacker, OPEN_PORT, portward, provide } from '../e2e/scenario.ts'
import { LAN } from '../plan/live.ts'
import { median, print, RUNS } from './figures.ts'

const MANY = 100_000
const FEW = 10

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

/** Milliseconds of a command on the server, run in it some times in a row without a start of anything else. */
const timeInside = async (server: Server, command: string, undo: string): Promise<number> => {
  const { stdout } = await server.run(`for run in $(seq ${RUNS}); do
    begin=$(date +%s%N); ${command}; end=$(date +%s%N); ${undo}; echo $(((end - begin) / 1000)); done`)
  return median(stdout.split('\n').map(Number)) / 1000
}

/** Milliseconds until the open port has answered the attacker, without starting a program for each. */
const timeConnection = async (server: Server): Promise<number> => {
  const { stdout } = await execa('ip', [
    ...['netns', 'exec', server.attacker.namespace, process.execPath, '-e'],
    `const net = require('node:net')
    const once = () => new Promise((resolve) => {
      const start = performance.now()
      const socket = net.connect(${OPEN_PORT}, '203.0.113.1', () => { socket.destroy(); resolve(performance.now() - start) })
    })
    const all = async () => { const times = []; for (let i = 0; i < 200; i++) times.push(await once()); console.log(times.sort((a, b) => a - b)[100]) }
    all()`,
  ])
  return Number(stdout)
}

/** Makes the place with so many bans in it. */
const load = async (server: Server, count: number): Promise<void> => {
  await server.run(
    `seq 0 ${count - 1} | awk '{ print "10." int($1 / 65536) "." int($1 / 256) % 256 "." $1 % 256, 0 }' >/var/lib/portward/bans
    sh /etc/portward/firewall start`,
    { timeoutMs: 300_000 },
  )
}

describeServers('how long a ban takes', () => {
  let server: Server
  let hosts = 0

  beforeAll(async () => {
    server = await startServer()
    await provide(server)
  })
  afterAll(() => server?.stop())

  const configure = async (config: string) => {
    await server.write('/root/config.env', LAN + config, 0o600)
    await portward(server, 'apply --yes --quiet', 0)
  }
  const race = async (): Promise<number> => {
    hosts += 1
    const host = `203.0.113.${100 + hosts}`
    await addAttacker(server, host)
    const arguments_ = ['203.0.113.1', host, String(OPEN_PORT)]
    return Number(await server.attacker.exec(process.execPath, '-e', RACE, ...arguments_))
  }

  test.each(['iptables', 'nft', 'route'])('from the first packet to being cut off: %s', async (backend) => {
    await configure(`BAN_BACKEND=${backend}\n`)
    const own: number[] = []
    for (let run = 0; run < RUNS; run += 1) own.push(await race())
    await configure(
      "BAN_BACKEND=none\nKILL_ROUTE='/usr/sbin/iptables -I INPUT -s $TARGET$ -j DROP'\nKILL_HOSTS_DENY='ALL: $TARGET$'\n",
    )
    const peer: number[] = []
    for (let run = 0; run < RUNS; run += 1) peer.push(await race())
    const [ours, theirs] = [median(own), median(peer)]
    print(
      `${backend}: cut off ${ours.toFixed(0)} ms after the first packet (at most ${Math.max(...own).toFixed(0)}, promised: 2000); a plain iptables -I as KILL_ROUTE: ${theirs.toFixed(0)} ms; ratio ${(ours / theirs).toFixed(2)}`,
    )
    expect(own).toHaveLength(RUNS)
  })

  const ONE = '198.51.100.1'
  const BARE: Readonly<Record<string, readonly [add: string, undo: string]>> = {
    nft: [
      `nft 'add element inet portward banned { ${ONE} }'`,
      `nft 'delete element inet portward banned { ${ONE} }'`,
    ],
    iptables: [`iptables -w -A PORTWARD -s ${ONE} -j DROP`, `iptables -w -D PORTWARD -s ${ONE} -j DROP`],
  }

  test.each(['nft', 'iptables'])(`with ${MANY} bans: %s`, { timeout: 1_800_000 }, async (backend) => {
    await configure(`BAN_BACKEND=${backend}\n`)
    await server.run('systemctl stop portward-sync.timer fail2ban')
    await eventually('nothing else is at it', () => server.run('! systemctl is-active portward-sync'))
    const [add = '', undo = ''] = BARE[backend] ?? []
    const measure = async (count: number) => {
      await load(server, count)
      return {
        bare: await timeInside(server, add, undo),
        whole: await timeInside(
          server,
          `sh /etc/portward/firewall add ${ONE}`,
          `sh /etc/portward/firewall del ${ONE}`,
        ),
        connection: await timeConnection(server),
      }
    }
    const few = await measure(FEW)
    const many = await measure(MANY)
    const names = {
      bare: 'one more in the kernel',
      whole: 'one more in every place',
      connection: 'a connection',
    }
    for (const [key, name] of Object.entries(names) as [keyof typeof names, string][]) {
      print(
        `${backend}: ${name} with ${MANY} bans: ${many[key].toFixed(2)} ms; with ${FEW}: ${few[key].toFixed(2)} ms; ratio ${(many[key] / few[key]).toFixed(2)}`,
      )
    }
    await load(server, 0)
    await server.run('sh /etc/portward/firewall clear; systemctl start fail2ban')
  })
})
