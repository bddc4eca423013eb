import type { Dialect } from '../documents/portsentry-conf.ts'
import type { Mode } from './decision.ts'
import { isConnectMode } from './modes.ts'
import { FLAGS, type Packet } from './packet.ts'

const { FIN, SYN, RST, PSH, ACK, URG } = FLAGS
/** The flags that both dialects check; ECE and CWR only keep 2.x from calling a packet NULL. */
const CLASSIC = FIN | SYN | RST | PSH | ACK | URG

const bit = (flags: number, flag: number): number => ((flags & flag) === 0 ? 0 : 1)

const describeTcp = (flags: number, dialect: Dialect): string => {
  const classic = flags & CLASSIC
  if ((dialect === '1.2' ? classic : flags) === 0) return 'TCP NULL scan'
  if ((flags & (FIN | URG | PSH)) === (FIN | URG | PSH)) return 'TCP XMAS scan'
  if (classic === FIN) return 'TCP FIN scan'
  if (classic === SYN) return 'TCP SYN/Normal scan'
  const counts = `SYN: ${bit(flags, SYN)} FIN: ${bit(flags, FIN)} ACK: ${bit(flags, ACK)}`
  return `Unknown Type: TCP Packet Flags: ${counts} PSH: ${bit(flags, PSH)} URG: ${bit(flags, URG)} RST: ${bit(flags, RST)}`
}

/** The daemon's words for a packet (ReportPacketType() of both, checked in its order), without 1.2's additional blank. */
export const describeScan = ({ protocol, flags }: Packet, mode: Mode, dialect: Dialect): string => {
  if (isConnectMode(mode)) return 'Connect'
  if (protocol === 'udp') return dialect === '1.2' ? 'UDP scan' : 'UDP'
  return describeTcp(flags, dialect)
}
