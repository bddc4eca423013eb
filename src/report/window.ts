/** A moment as an admin writes it: so long ago, or a local date with or without a time. */
export type Moment =
  | { readonly kind: 'ago'; readonly ms: number }
  | { readonly kind: 'local'; readonly parts: LocalParts }
  | { readonly kind: 'utc'; readonly ms: number }

/** Year, month (1 to 12), day, hour, minute, second. */
export type LocalParts = readonly [number, number, number, number, number, number]

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z?))?$/

/** Days of a month in the Gregorian calendar. */
const daysIn = (year: number, month: number): number => {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
}

/** `90m`, `24h`, `7d`, `2w`, `2026-11-01`, `2026-11-01 18:30`, `2026-11-01T18:30:00Z`; null for anything else. */
export const parseMoment = (text: string): Moment | null => {
  const [, number, unit] = /^(\d{1,5})([mhdw])$/.exec(text) ?? []
  if (unit !== undefined) return { kind: 'ago', ms: Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS] }
  const found = DATE.exec(text)
  if (found === null) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map((part) => Number(part ?? 0))
  const isValid = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
  if (year < 1970 || !isValid || hour > 23 || minute > 59 || second > 59) return null
  if (found[7] === 'Z') return { kind: 'utc', ms: Date.UTC(year, month - 1, day, hour, minute, second) }
  return { kind: 'local', parts: [year, month, day, hour, minute, second] }
}

/** A moment in ms since 1970; `epochOf` returns that of a local time. */
export const resolveMoment = (
  moment: Moment,
  nowMs: number,
  epochOf: (parts: LocalParts) => number,
): number =>
  moment.kind === 'ago' ? nowMs - moment.ms : moment.kind === 'utc' ? moment.ms : epochOf(moment.parts)
