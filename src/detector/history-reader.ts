import { formatAddress, parseAddress } from '../network.ts'
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

const event = (
  timeMs: number,
  host: string,
  port: string,
  protocol: string,
  rest: Pick<HistoryEvent, 'scan' | 'isCounted' | 'isBlocked'>,
): HistoryEvent[] => {
  const address = parseAddress(host)
  if (address === null || Number(port) > 65_535) return []
  const name = protocol === 'TCP' ? 'tcp' : 'udp'
  return [{ timeMs, host: formatAddress(address), protocol: name, port: Number(port), ...rest }]
}

const read12 = ([, seconds, host = '', port = '', protocol = '']: RegExpExecArray): HistoryEvent[] =>
  event(Number(seconds) * 1000, host, port, protocol, { scan: null, isCounted: true, isBlocked: true })

const read2 = (found: RegExpExecArray): HistoryEvent[] => {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0] = found
    .slice(1, 8)
    .map(Number)
  const [sign, hours, minutes, host = '', protocol = '', port = '', scan = '', ignored, triggered, blocked] =
    found.slice(8)
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  const timeMs = Date.UTC(year, month - 1, day, hour, minute, second, millisecond) - offset * 60_000
  const isCounted = ignored === 'false' && triggered === 'true'
  return event(timeMs, host, port, protocol, { scan, isCounted, isBlocked: blocked === 'true' })
}

/**
 * The lines that a daemon of either dialect wrote into a history file (latin1-decoded), in the file's order; a
 * server that was upgraded may have both. Other lines are skipped, so that a text may begin in the middle of a line.
 * 1.2's blocked file has the same lines. Source: WriteBlocked() of 1.2, LogScanEvent() and similar functions of 2.0.7.
 */
export const parseHistory = (text: string): HistoryEvent[] =>
  text.split('\n').flatMap((line) => {
    const classic = LINE_12.exec(line)
    if (classic !== null) return read12(classic)
    const native = LINE_2.exec(line)
    return native === null ? [] : read2(native)
  })
