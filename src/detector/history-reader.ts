import { canonicalAddress } from '../network.ts'
import type { Protocol } from './modes.ts'

/** One line of a history file, of either dialect. */
export interface HistoryEvent {
  readonly timeMs: number
  /** In canonical text. */
  readonly host: string
  readonly protocol: Protocol
  readonly port: number
  /** 2.x's words for the packet, such as `TCP SYN/Normal scan`; null for 1.2, which does not record it. */
  readonly scan: string | null
  /** Whether the daemon counted it as a scan: fail2ban bans by such a line, whatever the daemon did. */
  readonly isCounted: boolean
  /** Whether the daemon's ignore file has the host. 1.2 does not record such packets. */
  readonly isIgnored: boolean
  /** Whether the daemon considered the host blocked afterwards. */
  readonly isBlocked: boolean
}

/** A name from the DNS may contain anything but a newline; the text after the last slash is the address. */
const LINE_12 =
  /^(\d{1,11}) - \d\d\/\d\d\/\d{4,} \d\d:\d\d:\d\d Host: .*\/([\d.]+) Port: (\d{1,5}) (TCP|UDP) Blocked\r?$/

const DATE_2 = String.raw`(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})([+-])(\d\d)(\d\d)`
const LINE_2 = new RegExp(
  String.raw`^${DATE_2} Scan from: \[([\da-fA-F.:]+)\] .* protocol: \[(TCP|UDP)\] port: \[(\d{1,5})\] type: \[([^\]]*)\] IP opts: \[[^\]]*\] ignored: \[(true|false)\] triggered: \[(\w+)\] noblock: \[\w+\] blocked: \[(\w+)\]\r?$`,
)

const protocolOf = (name: string): Protocol => (name === 'TCP' ? 'tcp' : 'udp')

/** 1.2 writes no line unless it acts. */
const ACTED = { isCounted: true, isIgnored: false, isBlocked: true }

/** Null where the address or the port is none. */
const read12 = ([, seconds, text = '', number, protocol = '']: RegExpExecArray): HistoryEvent | null => {
  const [host, port, timeMs] = [canonicalAddress(text), Number(number), Number(seconds) * 1000]
  if (host === null || port > 65_535) return null
  return { timeMs, host, protocol: protocolOf(protocol), port, scan: null, ...ACTED }
}

const read2 = (found: RegExpExecArray): HistoryEvent | null => {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0] = found
    .slice(1, 8)
    .map(Number)
  const [sign, hours, minutes, text = '', name = '', number, scan = '', ignored, triggered, blocked] =
    found.slice(8)
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  const timeMs = Date.UTC(year, month - 1, day, hour, minute, second, millisecond) - offset * 60_000
  const [host, port] = [canonicalAddress(text), Number(number)]
  if (host === null || port > 65_535) return null
  const isIgnored = ignored === 'true'
  const isCounted = ignored === 'false' && triggered === 'true'
  const isBlocked = blocked === 'true'
  return { timeMs, host, protocol: protocolOf(name), port, scan, isCounted, isIgnored, isBlocked }
}

/**
 * The lines that a daemon of either dialect wrote into a history file (latin1-decoded), in the file's order; a
 * server that was upgraded may have both. Other lines are skipped, so that a text may begin in the middle of a line.
 * 1.2's blocked file has the same lines. Source: WriteBlocked() of 1.2, LogScanEvent() and similar functions of 2.0.7.
 */
export const parseHistory = (text: string): HistoryEvent[] => {
  const events: HistoryEvent[] = []
  for (const line of text.split('\n')) {
    const classic = LINE_12.exec(line)
    const native = classic === null ? LINE_2.exec(line) : null
    const event = classic !== null ? read12(classic) : native !== null ? read2(native) : null
    if (event !== null) events.push(event)
  }
  return events
}
