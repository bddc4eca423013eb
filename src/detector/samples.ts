import type { Dialect } from '../documents/portsentry-conf.ts'
import { formatAddress } from '../network.ts'
import type { LocalTime } from '../time.ts'
import type { Decision } from './decision.ts'
import { historyLine2, historyLine12, scanEvent2 } from './history.ts'
import { type Address, FLAGS, type Packet } from './packet.ts'

type Ends = Pick<Packet, 'timeMs' | 'protocol' | 'source' | 'destination' | 'port'>

/** A typical packet of a scanner: a SYN, or a datagram. */
export const samplePacket = (ends: Ends): Packet => ({
  ...ends,
  sourcePort: 40_123,
  flags: ends.protocol === 'tcp' ? FLAGS.SYN : 0,
  hasIpOptions: ends.source.length === 4 ? false : null,
  isFragment: false,
  delivery: 'host',
})

/** The history line, with its newline, of a daemon that has just blocked this host for a SYN to port 11. */
export const sampleLine = (dialect: Dialect, source: Address, timeMs: number, local: LocalTime): string => {
  const host = formatAddress(source)
  const decision: Decision = {
    packet: samplePacket({ timeMs, protocol: 'tcp', source, destination: source, port: 11 }),
    mode: dialect === '1.2' ? 'atcp' : 'stealth',
    host,
    scan: 'TCP SYN/Normal scan',
    port: 11,
    verdict: 'act',
    ignoredByLine: null,
    actions: [],
  }
  return dialect === '1.2'
    ? historyLine12(decision, host, local)
    : historyLine2(scanEvent2(decision, true), local)
}
