import { describe, expect, it, test } from 'vitest'
import type { Mode, Verdict } from '../../src/detector/decision.ts'
import type { DetectorOptions } from '../../src/detector/detector.ts'
import { FLAGS, type Packet } from '../../src/detector/packet.ts'
import type { Connection } from '../../src/detector/watcher.ts'
import { address, assume, connection, detectorFor, observe, packet, TIME_MS, watch } from './daemon.ts'

type Keys = Record<string, string>
type Seen = Partial<Packet> & { from?: string; to?: string }

const MODES_12: readonly Mode[] = ['tcp', 'stcp', 'atcp', 'udp', 'sudp', 'audp']

/** The modes of the table's columns that notice a packet; `raw` is stealth with -m raw. */
const noticedBy = (seen: Seen, options: Partial<DetectorOptions> = {}): string => {
  const one = packet(seen)
  const modes = MODES_12.filter((mode) => detectorFor(mode, {}, options).watches(one))
  const pcap = detectorFor('stealth', {}, { ...options, method: 'pcap' }).watches(one) ? ['pcap'] : []
  const raw = detectorFor('stealth', {}, { ...options, method: 'raw' }).watches(one) ? ['raw'] : []
  const connect = detectorFor('connect', {}, options).watches(one) ? ['connect'] : []
  return [...modes, ...pcap, ...raw, ...connect].join(' ')
}

const TCP = 'stcp atcp pcap raw'
const UDP = 'udp sudp audp pcap raw connect'
const SIX = { from: '2001:db8::9' }
const udp = (other: Seen = {}): Seen => ({ protocol: 'udp', port: 7, ...other })

describe('which modes see a packet', () => {
  test.each<[string, Seen, string]>([
    ['-sS', {}, TCP],
    ['-sF', { flags: FLAGS.FIN }, TCP],
    ['-sN', { flags: 0 }, TCP],
    ['-sX', { flags: FLAGS.FIN | FLAGS.PSH | FLAGS.URG }, TCP],
    ['-sA, -sW', { flags: FLAGS.ACK }, ''],
    ['-sM', { flags: FLAGS.FIN | FLAGS.ACK }, ''],
    ['an answer', { flags: FLAGS.SYN | FLAGS.ACK }, ''],
    ['a reset', { flags: FLAGS.RST }, ''],
    ['-sU', udp(), UDP],
    ['another port', { port: 22 }, 'atcp'],
    ['another UDP port', udp({ port: 53 }), 'audp'],
    ['IPv6', SIX, 'pcap raw'],
    ['IPv6, UDP', udp(SIX), 'pcap raw connect'],
    ['a first fragment', { isFragment: true }, 'pcap raw'],
    ['IP options', { hasIpOptions: true }, TCP],
    ['what the server sends', { delivery: 'outgoing' }, ''],
    ['what goes to others', { delivery: 'other-host' }, ''],
    ['a link that does not say', { delivery: 'unknown' }, TCP],
    ['UDP to everyone', udp({ delivery: 'broadcast', to: '192.0.2.255' }), 'udp sudp audp connect'],
    ['UDP to a group', udp({ delivery: 'multicast', to: '224.0.0.1' }), 'udp sudp audp'],
    [
      'the same by a link that does not say',
      udp({ delivery: 'unknown', to: '255.255.255.255' }),
      'udp sudp audp connect',
    ],
    ['UDP to all nodes, IPv6', udp({ ...SIX, delivery: 'multicast', to: 'ff02::1' }), 'connect'],
    ['UDP to another group, IPv6', udp({ ...SIX, delivery: 'multicast', to: 'ff02::fb' }), ''],
    ['TCP to everyone', { delivery: 'broadcast', to: '255.255.255.255' }, ''],
    ['over loopback', { from: '127.0.0.1', to: '127.0.0.1' }, 'stcp atcp raw'],
    ['over loopback, IPv6', { from: '::1', to: '::1' }, 'raw'],
    ['to an address for the link, IPv6', { from: 'fe80::9', to: 'fe80::1' }, ''],
    ['to an address for the link, IPv4', { to: '169.254.1.1' }, 'stcp atcp raw'],
    ['TCP port 0', { port: 0 }, 'atcp raw'],
  ])('%s', (_, seen, expected) => expect(noticedBy(seen)).toBe(expected))

  const own = { addresses: [address('192.0.2.1'), address('2001:db8::1')] }
  test.each<[string, Seen, string]>([
    ['its own address', {}, TCP],
    ['its own, IPv6', SIX, 'pcap raw'],
    ['another one', { to: '192.0.2.2' }, ''],
    ['loopback', { to: '127.0.0.1' }, 'stcp atcp raw'],
    ['UDP to everyone', udp({ delivery: 'broadcast', to: '192.0.2.255' }), 'udp sudp audp connect'],
    ['UDP to everyone on the link, but to it', udp({ delivery: 'broadcast' }), 'udp sudp audp pcap connect'],
    ['from itself, which goes by lo', { from: '192.0.2.1' }, 'stcp atcp raw'],
  ])('where the addresses are known: %s', (_, seen, expected) => expect(noticedBy(seen, own)).toBe(expected))
})

describe('ports in use at the start', () => {
  const taken = { inUseAtStart: (_: string, port: number) => port === 11 }
  it('are not watched by 1.2', () => expect(noticedBy({}, taken)).toBe('pcap raw'))
  it('cannot be opened by a connect mode', () =>
    expect(detectorFor('connect', {}, taken).accepts('tcp', 11)).toBe(false))
  it.each<[Mode, Keys, number, boolean]>([
    ['atcp', {}, 1023, true],
    ['atcp', {}, 1024, false],
    ['atcp', { ADVANCED_EXCLUDE_TCP: '113,139' }, 139, false],
    ['atcp', { ADVANCED_PORTS_TCP: '2000' }, 1999, true],
  ])('-%s %j, port %d: %s', (mode, keys, port, expected) =>
    expect(detectorFor(mode, keys, taken).watches(packet({ port }))).toBe(expected),
  )
  it('and none at all: everything is', () =>
    expect(detectorFor('atcp').watches(packet({ port: 65_535 }))).toBe(true))
})

describe('a connection on the wire', () => {
  test.each<[Mode, Seen, number]>([
    ['tcp', {}, 1],
    ['connect', {}, 1],
    ['connect', SIX, 1],
    ['tcp', SIX, 0],
    ['tcp', { port: 22 }, 0],
    ['udp', {}, 0],
  ])('%s %j: %d', async (mode, seen, count) =>
    expect(await observe(detectorFor(mode), connection(seen))).toHaveLength(count),
  )
})

interface Case {
  readonly keys?: Keys
  readonly packets?: readonly Packet[]
  readonly ignore?: string
  readonly inUse?: readonly number[]
  readonly method?: 'pcap' | 'raw'
}

const verdicts = async (
  mode: Mode,
  { keys, packets = [packet()], method = 'pcap', ...world }: Case,
): Promise<Verdict[]> =>
  (await observe(detectorFor(mode, keys, { method }), packets, world)).map(({ decision }) => decision.verdict)

// In these modes the port is taken by the daemon itself.
it.each<Mode>(['tcp', 'connect'])('a connection to a port that -%s listens on is a scan', async (mode) => {
  const [seen] = await observe(detectorFor(mode), connection(), { inUse: [11] })
  expect(seen?.decision.verdict).toBe('act')
})

const twice = [packet(), packet()]

describe('verdicts', () => {
  test.each<[string, Case, Verdict[], Verdict[]]>([
    [
      'a service has the port, whoever asks',
      { inUse: [11], ignore: '203.0.113.9\n' },
      ['in-use'],
      ['in-use'],
    ],
    [
      'ignored before the trigger counts',
      { ignore: '203.0.113.9\n', keys: { SCAN_TRIGGER: '2' }, packets: twice },
      ['ignored', 'ignored'],
      ['ignored', 'ignored'],
    ],
    ['a network', { ignore: '203.0.113.0/24\n' }, ['ignored'], ['ignored']],
    ['host bits', { ignore: '203.0.113.77/24\n' }, ['ignored'], ['act']],
    [
      '/0 is /32',
      { ignore: '203.0.113.9/0\n', packets: [packet(), packet({ from: '198.51.100.1' })] },
      ['ignored', 'act'],
      ['ignored', 'act'],
    ],
    [
      '/25',
      { ignore: '203.0.113.128/25\n', packets: [packet(), packet({ from: '203.0.113.129' })] },
      ['act', 'ignored'],
      ['act', 'ignored'],
    ],
    [
      'the trigger',
      { keys: { SCAN_TRIGGER: '2' }, packets: twice },
      ['below-trigger', 'act'],
      ['below-trigger', 'act'],
    ],
    [
      'packets to services do not count',
      { keys: { SCAN_TRIGGER: '2' }, inUse: [15], packets: [packet({ port: 15 }), packet()] },
      ['in-use', 'below-trigger'],
      ['in-use', 'below-trigger'],
    ],
    ['SCAN_TRIGGER 1', { keys: { SCAN_TRIGGER: '1' } }, ['act'], ['act']],
    ['SCAN_TRIGGER 51', { keys: { SCAN_TRIGGER: '51' } }, ['act'], ['below-trigger']],
    [
      'BLOCK 0',
      { keys: { BLOCK_TCP: '0' }, packets: twice },
      ['act', 'already-blocked'],
      ['log-only', 'log-only'],
    ],
    ['once blocked', { packets: twice }, ['act', 'already-blocked'], ['act', 'already-blocked']],
    [
      'a suffix of a blocked one',
      { packets: [packet(), packet({ from: '3.0.113.9' })] },
      ['act', 'already-blocked'],
      ['act', 'act'],
    ],
    ['no action worked', { keys: { KILL_ROUTE: 'x' }, packets: twice }, ['act', 'act'], ['act', 'act']],
    [
      'from its own address',
      { packets: [packet({ from: '192.0.2.1' })], method: 'raw' },
      ['act'],
      ['own-address'],
    ],
  ])('%s', async (_, what, classic, native) => {
    expect(await verdicts('atcp', what)).toEqual(classic)
    expect(await verdicts('stealth', what)).toEqual(native)
  })

  it('name the line of the ignore list, the first that fits', async () => {
    const [settled] = await observe(detectorFor('stealth'), [packet({ from: 'fd00::7' })], {
      ignore: '# LAN\n192.0.2.0/24\nfd00::/64\nfd00::/8\n',
    })
    expect(settled?.decision.ignoredByLine).toBe(3)
  })

  it('are one for both protocols in 2.x, one for each in 1.2', async () => {
    const packets = [packet(), packet({ protocol: 'udp', port: 7 })]
    const modern = await observe(detectorFor('stealth'), packets)
    expect(modern.map(({ decision }) => decision.verdict)).toEqual(['act', 'already-blocked'])
    const { watcher, settled } = watch([detectorFor('atcp'), detectorFor('audp')])
    for (const one of packets) await watcher.observe(one)
    expect(settled.map(({ decision }) => [decision.mode, decision.verdict])).toEqual([
      ['atcp', 'act'],
      ['audp', 'act'],
    ])
  })
})

describe('the blocked file', () => {
  it('of 1.2 is what it is now', async () => {
    const texts = [undefined, undefined, '', undefined, 'Host: x/198.51.100.1 Port\n']
    const { watcher, settled } = watch([detectorFor('atcp')], { blockedText: () => texts.shift() })
    const hosts = ['203.0.113.9', '203.0.113.9', '203.0.113.9', '203.0.113.9', '198.51.100.1']
    for (const from of hosts) await watcher.observe(packet({ from }))
    expect(settled.map(({ decision }) => decision.verdict)).toEqual([
      'act',
      'already-blocked',
      'act',
      'already-blocked',
      'already-blocked',
    ])
  })

  it('of 2.x is what it was at the start', async () => {
    const blocked = Uint8Array.of(2, 0, 203, 0, 113, 9)
    const [settled] = await observe(detectorFor('stealth', {}, { blocked }), [packet()])
    expect(settled?.decision.verdict).toBe('already-blocked')
    const [fresh] = await observe(detectorFor('stealth'), [packet()])
    expect(fresh?.written().blockedRecord).toEqual(blocked)
  })
})

describe('the watcher', () => {
  it('asks for the port as the daemon does', async () => {
    const asked: unknown[] = []
    const world = { isInUse: (...question: unknown[]) => asked.push(question) === 0 }
    for (const mode of ['atcp', 'stealth', 'connect'] as const)
      await observe(detectorFor(mode), connection(), world)
    expect(asked).toEqual([
      ['tcp', 11, null],
      ['tcp', 11, [192, 0, 2, 1]],
    ])
  })

  it('answers at once where no detector watches', () => {
    const { watcher } = watch([detectorFor('stcp'), detectorFor('sudp')], {
      perform: async (it) => assume(it),
    })
    expect(watcher.observe(packet({ port: 22 }))).toBeUndefined()
    expect(watcher.observe(packet())).toBeInstanceOf(Promise)
  })

  it('is done at once where no effect has to be waited for', () => {
    const { watcher, settled } = watch([detectorFor('stcp'), detectorFor('atcp')])
    expect([watcher.observe(packet()), watcher.observe(packet())]).toEqual([undefined, undefined])
    const verdicts = ['act', 'act', 'already-blocked', 'already-blocked']
    expect(settled.map(({ decision }) => decision.verdict)).toEqual(verdicts)
  })

  it('keeps a packet that is overwritten before its turn', async () => {
    const { watcher, settled } = watch([detectorFor('atcp')], { isInUse: async () => false })
    const source = [...address('203.0.113.9')]
    const overwritten = { ...packet(), source }
    const doing = watcher.observe(overwritten)
    Object.assign(overwritten, { port: 15 })
    source[3] = 10
    await doing
    expect(settled.map(({ decision: { host, port } }) => `${host} ${port}`)).toEqual(['203.0.113.9 11'])
  })

  it('takes one packet at a time, in order', async () => {
    const told: string[] = []
    const slowly = async <T>(word: string, value: T): Promise<T> => {
      told.push(`${word} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      told.push(`${word} ends`)
      return value
    }
    const { watcher, settled } = watch([detectorFor('atcp')], {
      isInUse: (_, port) => slowly(`bind ${port}`, false),
      perform: (action) => slowly('action', assume(action)),
    })
    const first = watcher.observe(packet())
    const second = watcher.observe(packet({ port: 15 }))
    expect(settled).toEqual([])
    await Promise.all([first, second])
    expect(told).toEqual([
      'bind 11 begins',
      'bind 11 ends',
      'action begins',
      'action ends',
      'bind 15 begins',
      'bind 15 ends',
    ])
    expect(settled.map(({ decision }) => decision.verdict)).toEqual(['act', 'already-blocked'])
    expect(watcher.observe(packet({ port: 22 }))).toBeInstanceOf(Promise)
  })

  it('goes on after an effect that failed, which it tells', async () => {
    const failures = [Promise.reject(new Error('bind')), Promise.resolve(false)]
    const { watcher, settled } = watch([detectorFor('atcp')], { isInUse: () => failures.shift() ?? false })
    const first = watcher.observe(packet())
    const second = watcher.observe(packet())
    await expect(first).rejects.toThrow('bind')
    await second
    expect(settled).toHaveLength(1)
  })

  it('passes over actions in their order, with what came of them', async () => {
    const keys = { KILL_HOSTS_DENY: 'ALL: $TARGET$', KILL_RUN_CMD: 'run', KILL_RUN_CMD_FIRST: '1' }
    const [settled] = await observe(detectorFor('atcp', keys), [packet()], {
      perform: async (action) => assume(action),
    })
    expect(settled?.outcomes.map(({ action, result }) => [action.option, result])).toEqual([
      ['KILL_RUN_CMD', 'assumed'],
      ['KILL_HOSTS_DENY', 'assumed'],
      ['KILL_ROUTE', 'assumed'],
    ])
  })
})

describe('connections that sockets got', () => {
  const arrival = (other: Partial<Connection> = {}): Connection => ({
    timeMs: TIME_MS,
    protocol: 'tcp',
    source: address('203.0.113.9'),
    destination: null,
    sourcePort: 40_000,
    port: 11,
    ...other,
  })

  test.each<[Mode, Partial<Connection>, string]>([
    ['tcp', {}, '203.0.113.9 11 Connect act'],
    ['tcp', { port: 22 }, ''],
    ['tcp', { protocol: 'udp' }, ''],
    ['atcp', {}, ''],
    ['stealth', {}, ''],
    ['connect', {}, '203.0.113.9 11 Connect act'],
    ['connect', { protocol: 'udp', port: 7 }, '203.0.113.9 7 Connect act'],
    ['connect', { source: address('::ffff:cb00:7109') }, '203.0.113.9 11 Connect act'],
    ['connect', { source: address('2001:db8::9') }, '2001:db8::9 11 Connect act'],
  ])('%s %j: %s', async (mode, other, expected) => {
    const { watcher, settled } = watch([detectorFor(mode)])
    await watcher.observeConnection(arrival(other))
    const told = settled.map(
      ({ decision: { host, port, scan, verdict } }) => `${host} ${port} ${scan} ${verdict}`,
    )
    expect(told.join()).toBe(expected)
  })

  test.each<[Mode, Keys, string, number]>([
    ['tcp', {}, '', 1],
    ['tcp', { SCAN_TRIGGER: '2' }, '', 0],
    ['tcp', {}, '203.0.113.9\n', 0],
    ['tcp', { PORT_BANNER: '-' }, '', 0],
    ['connect', { BLOCK_TCP: '0' }, '', 1],
    ['connect', { SCAN_TRIGGER: '2' }, '', 0],
  ])('%s %j, %j is ignored: %d banners', async (mode, keys, ignore, count) => {
    const banners: string[] = []
    const { watcher } = watch([detectorFor(mode, { PORT_BANNER: 'go away', ...keys })], { ignore })
    await watcher.observeConnection(arrival({ sendBanner: (banner) => banners.push(banner) }))
    expect(banners).toEqual(Array(count).fill('go away'))
  })
})
