import { afterAll, beforeAll, expect, it } from 'vitest'
import { documentOf } from '../documents.ts'
import { eventually } from './harness/eventually.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  addAttacker,
  expectBanned,
  expectBannedEverywhere,
  expectCutOff,
  expectHeld,
  OPEN_PORT,
  portward,
  UNTIL_FAIL2BAN_ANSWERS,
} from './scenario.ts'

interface Row {
  readonly address: string
  readonly source: string
  readonly from: string | null
  readonly reason: string | null
  readonly until: string
  readonly missing: readonly string[]
}

interface Result {
  readonly changed: boolean
  readonly counts: Readonly<Record<string, number>>
  readonly addresses: readonly {
    readonly address: string
    readonly outcome: string
    readonly until: string
  }[]
}

const { v4: attacker, other } = addresses.attacker
const peer = addresses.lan.v4

const start = async (suite: 'bookworm' | 'testing', name: string): Promise<Server> => {
  const server = await startServer({ suite, floor: 'provisioned' })
  // fail2ban looks the name up.
  await server.run(`echo '127.0.1.1 ${name}' >>/etc/hosts && hostname ${name}`)
  await server.listen(OPEN_PORT)
  return server
}

const rowOf = async (server: Server, address: string): Promise<Row | undefined> => {
  const { bans } = JSON.parse(await portward(server, 'bans --json', 0))
  return bans.find((row: Row) => row.address === address)
}

/** The result of `portward ban --json`. */
const ban = async (server: Server, args: string, exitCode = 0, stdin = ''): Promise<Result> => {
  const {
    stdout,
    stderr,
    exitCode: code,
  } = await server.run(`portward ban ${args} --json`, {
    ...{ allowFailure: true, stdin },
  })
  expect(code, `${stdout}\n${stderr}`).toBe(exitCode)
  return documentOf(stdout)
}

/** How far apart two times are, in seconds. */
const apart = (one = '', other = ''): number => Math.abs(Date.parse(one) - Date.parse(other)) / 1000

describeServers('two servers that share bans', () => {
  let first: Server
  let second: Server
  /** What the first server prints. */
  let list: string

  beforeAll(async () => {
    const started = await Promise.all([start('testing', 'web-1'), start('bookworm', 'web-2')])
    first = started[0]
    second = started[1]
  })
  afterAll(() => Promise.all([first?.stop(), second?.stop()]))

  it('has the second cut off what the first has banned, until the same time, and say why', async () => {
    await expectBanned(first, attacker, [1])
    await expectBannedEverywhere(first, attacker)
    list = await portward(first, 'bans --json', 0)
    const origin = await rowOf(first, attacker)
    expect(await second.attacker.reaches(OPEN_PORT)).toBe(true)
    const {
      counts,
      addresses: [made],
    } = await ban(second, '--file -', 0, list)
    expect(counts).toMatchObject({ banned: 1, refused: 0, failed: 0 })
    await expectCutOff(second)
    await expectBannedEverywhere(second, attacker)
    expect(apart(made?.until, origin?.until)).toBeLessThanOrEqual(2)
    expect(await rowOf(second, attacker)).toMatchObject({
      ...{ source: 'another server', from: 'web-1', reason: 'TCP SYN/Normal scan, port 1/tcp', missing: [] },
    })
    expect(await portward(second, `explain ${attacker}`, 0)).toContain(
      'by web-1 (TCP SYN/Normal scan, port 1/tcp)',
    )
  })

  it('changes nothing the second time, and does not pass a ban on that came from elsewhere', async () => {
    expect(await ban(second, '--file -', 0, list)).toMatchObject({ changed: false, counts: { held: 1 } })
    const returned = await portward(second, 'bans --json', 0)
    const back = await ban(first, '--file -', 0, returned)
    expect(back).toMatchObject({ changed: false, counts: { 'left-out': 1, banned: 0 } })
  })

  it('refuses hosts that the second protects, and bans the others of the list', async () => {
    const forged = list.replaceAll(attacker, peer)
    expect(await ban(second, '--file -', 1, forged)).toMatchObject({ counts: { refused: 1, banned: 0 } })
    await second.write('/root/list', `${peer} # ours\n\n${other}\n`)
    const said = await second.run('portward ban --file /root/list --reason "seen elsewhere"', {
      allowFailure: true,
    })
    expect(said.exitCode).toBe(1)
    expect(said.stdout).toMatch(
      /^192\.168\.1\.20: REFUSED: protected by \/root\/config\.env:1: LAN_IP and LAN_NM: 192\.168\.1\.0\/24$/m,
    )
    await expectCutOff(second, other)
    expect(await second.lan.reaches(OPEN_PORT)).toBe(true)
    expect(await rowOf(second, other)).toMatchObject({
      source: 'by hand',
      from: null,
      reason: 'seen elsewhere',
    })
  })

  it('takes nothing of a list that has a mistake, and names the line', async () => {
    expect(await ban(second, '--file -', 1, '{"version": 3,')).toMatchObject({ problems: [{ line: 1 }] })
    await second.write('/root/list', '203.0.113.81\n203.0.113.300\n')
    const { exitCode, stderr } = await second.run('portward ban --file /root/list', { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^\/root\/list:2: "203\.0\.113\.300" is not an IPv4 or IPv6 address — /m)
    expect(await rowOf(second, '203.0.113.81')).toBeUndefined()
  })

  it('bans by hand for a time, which is prolonged and never shortened', async () => {
    const host = '203.0.113.82'
    const day = (await ban(second, `${host} --for 1d --reason abuse`)).addresses[0]
    expect((await ban(second, `${host} --for 1h`)).addresses).toMatchObject([
      { outcome: 'held', until: day?.until },
    ])
    const dry = await ban(second, `${host} --for 3d --dry-run`)
    expect(dry.addresses).toMatchObject([{ outcome: 'prolonged' }])
    expect((await rowOf(second, host))?.until).toBe(day?.until)
    const longer = (await ban(second, `${host} --for 3d --reason abuse`)).addresses[0]
    expect(apart(longer?.until, day?.until)).toBeGreaterThan(86_400)
    const permanent = await ban(second, '203.0.113.84 --for permanent')
    expect(permanent.addresses).toMatchObject([{ outcome: 'banned', until: 'permanent' }])
    await second.run(`systemctl restart fail2ban; ${UNTIL_FAIL2BAN_ANSWERS}`)
    await expectHeld(second, host)
    const restored = await rowOf(second, host)
    expect(restored).toMatchObject({ source: 'by hand', reason: 'abuse', missing: [] })
    expect(apart(restored?.until, longer?.until)).toBeLessThanOrEqual(2)
  })

  it('lets a host in again when its time is over', async () => {
    const host = '203.0.113.83'
    await addAttacker(second, host)
    await ban(second, `${host} --for 4s`)
    await eventually('it gets in again', () =>
      second.attacker.reaches(OPEN_PORT, { source: host, timeoutMs: 500 }),
    )
  })

  it('takes two thousand at once, on both releases', async () => {
    const hosts = Array.from({ length: 2000 }, (_, at) => `198.51.${100 + (at >> 8)}.${at & 255}`)
    for (const server of [first, second]) {
      expect(await ban(server, '--file - --for 1d', 0, hosts.join('\n'))).toMatchObject({
        counts: { banned: 2000 },
      })
    }
  })

  it('has verify name a ban that fail2ban has and the kernel does not', async () => {
    await second.run('ipset del portward-hosts4 198.51.100.7')
    await eventually('the bans are old enough to be judged', async () => {
      const { checks } = JSON.parse(
        (await second.run('portward verify --json', { allowFailure: true })).stdout,
      )
      const { result, message } = checks.find(({ code }: { code: string }) => code === 'bans-in-force')
      return result === 'warn' && message.startsWith('fail2ban has banned 198.51.100.7, but')
    })
  })
})
