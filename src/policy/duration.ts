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
