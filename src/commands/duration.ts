const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }
/** Less leaves no time to log in, more is forgotten. */
const SHORTEST_MS = 10_000
const LONGEST_MS = 24 * 3_600_000

/** Milliseconds of `90s`, `5m` or `1h`, from 10s to 24h; null for anything else. */
export const parseDuration = (text: string): number | null => {
  const [, number = '', unit = ''] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  const duration = Number(number) * (UNITS_MS[unit] ?? 0)
  return duration >= SHORTEST_MS && duration <= LONGEST_MS ? duration : null
}
