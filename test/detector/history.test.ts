import { describe, expect, it, test } from 'vitest'
import type { Action, ActionOutcome, Mode } from '../../src/detector/decision.ts'
import { FLAGS, type Packet } from '../../src/detector/packet.ts'
import { assume, connection, detectorFor, observe, packet, utc } from './daemon.ts'

const { SYN, FIN, PSH, URG, ECE, CWR } = FLAGS
const udp = (other: Partial<Packet> & { from?: string; to?: string } = {}) =>
  packet({ protocol: 'udp', port: 7, ...other })

type Keys = Record<string, string>
type Fate = Pick<ActionOutcome, 'result'> & Partial<ActionOutcome>

interface Case {
  readonly keys?: Keys
  readonly packets?: readonly Packet[]
  readonly ignore?: string | null
  readonly inUse?: readonly number[]
  readonly method?: 'pcap' | 'raw'
  /** What becomes of the actions of an option. */
  readonly fates?: Partial<Record<Action['option'], Fate>>
}

/** Everything that the daemon leaves behind over all the packets. */
const remains = async (mode: Mode, what: Case) => {
  const { keys = {}, packets = [packet()], fates = {}, method = 'pcap', ...world } = what
  const settled = await observe(detectorFor(mode, keys, { method }), packets, {
    ...world,
    perform: (action) => ({ ...assume(action), ...fates[action.option] }),
  })
  return {
    log: settled.flatMap(({ written }) => written().log),
    history: settled.map(({ written }) => written().history ?? '').join(''),
    warnings: settled.flatMap(({ warnings }) => warnings),
    blocked: settled.map(({ blocked }) => blocked),
  }
}

const HOST = '203.0.113.9'
const WHO = `${HOST}/${HOST}`
const DROPPED = `attackalert: Host ${HOST} has been blocked via dropped route using command: "drop ${HOST}"`

describe('1.2 logs', () => {
  test.each<[Mode, Case, string[]]>([
    ['atcp', {}, [`attackalert: TCP SYN/Normal scan from host: ${WHO} to TCP port: 11`, DROPPED]],
    ['stcp', {}, [`attackalert: TCP SYN/Normal scan from host: ${WHO} to TCP port: 11`, DROPPED]],
    [
      'stcp',
      { packets: [packet({ flags: 0 })] },
      [`attackalert:  TCP NULL scan from host: ${WHO} to TCP port: 11`, DROPPED],
    ],
    ['audp', { packets: [udp()] }, [`attackalert: UDP scan from host: ${WHO} to UDP port: 7`, DROPPED]],
    ['sudp', { packets: [udp()] }, [`attackalert: UDP scan from host: ${WHO} to UDP port: 7`, DROPPED]],
    ['udp', { packets: [udp()] }, [`attackalert: Connect from host: ${WHO} to UDP port: 7`, DROPPED]],
    ['tcp', { packets: connection() }, [`attackalert: Connect from host: ${WHO} to TCP port: 11`, DROPPED]],
    [
      'atcp',
      { packets: [packet({ hasIpOptions: true })] },
      [
        `attackalert: TCP SYN/Normal scan from host: ${WHO} to TCP port: 11`,
        `attackalert: Packet from host: ${WHO} to TCP port: 11 has IP options set (detection avoidance technique).`,
        DROPPED,
      ],
    ],
    [
      'udp',
      { packets: [udp({ hasIpOptions: true })] },
      [`attackalert: Connect from host: ${WHO} to UDP port: 7`, DROPPED],
    ],
    [
      'atcp',
      { keys: { BLOCK_TCP: '0' }, packets: [packet(), packet()] },
      [
        `attackalert: TCP SYN/Normal scan from host: ${WHO} to TCP port: 11`,
        'attackalert: Ignoring TCP response per configuration file setting.',
        `attackalert: TCP SYN/Normal scan from host: ${WHO} to TCP port: 11`,
        `attackalert: Host: ${WHO} is already blocked Ignoring`,
      ],
    ],
    [
      'udp',
      { keys: { BLOCK_UDP: '5' }, packets: [udp(), udp()] },
      [
        `attackalert: Connect from host: ${WHO} to UDP port: 7`,
        'attackalert: Ignoring UDP response per configuration file setting.',
        `attackalert: Connect from host: ${WHO} to UDP port: 7`,
        `attackalert: Host: ${HOST} is already blocked. Ignoring`,
      ],
    ],
    [
      'atcp',
      { keys: { RESOLVE_HOST: '1' } },
      [`attackalert: TCP SYN/Normal scan from host: scanner.example/${HOST} to TCP port: 11`, DROPPED],
    ],
    [
      'atcp',
      { ignore: null, keys: { SCAN_TRIGGER: '2' }, packets: [packet(), packet()] },
      [
        'attackalert: ERROR: cannot open ignore file. Blocking host anyway.',
        'attackalert: ERROR: cannot open ignore file. Blocking host anyway.',
        `attackalert: TCP SYN/Normal scan from host: ${WHO} to TCP port: 11`,
        DROPPED,
      ],
    ],
    [
      'atcp',
      { keys: { SCAN_TRIGGER: '60', BLOCK_TCP: '0' } },
      [
        'securityalert: WARNING: Trigger value 60 is larger than state engine capacity of 50.',
        'Adjust the value lower or recompile with a larger state engine value.',
        'securityalert: Blocking host anyway because of invalid trigger value',
        `attackalert: TCP SYN/Normal scan from host: ${WHO} to TCP port: 11`,
        'attackalert: Ignoring TCP response per configuration file setting.',
      ],
    ],
    ['atcp', { ignore: `${HOST}\n` }, []],
    ['atcp', { inUse: [11], ignore: null }, []],
    ['atcp', { keys: { SCAN_TRIGGER: '2' } }, []],
    [
      'atcp',
      { keys: { KILL_HOSTS_DENY: 'ALL: $TARGET$', KILL_RUN_CMD: 'mail $PORT$ $MODE$' } },
      [
        `attackalert: TCP SYN/Normal scan from host: ${WHO} to TCP port: 11`,
        `attackalert: Host ${HOST} has been blocked via wrappers with string: "ALL: ${HOST}"`,
        DROPPED,
        `attackalert: External command run for host: ${HOST} using command: "mail 11 atcp"`,
      ],
    ],
  ])('%s: %j', async (mode, what, expected) => expect((await remains(mode, what)).log).toEqual(expected))

  test.each<[Mode, Packet[], string]>([
    ['stcp', [packet()], `${WHO} !!`],
    ['atcp', [packet()], `${WHO}!!`],
    ['sudp', [udp()], `${WHO}!!`],
    ['audp', [udp()], `${WHO}!!`],
    ['tcp', connection(), `${HOST} !!`],
    ['udp', [udp()], `${HOST} !!`],
  ])('%s could not block', async (mode, packets, who) => {
    const { log, history } = await remains(mode, { keys: { KILL_ROUTE: 'x' }, packets })
    expect(log.slice(1)).toEqual([
      'adminalert: No target variable specified in KILL_ROUTE option. Skipping.',
      `attackalert: ERROR: Could not block host ${who}`,
    ])
    expect(history).toBe('')
  })

  it('hosts.deny that cannot be written', async () => {
    const fates = { KILL_HOSTS_DENY: { result: 'failed', message: 'EACCES' } as const }
    const { log, blocked, warnings } = await remains('atcp', {
      keys: { KILL_HOSTS_DENY: 'ALL: $TARGET$', KILL_ROUTE: '-' },
      fates,
      packets: [packet(), packet()],
    })
    const once = [
      `attackalert: TCP SYN/Normal scan from host: ${WHO} to TCP port: 11`,
      'adminalert: cannot open hosts.deny file: /etc/hosts.deny for blocking.',
      `securityalert: ERROR: There was an error trying to block host ${HOST}`,
      `attackalert: ERROR: Could not block host ${WHO}!!`,
    ]
    expect(log).toEqual([...once, ...once])
    expect(blocked).toEqual([false, false])
    expect(warnings[0]).toBe('KILL_HOSTS_DENY was not carried out: EACCES')
  })

  it('what is too long, and no line beyond its buffer', async () => {
    const long = `${'x'.repeat(990)}$TARGET$`
    const { log } = await remains('atcp', { keys: { KILL_ROUTE: long } })
    expect(log[1]).toHaveLength(1023)
    const tooLong = await remains('atcp', { keys: { KILL_ROUTE: `xxxxxxxxxx${long}` } })
    expect(tooLong.log[1]).toBe('adminalert: Error trying to parse $TARGET$ Token for KILL_ROUTE. Skipping.')
  })
})

describe('1.2 history', () => {
  const at = '1795288592 - 11/21/2026 19:16:32'
  test.each<[Mode, Case, string]>([
    ['atcp', {}, `${at} Host: ${WHO} Port: 11 TCP Blocked\n`],
    ['atcp', { packets: [packet(), packet({ port: 15 })] }, `${at} Host: ${WHO} Port: 11 TCP Blocked\n`],
    ['atcp', { keys: { BLOCK_TCP: '0' } }, `${at} Host: ${WHO} Port: 11 TCP Blocked\n`],
    ['atcp', { keys: { RESOLVE_HOST: '1' } }, `${at} Host: scanner.example/${HOST} Port: 11 TCP Blocked\n`],
    ['audp', { packets: [udp()] }, `${at} Host: ${WHO} Port: 7 UDP Blocked\n`],
    ['tcp', { packets: connection({ port: 15 }) }, `${at} Host: ${WHO} Port: 15 TCP Blocked\n`],
    ['atcp', { ignore: `${HOST}\n` }, ''],
    ['atcp', { keys: { SCAN_TRIGGER: '2' } }, ''],
    // One action that fails is enough to leave nothing behind.
    ['atcp', { keys: { KILL_HOSTS_DENY: 'ALL: ALL' } }, ''],
    // A command never fails.
    [
      'atcp',
      { fates: { KILL_ROUTE: { result: 'failed', exitCode: 2 } } },
      `${at} Host: ${WHO} Port: 11 TCP Blocked\n`,
    ],
    // An address that ends like a blocked one is taken for blocked.
    [
      'atcp',
      { packets: [packet(), packet({ from: '3.0.113.9' })] },
      `${at} Host: ${WHO} Port: 11 TCP Blocked\n`,
    ],
  ])('%s: %j', async (mode, what, expected) => expect((await remains(mode, what)).history).toBe(expected))

  it('is in the blocked file, too', async () => {
    const [settled] = await observe(detectorFor('atcp'), [packet()])
    const { blockedRecord, history } = settled?.written() ?? {}
    expect(history).toMatch(/Blocked\n$/)
    expect(blockedRecord).toBe(history)
  })

  it('names the neighbour of a port that could not be bound', async () => {
    const keys = { TCP_PORTS: '1,11,15,22,79' }
    const detector = detectorFor('tcp', keys, { inUseAtStart: (_, port) => port === 22 })
    const [settled] = await observe(detector, connection({ port: 79 }))
    expect(settled?.written().history).toContain('Port: 22 TCP')
    expect(settled?.decision.packet.port).toBe(79)
  })
})

const event = (
  type: string,
  flags: string,
  { port = 11, options = 'not set', host = HOST, protocol = 'TCP' } = {},
) =>
  `Scan from: [${host}] (${host}) protocol: [${protocol}] port: [${port}] type: [${type}] IP opts: [${options}] ${flags}`

const flags = (ignored: string, triggered: string, noblock: string, blocked: string): string =>
  `ignored: [${ignored}] triggered: [${triggered}] noblock: [${noblock}] blocked: [${blocked}]`

const SYN_SCAN = 'TCP SYN/Normal scan'
const BLOCKED = flags('false', 'true', 'false', 'true')
const FAILED = flags('false', 'true', 'false', 'false')
const IPV6 = '2001:db8::9'

describe('2.x history', () => {
  const AT = '2026-11-21T19:16:32.506+0000 '
  test.each<[string, Mode, Case, string[]]>([
    [
      'ignored',
      'stealth',
      { ignore: `${HOST}\n` },
      [event(SYN_SCAN, flags('true', 'unset', 'unset', 'unset'))],
    ],
    [
      'below trigger',
      'stealth',
      { keys: { SCAN_TRIGGER: '2' } },
      [event(SYN_SCAN, flags('false', 'false', 'unset', 'unset'))],
    ],
    [
      'BLOCK 0',
      'stealth',
      { keys: { BLOCK_TCP: '0' } },
      [event(SYN_SCAN, flags('false', 'true', 'true', 'false'))],
    ],
    [
      'blocked now and earlier',
      'stealth',
      { packets: [packet(), packet({ port: 15 })] },
      [event(SYN_SCAN, BLOCKED), event(SYN_SCAN, BLOCKED, { port: 15 })],
    ],
    ['every action failed', 'stealth', { keys: { KILL_ROUTE: 'x' } }, [event(SYN_SCAN, FAILED)]],
    [
      'one action worked',
      'stealth',
      { keys: { KILL_ROUTE: 'x', KILL_RUN_CMD: 'y' } },
      [event(SYN_SCAN, BLOCKED)],
    ],
    [
      'the command failed',
      'stealth',
      { fates: { KILL_ROUTE: { result: 'failed', exitCode: 2 } } },
      [event(SYN_SCAN, BLOCKED)],
    ],
    [
      'own address',
      'stealth',
      { packets: [packet({ from: '192.0.2.1' })], method: 'raw' },
      [event(SYN_SCAN, flags('true', 'true', 'true', 'false'), { host: '192.0.2.1' })],
    ],
    [
      'own address in connect mode',
      'connect',
      { packets: connection({ from: '192.0.2.1' }) },
      [event('Connect', BLOCKED, { host: '192.0.2.1', options: 'unknown' })],
    ],
    [
      'IPv6',
      'stealth',
      { packets: [packet({ from: IPV6 })] },
      [event(SYN_SCAN, BLOCKED, { host: IPV6, options: 'unknown' })],
    ],
    [
      'IP options',
      'stealth',
      { packets: [packet({ hasIpOptions: true })] },
      [event(SYN_SCAN, BLOCKED, { options: 'set' })],
    ],
    ['UDP', 'stealth', { packets: [udp()] }, [event('UDP', BLOCKED, { port: 7, protocol: 'UDP' })]],
    [
      'connect, UDP',
      'connect',
      { packets: [udp()] },
      [event('Connect', BLOCKED, { port: 7, protocol: 'UDP', options: 'unknown' })],
    ],
    [
      'RESOLVE_HOST prints the address',
      'stealth',
      { keys: { RESOLVE_HOST: '1' } },
      [event(SYN_SCAN, BLOCKED)],
    ],
    ['in use', 'stealth', { inUse: [11] }, []],
    ['no HISTORY_FILE', 'stealth', { keys: { HISTORY_FILE: '-' } }, []],
  ])('%s', async (_, mode, what, expected) =>
    expect((await remains(mode, what)).history).toBe(expected.map((line) => `${AT}${line}\n`).join('')),
  )

  it('acts on every packet without a blocked file', async () => {
    const packets = [packet(), packet()]
    const settled = await observe(detectorFor('stealth', { BLOCKED_FILE: '-' }), packets)
    expect(settled.map(({ decision }) => decision.verdict)).toEqual(['act', 'act'])
    expect(settled.map(({ written }) => written().blockedRecord)).toEqual([null, null])
  })

  it('has the offset of the zone', async () => {
    const world = { localTime: (timeMs: number) => ({ ...utc(timeMs), offsetMinutes: -210 }) }
    const [settled] = await observe(detectorFor('stealth'), [packet()], world)
    expect(settled?.written().history?.startsWith('2026-11-21T19:16:32.506-0330 Scan from')).toBe(true)
  })
})

describe('2.x logs', () => {
  test.each<[string, Case, string[]]>([
    [
      'in use',
      { inUse: [11] },
      [`Ignoring packet from ${HOST} to destination port 11, a service is running`],
    ],
    ['the action, then the event', {}, [DROPPED, event(SYN_SCAN, BLOCKED)]],
    [
      'already blocked',
      { packets: [packet(), packet()] },
      [
        DROPPED,
        event(SYN_SCAN, BLOCKED),
        `attackalert: Host: ${WHO} is already blocked Ignoring`,
        event(SYN_SCAN, BLOCKED),
      ],
    ],
    [
      'nothing worked',
      { keys: { KILL_ROUTE: 'x' } },
      [
        'No target variable specified in KILL_ROUTE option. Skipping.',
        `attackalert: Error during target dispose ${WHO}!`,
        event(SYN_SCAN, FAILED),
      ],
    ],
    ['BLOCK 0', { keys: { BLOCK_TCP: '0' } }, [event(SYN_SCAN, flags('false', 'true', 'true', 'false'))]],
  ])('%s', async (_, what, expected) => expect((await remains('stealth', what)).log).toEqual(expected))
})

describe('what kind of scan', () => {
  const unknown = (counts: string) => `Unknown Type: TCP Packet Flags: ${counts}`
  test.each<[number, string, string?]>([
    [0, 'TCP NULL scan'],
    [FIN | URG | PSH, 'TCP XMAS scan'],
    [FIN | URG | PSH | SYN, 'TCP XMAS scan'],
    [FIN, 'TCP FIN scan'],
    [SYN, 'TCP SYN/Normal scan'],
    [SYN | ECE | CWR, 'TCP SYN/Normal scan'],
    [FIN | ECE, 'TCP FIN scan'],
    [SYN | FIN, unknown('SYN: 1 FIN: 1 ACK: 0 PSH: 0 URG: 0 RST: 0')],
    [URG, unknown('SYN: 0 FIN: 0 ACK: 0 PSH: 0 URG: 1 RST: 0')],
    [PSH | SYN, unknown('SYN: 1 FIN: 0 ACK: 0 PSH: 1 URG: 0 RST: 0')],
    // 1.2 knows neither of these two.
    [ECE, 'TCP NULL scan', unknown('SYN: 0 FIN: 0 ACK: 0 PSH: 0 URG: 0 RST: 0')],
    [CWR, 'TCP NULL scan', unknown('SYN: 0 FIN: 0 ACK: 0 PSH: 0 URG: 0 RST: 0')],
  ])('flags %d: %s', async (flagBits, words12, words2 = words12) => {
    const scans = await Promise.all(
      (['atcp', 'stealth'] as const).map(async (mode) => {
        const [settled] = await observe(detectorFor(mode), [packet({ flags: flagBits })])
        return settled?.decision.scan
      }),
    )
    expect(scans).toEqual([words12, words2])
  })
})

describe('warnings', () => {
  const all = 'portsentry logs the host as blocked all the same'
  test.each<[string, Mode, Case, string[]]>([
    ['all is well', 'atcp', {}, []],
    [
      'a command that failed',
      'atcp',
      {
        fates: {
          KILL_ROUTE: {
            result: 'failed',
            exitCode: 2,
            message: 'iptables: No chain/target/match by that name.',
          },
        },
      },
      [`KILL_ROUTE ended with exit code 2: iptables: No chain/target/match by that name. — ${all}`],
    ],
    [
      'one that was killed',
      'stealth',
      { fates: { KILL_ROUTE: { result: 'failed', message: 'killed after 60 s' } } },
      [`KILL_ROUTE was not carried out: killed after 60 s — ${all}`],
    ],
    [
      '1.2 without a target',
      'atcp',
      { keys: { KILL_ROUTE: 'x' } },
      ['KILL_ROUTE is skipped, it has no $TARGET$'],
    ],
    [
      '2.x without a target',
      'stealth',
      { keys: { KILL_ROUTE: 'x', KILL_RUN_CMD: 'y' } },
      [`KILL_ROUTE is skipped, it has no $TARGET$ — ${all}`],
    ],
    [
      'hosts.deny with something to say',
      'atcp',
      {
        keys: { KILL_HOSTS_DENY: '$TARGET$' },
        fates: { KILL_HOSTS_DENY: { result: 'done', message: 'glued' } },
      },
      ['KILL_HOSTS_DENY: glued'],
    ],
  ])('%s', async (_, mode, what, expected) => expect((await remains(mode, what)).warnings).toEqual(expected))
})
