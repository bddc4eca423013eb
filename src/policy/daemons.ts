import type { DaemonProcess } from '../facts/daemons.ts'

/** The configuration file that a daemon of 2.x reads instead of its usual one, by its arguments; null if it names none. */
export const namedConf = ({ args }: Pick<DaemonProcess, 'args'>): string | null => {
  const at = args.findIndex((word) => /^(?:-c|--configfile(?:=|$))/.test(word))
  if (at === -1) return null
  const written = (args[at] ?? '').replace(/^(?:-c|--configfile=?)/, '')
  return (written === '' ? args[at + 1] : written) ?? null
}

/** A daemon's start time, computed from clock ticks, is accurate to this. */
const START_TOLERANCE_MS = 1000

/** Whether a file has changed since one of these daemons was started. */
export const isNewer = (modifiedMs: number, daemons: readonly Pick<DaemonProcess, 'startedMs'>[]): boolean =>
  modifiedMs > Math.min(...daemons.map(({ startedMs }) => startedMs)) + START_TOLERANCE_MS
