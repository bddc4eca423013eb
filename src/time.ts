/** A timestamp in the server's local time; `month` is 1 to 12, `offsetMinutes` counts east of UTC. */
export interface LocalTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
  readonly offsetMinutes: number
}

/** `07` */
export const twoDigits = (number: number): string => `${number}`.padStart(2, '0')

/** `+0100` */
export const formatOffset = ({ offsetMinutes }: Pick<LocalTime, 'offsetMinutes'>): string => {
  const size = Math.abs(offsetMinutes)
  return `${offsetMinutes < 0 ? '-' : '+'}${twoDigits(Math.floor(size / 60))}${twoDigits(size % 60)}`
}

const UNITS_MS = { h: 3_600_000, m: 60_000, s: 1000 } as const

/** `4m 12s`, rounded up to seconds. */
export const formatDuration = (ms: number): string => {
  let rest = Math.ceil(ms / 1000) * 1000
  const parts = Object.entries(UNITS_MS).flatMap(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count === 0 ? [] : [`${count}${unit}`]
  })
  return parts.join(' ') || '0s'
}

/** Milliseconds of `90s`, `5m` or `1h`; null for anything else. */
export const parseDuration = (text: string): number | null => {
  const [, number, unit] = /^(\d{1,6})([hms])$/.exec(text) ?? []
  return unit === undefined ? null : Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS]
}

/** fail2ban shows later ends as the end of the year 9999, and ISO 8601 needs a sign from the year 10000 on. */
const NEVER_MS = Date.UTC(9999, 11, 31)

/** The end of a ban; null, permanently, where it is further away than a date can be. */
export const endOrNever = (untilMs: number): number | null => (untilMs < NEVER_MS ? untilMs : null)
