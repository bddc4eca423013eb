import { HostError } from '../host/host-error.ts'

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }
/** Less leaves no time to log in, more is forgotten. */
const SHORTEST_MS = 10_000
const LONGEST_MS = 24 * 3_600_000

/** Milliseconds of `90s`, `5m` or `1h`. Throws HostError. */
export const parseDuration = (text: string): number => {
  const [, number = '', unit = ''] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  const duration = Number(number) * (UNITS_MS[unit] ?? 0)
  if (duration >= SHORTEST_MS && duration <= LONGEST_MS) return duration
  throw new HostError(`"${text}" is no time to wait for a confirmation`, 'give 10s to 24h, such as 5m')
}
