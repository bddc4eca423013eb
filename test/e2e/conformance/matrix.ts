import type { Mode } from '../../../src/detector/decision.ts'
import { addresses } from '../harness/network.ts'

/** One way to run the stock daemon: 1.2 has a daemon a protocol, 2.0.7 one for both. */
export interface Setup {
  readonly version: '1.2' | '2.0.7'
  readonly modes: readonly Mode[]
  /** How a 2.x stealth daemon reads packets; null elsewhere. */
  readonly method: 'pcap' | 'raw' | null
  readonly trigger: 0 | 1 | 2
  /** BLOCK_TCP and BLOCK_UDP. */
  readonly block: 0 | 1 | 2
  readonly commandFirst: boolean
}

type Daemon = Pick<Setup, 'version' | 'modes' | 'method'>

const DAEMONS: readonly Daemon[] = [
  { version: '1.2', modes: ['tcp', 'udp'], method: null },
  { version: '1.2', modes: ['stcp', 'sudp'], method: null },
  { version: '1.2', modes: ['atcp', 'audp'], method: null },
  { version: '2.0.7', modes: ['stealth'], method: 'pcap' },
  { version: '2.0.7', modes: ['stealth'], method: 'raw' },
  { version: '2.0.7', modes: ['connect'], method: null },
]

const LEVELS = [0, 1, 2] as const

const isConnect = ({ modes }: Pick<Setup, 'modes'>): boolean =>
  modes.includes('tcp') || modes.includes('connect')

/** `1.2 atcp+audp`, `2.0.7 stealth pcap`. */
export const daemonName = ({ version, modes, method }: Daemon): string =>
  [version, modes.join('+'), method].filter((part) => part !== null).join(' ')

/** Every daemon with every SCAN_TRIGGER and BLOCK_*; KILL_RUN_CMD_FIRST is on in every other one. */
export const ALL_SETUPS: readonly Setup[] = DAEMONS.flatMap((daemon) =>
  LEVELS.flatMap((trigger) =>
    LEVELS.map((block) => ({ ...daemon, trigger, block, commandFirst: (trigger + block) % 2 === 1 })),
  ),
)

/**
 * A third of them: every daemon with every SCAN_TRIGGER and with every BLOCK_*, and every pair of these two with one
 * daemon of each version.
 */
export const THIRD_OF_SETUPS: readonly Setup[] = DAEMONS.flatMap((daemon, index) =>
  ALL_SETUPS.filter(
    (setup) => daemonName(setup) === daemonName(daemon) && (setup.block - setup.trigger - index) % 3 === 0,
  ),
)

export const setupName = (setup: Setup): string =>
  `${daemonName(setup)}, SCAN_TRIGGER ${setup.trigger}, BLOCK_* ${setup.block}`

/** What the ports are to the daemons, in the order in which they are scanned. */
export const PORTS: readonly { readonly port: number; readonly role: string }[] = [
  { port: 11, role: 'listed' },
  { port: 80, role: 'in use' },
  { port: 143, role: 'listed' },
  { port: 300, role: 'excluded' },
  { port: 400, role: 'used later' },
  { port: 1023, role: 'unlisted' },
  { port: 1024, role: 'unlisted' },
  { port: 40_000, role: 'high' },
]

/** A service has it before the daemon starts; on all addresses of both families. */
export const PORT_IN_USE = 80

/** A service takes it when the daemon runs already; on all IPv4 addresses. */
export const PORT_USED_LATER = 400

/** Beyond what ADVANCED_PORTS_* and the lists cover; connect modes could not give up a port that they hold. */
const LISTED_RAW_12 = [11, PORT_IN_USE, 143, PORT_USED_LATER]
const LISTED_CONNECT = [11, PORT_IN_USE, 143]

/** TCP_PORTS and UDP_PORTS; 2.x knows ranges, too. */
export const portList = (setup: Setup): string => {
  if (isConnect(setup)) return LISTED_CONNECT.join(',')
  return setup.version === '1.2' ? LISTED_RAW_12.join(',') : `11,${PORT_IN_USE},142-143,${PORT_USED_LATER}`
}

/**
 * The port that was meant where one is logged: 1.2's tcp and udp take the number from the whole list, by the
 * index among the sockets that they could bind.
 */
export const meantPort = (setup: Setup, logged: number): number => {
  if (setup.version !== '1.2' || !isConnect(setup)) return logged
  const bound = LISTED_CONNECT.filter((port) => port !== PORT_IN_USE)
  return bound[LISTED_CONNECT.indexOf(logged)] ?? logged
}

/** One nmap run from an address of its own. */
export interface Scan {
  readonly name: string
  readonly options: readonly string[]
  readonly source: string
  readonly target: string
}

const scan = (options: string, source: string, name = options, target?: string): Scan => ({
  ...{ name, source },
  options: options.split(' '),
  target: target ?? (source.includes(':') ? addresses.server.wan6 : addresses.server.wan),
})

/** Sources that the ignore file names; the network is one with more than a host. */
export const IGNORED = ['203.0.113.40', '203.0.113.64/28'] as const

/** The server's own address on the attacker's side, from which it scans itself. */
export const OWN_ADDRESS = addresses.server.wan

/**
 * Fragments: the 8 bytes of -f hold the ports of a TCP header but not its flags, 24 all of it; a datagram's header is
 * 8. The bytes after that are not random, in which 2.x by raw sockets would look for ports. Of a record route only
 * that there is an IP option counts.
 */
export const SCANS: readonly Scan[] = [
  ...['-sT', '-sS', '-sF', '-sN', '-sX', '-sA', '-sM', '-sU'].map((option, index) =>
    scan(option, `203.0.113.${21 + index}`),
  ),
  scan('-sS --scanflags SYNURG', '203.0.113.31'),
  scan('-sS --scanflags ECE', '203.0.113.32'),
  scan('-sS --ip-options R', '203.0.113.33'),
  scan('-sS -f', '203.0.113.34'),
  scan(`-sS --mtu 24 --data-string ${'x'.repeat(16)}`, '203.0.113.35', '-sS --mtu 24'),
  scan(`-sU --mtu 8 --data-string ${'x'.repeat(16)}`, '203.0.113.36', '-sU --mtu 8'),
  scan('-sU', '203.0.113.37', '-sU (broadcast)', '203.0.113.255'),
  scan('-sU', '203.0.113.38', '-sU (multicast)', '224.0.0.1'),
  scan('-6 -sT', '2001:db8::21'),
  scan('-6 -sU', '2001:db8::28'),
  scan('-6 -sU', '2001:db8::38', '-6 -sU (all nodes)', 'ff02::1'),
  scan('-sS -sU', '203.0.113.40', '-sS -sU (ignored)'),
  scan('-sT', '203.0.113.70', '-sT (ignored network)'),
  scan('-sT', OWN_ADDRESS, '-sT (own address)'),
]

/** Scans in fragments. */
export const FRAGMENTED: readonly string[] = ['-sS -f', '-sS --mtu 24', '-sU --mtu 8']

/**
 * Scans that begin when the others have ended: what the daemon makes of their last packet says that it has read
 * everything. Ports: listed ones, the last one that a connect mode holds among them.
 */
export const SENTINELS: readonly (Scan & { readonly family: 4 | 6 })[] = [
  { ...scan('-sT', '203.0.113.50'), family: 4 },
  { ...scan('-sU', '203.0.113.51'), family: 4 },
  { ...scan('-6 -sT', '2001:db8::50'), family: 6 },
]

export const SENTINEL_PORTS: readonly number[] = [11, 143]
