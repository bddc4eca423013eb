import { formatOffset, type LocalTime } from '../time.ts'
import type { Decision, Verdict } from './decision.ts'

const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`)
const padded = (value: number, width: number): string => `${value}`.padStart(width, '0')

const clock = ({ hour, minute, second }: LocalTime): string => `${two(hour)}:${two(minute)}:${two(second)}`

/** The line of 1.2 for its history and its blocked file (WriteBlocked()), with its newline. */
export const historyLine12 = ({ packet, host, port }: Decision, name: string, local: LocalTime): string => {
  const date = `${two(local.month)}/${two(local.day)}/${padded(local.year, 4)}`
  const seconds = Math.floor(packet.timeMs / 1000)
  const protocol = packet.protocol.toUpperCase()
  return `${seconds} - ${date} ${clock(local)} Host: ${name}/${host} Port: ${port} ${protocol} Blocked\n`
}

/** The fields ignored, triggered, noblock and blocked of 2.x (RunSentry() in sentry.c). */
const FLAGS_2: Record<Exclude<Verdict, 'in-use' | 'act'>, string> = {
  ignored: 'ignored: [true] triggered: [unset] noblock: [unset] blocked: [unset]',
  'below-trigger': 'ignored: [false] triggered: [false] noblock: [unset] blocked: [unset]',
  'own-address': 'ignored: [true] triggered: [true] noblock: [true] blocked: [false]',
  'log-only': 'ignored: [false] triggered: [true] noblock: [true] blocked: [false]',
  'already-blocked': 'ignored: [false] triggered: [true] noblock: [false] blocked: [true]',
}

const flags2 = (verdict: Verdict, blocked: boolean | null): string =>
  verdict === 'act' || verdict === 'in-use'
    ? `ignored: [false] triggered: [true] noblock: [false] blocked: [${blocked === true}]`
    : FLAGS_2[verdict]

/** 2.x's event, as in its log: without time and newline. RESOLVE_HOST has no effect: the daemon prints the address twice. */
export const scanEvent2 = (decision: Decision, blocked: boolean | null): string => {
  const { packet, host, port, scan, verdict, mode } = decision
  const { hasIpOptions, protocol } = packet
  // IPv6 and connections have no IPv4 header to look at.
  const options = mode === 'connect' || hasIpOptions === null ? 'unknown' : hasIpOptions ? 'set' : 'not set'
  const what = `protocol: [${protocol.toUpperCase()}] port: [${port}] type: [${scan}] IP opts: [${options}]`
  return `Scan from: [${host}] (${host}) ${what} ${flags2(verdict, blocked)}`
}

/** 2.x's history line of an event, with its newline. */
export const historyLine2 = (event: string, local: LocalTime): string => {
  const date = `${local.year}-${two(local.month)}-${two(local.day)}`
  return `${date}T${clock(local)}.${padded(local.millisecond, 3)}${formatOffset(local)} ${event}\n`
}
