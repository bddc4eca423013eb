import type { DaemonProcess } from '../facts/daemons.ts'

/** The configuration file that a daemon of 2.x was told to read instead of its usual one; null where it was told none. */
export const namedConf = ({ args }: Pick<DaemonProcess, 'args'>): string | null => {
  const at = args.findIndex((word) => /^(?:-c|--configfile(?:=|$))/.test(word))
  if (at === -1) return null
  const written = (args[at] ?? '').replace(/^(?:-c|--configfile=?)/, '')
  return (written === '' ? args[at + 1] : written) ?? null
}

/** A daemon's start, counted in clock ticks from that of this process, is uncertain by less than this. */
const START_TOLERANCE_MS = 1000

/** Whether a file has changed since one of these daemons was started. */
export const isNewer = (modifiedMs: number, daemons: readonly Pick<DaemonProcess, 'startedMs'>[]): boolean =>
  modifiedMs > Math.min(...daemons.map(({ startedMs }) => startedMs)) + START_TOLERANCE_MS
