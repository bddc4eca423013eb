import { onTestFinished } from 'vitest'

/** Makes `zone` the local time zone until the test ends. */
export const setTimeZone = (zone: string): void => {
  const before = process.env['TZ']
  onTestFinished(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
  process.env['TZ'] = zone
}
