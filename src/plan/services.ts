import type { Desired } from '../policy/desired.ts'
import type { DaemonProcess, Facts, LiveFacts } from '../policy/facts.ts'
import { FAIL2BAN_DIRECTORY } from '../policy/jail.ts'
import type { Release } from '../policy/release.ts'
import type { EnableStep, RestartStep, WriteStep } from './plan.ts'

/** Clock ticks and the rounding of the boot time make a daemon's start uncertain by less than this. */
const START_TOLERANCE_MS = 1000

/** The modes that portsentry should run in; an empty mode turns its protocol off. */
export const wantedModes = ({ modes }: Pick<Desired, 'modes'>): string[] =>
  [modes.TCP_MODE, modes.UDP_MODE].filter((mode) => mode !== '')

const isDaemon = (process: DaemonProcess, path: string): boolean => process.args.includes(path)

/** Modes of the running portsentry daemons, sorted. Two daemons in one mode show twice: each would act. */
export const runningModes = (live: LiveFacts, release: Release): string[] =>
  live.daemons
    .filter((process) => isDaemon(process, release.daemonPath))
    .flatMap(({ args }) => args.filter((argument) => argument.startsWith('-')))
    .map((argument) => argument.replace(/^-+/, ''))
    .sort()

/** Files whose bytes are newer than every daemon that should have read them. */
const staleFiles = (facts: Facts, daemons: readonly DaemonProcess[], paths: readonly string[]): string[] => {
  const started = Math.min(...daemons.map(({ startedMs }) => startedMs))
  return paths.filter((path) => (facts.files.get(path)?.modifiedMs ?? 0) > started + START_TOLERANCE_MS)
}

const portsentryReasons = (
  desired: Desired,
  facts: Facts,
  live: LiveFacts,
  writes: readonly WriteStep[],
): string[] => {
  const { release } = desired
  if (!facts.packages.has('portsentry')) return ['newly installed']
  const paths = [release.modesPath, release.confPath, release.ignorePath]
  const written = writes.filter(({ path }) => paths.includes(path)).map(({ path }) => path)
  if (written.length > 0) return written.map((path) => `${path} changes`)
  const running = runningModes(live, release)
  const wanted = wantedModes(desired).sort()
  if (running.join() !== wanted.join()) {
    return [`runs in ${running.join(' and ') || 'no mode'}, should run in ${wanted.join(' and ')}`]
  }
  const daemons = live.daemons.filter((process) => isDaemon(process, release.daemonPath))
  return staleFiles(facts, daemons, paths).map((path) => `started before ${path} was changed`)
}

const fail2banReasons = (
  desired: Desired,
  facts: Facts,
  live: LiveFacts,
  writes: readonly WriteStep[],
): string[] => {
  if (!facts.packages.has('fail2ban')) return ['newly installed']
  const written = writes
    .filter(({ path }) => path.startsWith(`${FAIL2BAN_DIRECTORY}/`))
    .map(({ path }) => path)
  if (written.length > 0) return written.map((path) => `${path} changes`)
  const servers = live.daemons.filter((process) =>
    process.args.some((word) => word.endsWith('/fail2ban-server')),
  )
  if (servers.length === 0) return ['does not run']
  const configuration = [...facts.files.keys()].filter((path) => path.startsWith(`${FAIL2BAN_DIRECTORY}/`))
  const stale = staleFiles(facts, servers, configuration)
  if (stale.length > 0) return stale.map((path) => `started before ${path} was changed`)
  const wanted = desired.jails.get('portsentry')?.get('enabled') === 'true'
  if (live.jails !== null && live.jails.includes('portsentry') !== wanted) {
    return [wanted ? 'the portsentry jail is not loaded' : 'the portsentry jail is still loaded']
  }
  return []
}

/** What has to be enabled and restarted, with the reasons; nothing where all runs as it should. */
export const planServices = (
  desired: Desired,
  facts: Facts,
  live: LiveFacts,
  writes: readonly WriteStep[],
): (EnableStep | RestartStep)[] => {
  const services = [
    { service: desired.release.service, reasons: portsentryReasons(desired, facts, live, writes) },
    { service: 'fail2ban', reasons: fail2banReasons(desired, facts, live, writes) },
  ]
  return services.flatMap(({ service, reasons }): (EnableStep | RestartStep)[] => [
    ...(facts.packages.has(service) && live.enabled.get(service) === false
      ? [{ kind: 'enable', service } as const]
      : []),
    ...(reasons.length > 0 ? [{ kind: 'restart', service, reasons } as const] : []),
  ])
}
