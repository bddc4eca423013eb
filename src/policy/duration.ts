/** fail2ban's units (MyTime.str2seconds), in seconds; months and years are averages over four years. */
const YEAR = ((3 * 365 + 366) * 86_400) / 4
const SECONDS: readonly (readonly [RegExp, number])[] = [
  [/^(?:s|sec|seconds?)?$/, 1],
  [/^(?:m|min|minutes?)$/, 60],
  [/^(?:h|hours?)$/, 3600],
  [/^(?:d|days?)$/, 86_400],
  [/^(?:w|week)$/, 604_800],
  [/^(?:mo|mon|months?)$/, YEAR / 12],
  [/^(?:y|years?)$/, YEAR],
]

/** A time as fail2ban reads it, such as `1d 12h`, in seconds; -1, a permanent ban, stays -1. */
export const secondsOf = (time: string): number => {
  if (time === '-1') return -1
  const parts = [...time.matchAll(/(\d+) ?([a-z]*)/g)].map(
    ([, count, unit = '']) => Number(count) * (SECONDS.find(([name]) => name.test(unit))?.[1] ?? 0),
  )
  return Math.round(parts.reduce((sum, part) => sum + part, 0))
}

/** The same for text that nobody has checked; null if it is not a time above zero. */
export const parseSeconds = (text: string): number | null => {
  const isTime = /^(?:\d{1,9} ?[a-z]* ?)+$/.test(text)
  const units = [...text.matchAll(/\d+ ?([a-z]*)/g)].map(([, unit = '']) => unit)
  const isKnown = units.every((unit) => SECONDS.some(([name]) => name.test(unit)))
  return isTime && isKnown && secondsOf(text) > 0 ? secondsOf(text) : null
}
