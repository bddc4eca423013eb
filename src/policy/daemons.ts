import type { DaemonProcess } from '../facts/daemons.ts'
import type { Desired } from './desired.ts'
import { judgeLiveness, type Watching } from './liveness.ts'

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

export const portsentriesOf = (daemons: readonly DaemonProcess[]): DaemonProcess[] =>
  daemons.filter(({ service }) => service === 'portsentry')

/** The arguments of portsentry's daemons among these processes, sorted. A mode that runs twice appears twice: both would act. */
export const runningArguments = (daemons: readonly DaemonProcess[]): string[] =>
  portsentriesOf(daemons)
    .map(({ args }) => args.slice(1).join(' '))
    .sort()

/** Daemons in words: their arguments, or that there are none. */
export const describeDaemons = (args: readonly string[]): string =>
  args.map((argument) => argument || 'portsentry without arguments').join(' and ') || 'nothing'

/** What is wrong with the running portsentry daemons; null if they are the wanted ones. */
export const wrongDaemons = (
  { release, modes }: Pick<Desired, 'release' | 'modes'>,
  daemons: readonly DaemonProcess[],
): string | null => {
  const running = runningArguments(daemons)
  const wanted = [...release.daemonArguments(modes)].sort()
  // Not compared as joined text: 2.x runs without arguments, which would look like no daemon.
  const isAsWanted =
    running.length === wanted.length && running.every((args, index) => args === wanted[index])
  if (isAsWanted) return null
  const runs = running.length === 0 ? 'is not running' : `runs as ${describeDaemons(running)}`
  return `${runs}, should run as ${describeDaemons(wanted)}`
}

/** What portsentry's daemons watch, each by the sockets that it has open. */
export interface DaemonsWatching {
  readonly found: readonly (Watching & { readonly name: string })[]
  /** Why daemons cannot notice a scan: they are stopped, or hang. Null unless one certainly does. */
  readonly deaf: string | null
  /** Why one of them could not be checked; null: all were. */
  readonly unknown: string | null
  /** Interfaces that one of them does not watch. */
  readonly missing: readonly string[]
}

export const judgeWatching = (daemons: readonly DaemonProcess[]): DaemonsWatching => {
  const found = portsentriesOf(daemons).map(({ args, liveness }) => ({
    name: describeDaemons([args.slice(1).join(' ')]),
    ...judgeLiveness(args, liveness),
  }))
  const deaf = found.filter(({ watches }) => watches === false)
  return {
    found,
    deaf: deaf.map(({ name, details }) => `${name} does not watch: ${details}`).join('; ') || null,
    unknown: found.find(({ watches }) => watches === null)?.details ?? null,
    missing: [...new Set(found.flatMap((one) => one.missing))],
  }
}
