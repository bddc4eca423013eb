import { pcap, type Recorded } from './captures.ts'
import { ethernet, icmp, ipv4, joined, type Payload, tcp, udp } from './packets.ts'

/** The sample server of fixtures/sample-server: see LAN_IP and WHITELIST in its config.env. */
const SERVER = '192.168.1.10'
const LAN_PEER = '192.168.1.55'
const WHITELISTED = '198.51.100.7'
const SCANNER = '203.0.113.9'
const STEALTHY = '198.51.100.23'
const CLIENT = '203.0.113.77'
const ACK_SCANNER = '192.0.2.44'

const FIN = 1
const SYN = 2
const RST = 4
const PSH = 8
const ACK = 16
const XMAS = FIN + PSH + 32

const IN_USE = [22, 80]

const SERVER_MAC = [2, 0, 0, 0, 0, 0x10]
const ROUTER_MAC = [2, 0, 0, 0, 0, 1]
const LAN_MAC = [2, 0, 0, 0, 0, 0x55]

/** Packets between a host and the server, in order. */
type Exchange = readonly { readonly from: string; readonly to: string; readonly content: Payload }[]

const to = (from: string, content: Payload): Exchange => [{ from, to: SERVER, content }]
const answer = (host: string, content: Payload): Exchange => [{ from: SERVER, to: host, content }]

const refuse = (host: string, hostPort: number, port: number, acknowledged: number): Exchange =>
  answer(host, tcp(port, hostPort, { flags: RST + ACK, sequence: 0, acknowledged }))

const MSS = [2, 4, 5, 0xb4]

/** A SYN probe as scanners send it: the answer of an open port is met with a reset. */
const synProbe = (host: string, hostPort: number, port: number): Exchange => {
  const probe = to(host, tcp(hostPort, port, { sequence: 1000, options: MSS }))
  if (!IN_USE.includes(port)) return [...probe, ...refuse(host, hostPort, port, 1001)]
  const accept = { flags: SYN + ACK, sequence: 9000, acknowledged: 1001, options: MSS }
  const reset = { flags: RST, sequence: 1001 }
  return [...probe, ...answer(host, tcp(port, hostPort, accept)), ...to(host, tcp(hostPort, port, reset))]
}

const synScan = (host: string, ports: readonly number[]): Exchange =>
  ports.flatMap((port, index) => synProbe(host, 40_001 + index, port))

/** A probe with odd flags to a closed port. */
const oddProbe = (host: string, hostPort: number, port: number, flags: number): Exchange => [
  ...to(host, tcp(hostPort, port, { flags, sequence: 2000 })),
  ...refuse(host, hostPort, port, flags & FIN ? 2001 : 2000),
]

/** What the server says to a datagram for a closed port quotes the IP header and 8 bytes behind it. */
const udpProbe = (host: string, hostPort: number, port: number): Exchange => {
  const probe = udp(hostPort, port, [0, 0, 0, 0])
  const quoted = ipv4(probe, { from: host, to: SERVER }).subarray(0, 28)
  return [...to(host, probe), ...answer(host, icmp(3, 3, quoted))]
}

const ackProbe = (host: string, hostPort: number, port: number): Exchange => [
  ...to(host, tcp(hostPort, port, { flags: ACK, sequence: 3000, acknowledged: 4000 })),
  ...answer(host, tcp(port, hostPort, { flags: RST, sequence: 4000 })),
]

/** Somebody who logs in, or tries to: the start of an SSH connection, and its end. */
const sshClient = (host: string, hostPort: number): Exchange => {
  const banner = [...new TextEncoder().encode('SSH-2.0-sample\r\n')]
  const [mine, its] = [5001, 7001]
  const say = (flags: number, sequence: number, acknowledged: number, data: readonly number[] = []) =>
    to(host, tcp(hostPort, 22, { flags, sequence, acknowledged, data }))
  const hear = (flags: number, sequence: number, acknowledged: number, data: readonly number[] = []) =>
    answer(host, tcp(22, hostPort, { flags, sequence, acknowledged, data }))
  return [
    ...say(SYN, mine - 1, 0),
    ...hear(SYN + ACK, its - 1, mine),
    ...say(ACK, mine, its),
    ...hear(PSH + ACK, its, mine, banner),
    ...say(PSH + ACK, mine, its + 16, banner),
    ...say(FIN + ACK, mine + 16, its + 16),
    ...hear(FIN + ACK, its + 16, mine + 17),
    ...say(ACK, mine + 17, its + 17),
  ]
}

const SCANNED = [22, 11, 23, 80, 79, 111, 143, 40_000]

/** Several at once would be truer, but one after the other is easier to read in tcpdump's output. */
const TRAFFIC: Exchange = [
  ...sshClient(CLIENT, 51_000),
  ...synScan(SCANNER, SCANNED),
  ...oddProbe(STEALTHY, 50_001, 15, FIN),
  ...oddProbe(STEALTHY, 50_002, 79, 0),
  ...oddProbe(STEALTHY, 50_003, 119, XMAS),
  ...udpProbe(STEALTHY, 50_004, 161),
  ...synScan(LAN_PEER, SCANNED),
  ...synScan(WHITELISTED, [22, 11, 143]),
  ...ackProbe(ACK_SCANNER, 60_001, 11),
  ...ackProbe(ACK_SCANNER, 60_002, 22),
  ...ackProbe(ACK_SCANNER, 60_003, 111),
]

const macOf = (address: string): readonly number[] =>
  address === SERVER ? SERVER_MAC : address === LAN_PEER ? LAN_MAC : ROUTER_MAC

/** The router asks the LAN who has the server's address: not every frame is IP. */
const ARP = ethernet(
  joined(
    [0, 1, 8, 0, 6, 4, 0, 1, ...ROUTER_MAC, 192, 168, 1, 1, 0, 0, 0, 0, 0, 0, 192, 168, 1, 10],
    Array<number>(18).fill(0),
  ),
  { source: ROUTER_MAC, destination: [255, 255, 255, 255, 255, 255], etherType: [8, 6] },
)

/** Ethernet has at least 60 bytes without its check sequence; what this machine sends is captured before that. */
const padded = (frame: Uint8Array, from: string): Uint8Array =>
  from === SERVER || frame.length >= 60 ? frame : joined(frame, new Uint8Array(60 - frame.length))

/** 2026-11-21 19:00:00 UTC. */
const START_MS = 1_795_287_600_000
const STEP_MS = 7

/** fixtures/scan.pcap: a sample server is scanned in several ways, and nobody bans anybody. */
export const sampleScan = (): Uint8Array => {
  const frames: Recorded[] = TRAFFIC.map(({ from, to: destination, content }, index) => ({
    bytes: padded(
      ethernet(ipv4(content, { from, to: destination }), {
        source: macOf(from),
        destination: macOf(destination),
      }),
      from,
    ),
    timeMs: START_MS + (index + 1) * STEP_MS,
  }))
  return pcap([{ bytes: ARP, timeMs: START_MS }, ...frames])
}
