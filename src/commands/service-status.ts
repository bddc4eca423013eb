import { join } from 'node:path'
import { judgeConf } from '../detector/judge-conf.ts'
import { parsePortsentryConf } from '../documents/portsentry-conf.ts'
import { wantedUnits } from '../plan/services.ts'
import { judgeWatching, runningArguments } from '../policy/daemons.ts'
import { type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import { daemonModes, type Modes, type Release } from '../policy/release.ts'
import { isError, renderProblem } from '../problem.ts'

/** One of the two daemons. */
export interface ServiceStatus {
  readonly name: 'portsentry' | 'fail2ban'
  readonly installed: string | null
  /** Null in a tree. */
  readonly running: boolean | null
  /** Whether a running portsentry can notice a scan, and why not; null if that was not checked. */
  readonly watching: boolean | null
  readonly watchingDetail: string | null
  readonly atBoot: boolean | null
  /** Why portsentry would not start with its portsentry.conf; null if no reason is known. */
  readonly fault: string | null
  /** The arguments of portsentry's daemons, fail2ban's jails; null if unknown. */
  readonly detail: readonly string[] | null
}

/** One daemon that does not watch decides; else one that could not be checked. */
const describeWatching = (live: LiveFacts | null): Pick<ServiceStatus, 'watching' | 'watchingDetail'> => {
  const { found, deaf, unknown, missing } = judgeWatching(live?.daemons ?? [])
  if (deaf !== null) return { watching: false, watchingDetail: deaf }
  if (unknown !== null) return { watching: null, watchingDetail: unknown }
  if (missing.length > 0) {
    return { watching: true, watchingDetail: `it has no packet socket on ${missing.join(', ')}` }
  }
  return { watching: found.length > 0 ? true : null, watchingDetail: null }
}

/** Why portsentry would not start with the present portsentry.conf; null if no reason is known. */
const findFault = (facts: Facts, release: Release, modes: Modes): string | null => {
  const { confPath, dialect, moreKeys } = release
  const text = fileText(facts, confPath)
  if (text === undefined || facts.predicted.has(confPath)) return null
  const conf = parsePortsentryConf(text, dialect, moreKeys)
  const error = judgeConf(conf, daemonModes(release, modes), join(facts.root, confPath)).find(isError)
  return error === undefined ? null : renderProblem(error)
}

/** portsentry and fail2ban, as the facts have them. */
export const judgeServices = (facts: Facts, release: Release, modes: Modes): ServiceStatus[] => {
  const { live, packages } = facts
  const running = live === null ? [] : runningArguments(live.daemons)
  const isEnabled = (units: readonly string[]) =>
    live === null ? null : units.every((unit) => live.enabled.has(unit))
  return [
    {
      name: 'portsentry',
      installed: packages.get('portsentry') ?? null,
      running: live && running.length > 0,
      ...describeWatching(live),
      atBoot: live && isEnabled(wantedUnits({ release, modes }, live)),
      fault: findFault(facts, release, modes),
      detail: live && running,
    },
    {
      name: 'fail2ban',
      installed: packages.get('fail2ban') ?? null,
      running: live?.daemons.some(({ service }) => service === 'fail2ban') ?? null,
      watching: null,
      watchingDetail: null,
      atBoot: isEnabled(['fail2ban']),
      fault: null,
      detail: live?.jails ?? null,
    },
  ]
}
