import type { DaemonProcess } from './facts.ts'
import { RELEASES } from './find-release.ts'

export type Service = 'portsentry' | 'fail2ban'

const PORTSENTRY: ReadonlySet<string> = new Set(RELEASES.map(({ daemonPath }) => daemonPath))

/** Which of the two services a process with these arguments belongs to, if to any. fail2ban runs under Python. */
export const serviceOf = ({ args }: Pick<DaemonProcess, 'args'>): Service | null => {
  if (PORTSENTRY.has(args[0] ?? '')) return 'portsentry'
  return args.slice(0, 3).some((word) => word.endsWith('/fail2ban-server')) ? 'fail2ban' : null
}

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

export interface RunningProcess extends DaemonProcess {
  /** Process id. */
  readonly parent: number
}

/** A daemon that has forked, to run a command, has a child like itself for a moment: that is no second daemon. */
export const withoutForks = (processes: readonly RunningProcess[]): DaemonProcess[] => {
  const names = new Map(processes.map(({ pid, args }) => [pid, args.join('\0')]))
  return processes
    .filter(({ parent, args }) => names.get(parent) !== args.join('\0'))
    .map(({ pid, args, startedMs }) => ({ pid, args, startedMs }))
}
