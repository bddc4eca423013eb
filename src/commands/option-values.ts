import { InvalidArgumentError } from 'commander'
import { parseNetwork } from '../network.ts'
import { parseSeconds } from '../policy/duration.ts'
import { type Moment, parseMoment } from '../report/window.ts'
import { parseDuration } from '../time.ts'
import { canonicalAddress } from './address.ts'
import { MODES } from './detect-options.ts'

/** An address in canonical form. What is wrong with a value follows the value in the message: see help/answer.ts. */
export const parseAddress = (text: string): string => {
  const address = canonicalAddress(text)
  if (address === null) {
    const hint = 'is a network: give single addresses; portward bans lists those that are banned'
    throw new InvalidArgumentError(parseNetwork(text) === null ? 'is not an IPv4 or IPv6 address' : hint)
  }
  return address
}

/** One of several addresses, each in canonical form, and each only once. */
export const parseAddresses = (text: string, previous: readonly string[] = []): readonly string[] => [
  ...new Set([...previous, parseAddress(text)]),
]

/** The length of a ban in fail2ban's units, in milliseconds; Infinity: permanently (commander would make '' of null). */
export const parseBanTime = (text: string): number => {
  if (text === '-1' || text === 'permanent') return Number.POSITIVE_INFINITY
  const seconds = parseSeconds(text)
  if (seconds !== null) return seconds * 1000
  throw new InvalidArgumentError('is not a time such as 30m, 12h, 1d or "1w 2d", nor "permanent"')
}

export const parseGeneration = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError('is not the number of a generation: portward generations lists them')
  return Number(text)
}

/** Less than the minimum leaves no time to log in; after more than the maximum people have forgotten it. */
const [MIN_CONFIRM_MS, MAX_CONFIRM_MS] = [10_000, 24 * 3_600_000]

/** In milliseconds. */
export const parseConfirmWithin = (text: string): number => {
  const duration = parseDuration(text) ?? 0
  if (duration >= MIN_CONFIRM_MS && duration <= MAX_CONFIRM_MS) return duration
  throw new InvalidArgumentError('is not a time from 10s to 24h, such as 5m')
}

export const parseMode = (text: string, previous: readonly string[] = []): readonly string[] => {
  if (!MODES.includes(text)) throw new InvalidArgumentError(`is not one of ${MODES.join(', ')}`)
  return [...previous, text]
}

export const parseTime = (text: string): Moment => {
  const moment = parseMoment(text)
  if (moment !== null) return moment
  throw new InvalidArgumentError('is not a time such as 24h, 7d, 2026-11-01 or "2026-11-01 18:00"')
}
