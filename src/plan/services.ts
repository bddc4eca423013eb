import { ignored, parseIgnoreList } from '../documents/ignore-list.ts'
import { formatCidr, type Network } from '../network.ts'
import { serviceOf } from '../policy/daemons.ts'
import type { Desired } from '../policy/desired.ts'
import { type DaemonProcess, type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import { FIREWALL, FIREWALL_CONF, FIREWALL_FILES, FIREWALL_UNIT } from '../policy/firewall.ts'
import { FAIL2BAN_DIRECTORY } from '../policy/jail.ts'
import { judgeLiveness } from '../policy/liveness.ts'
import type { EnableStep, PlaceStep, RemoveStep, RestartStep, WriteStep } from './plan.ts'

/** A daemon's start, counted in clock ticks from that of this process, is uncertain by less than this. */
const START_TOLERANCE_MS = 1000

const portsentriesOf = (daemons: readonly DaemonProcess[]): DaemonProcess[] =>
  daemons.filter((daemon) => serviceOf(daemon) === 'portsentry')

/** The arguments of a release's daemons among these processes, sorted. A mode that runs twice shows twice: both would act. */
export const runningArguments = (daemons: readonly DaemonProcess[]): string[] =>
  portsentriesOf(daemons)
    .map(({ args }) => args.slice(1).join(' '))
    .sort()

/** Daemons in words: their arguments, or that one runs without. */
export const describeDaemons = (args: readonly string[]): string =>
  args.map((argument) => argument || 'portsentry without arguments').join(' and ') || 'nothing'

/** What is wrong with the portsentry daemons that run; null where they are the wanted ones. */
export const wrongDaemons = (
  { release, modes }: Pick<Desired, 'release' | 'modes'>,
  daemons: readonly DaemonProcess[],
): string | null => {
  const running = runningArguments(daemons)
  const wanted = [...release.daemonArguments(modes)].sort()
  // Not by their joined text: 2.x runs without arguments, which reads like nothing.
  const isAsWanted =
    running.length === wanted.length && running.every((args, index) => args === wanted[index])
  return isAsWanted ? null : `runs as ${describeDaemons(running)}, should run as ${describeDaemons(wanted)}`
}

/** Why daemons that run cannot notice a scan: they are stopped, or hang. Null where none surely is. */
export const deafDaemons = (daemons: readonly DaemonProcess[]): string | null => {
  const deaf = portsentriesOf(daemons).flatMap(({ args, liveness }) => {
    const { watches, details } = judgeLiveness(args, liveness)
    return watches === false
      ? [`${describeDaemons([args.slice(1).join(' ')])} does not watch: ${details}`]
      : []
  })
  return deaf.length > 0 ? deaf.join('; ') : null
}

type Changes = readonly (WriteStep | RemoveStep)[]

const changedPaths = (changes: Changes, isConcerned: (path: string) => boolean): string[] =>
  changes.map(({ path }) => path).filter(isConcerned)

/** Files whose bytes are newer than a daemon that should have read them. */
const staleFiles = (
  facts: Facts,
  daemons: readonly DaemonProcess[],
  isConcerned: (path: string) => boolean,
): string[] => {
  const started = Math.min(...daemons.map(({ startedMs }) => startedMs))
  return [...facts.files]
    .filter(([path, { modifiedMs }]) => isConcerned(path) && modifiedMs > started + START_TOLERANCE_MS)
    .map(([path]) => path)
}

/** Networks that portsentry would act on with this text as its ignore list, although it should not. */
export const lostFrom = (text: string, { release, ignored: networks }: Desired): Network[] => {
  const list = parseIgnoreList(text, release.dialect)
  return networks.filter((network) => !ignored(list, network))
}

/**
 * 1.2 reads a list that is built from ours whenever it is started, on every packet: somebody may have changed or
 * removed it since, and without it everybody is banned.
 */
const lostIgnored = (desired: Desired, facts: Facts): string[] => {
  const { builtIgnorePath: path, ignorePath } = desired.release
  if (path === ignorePath) return []
  const text = fileText(facts, path)
  if (text === undefined) return [`${path} is missing`]
  const lost = lostFrom(text, desired)
  return lost.length > 0 ? [`${path} lacks ${lost.map(formatCidr).join(' ')}`] : []
}

const portsentryReasons = (desired: Desired, facts: Facts, live: LiveFacts, changes: Changes): string[] => {
  const { release, modes } = desired
  if (!facts.packages.has('portsentry')) return ['newly installed']
  const units = [...release.ownedFiles(modes).keys()].filter((path) => path.startsWith('/etc/systemd/'))
  const paths = new Set([release.modesPath, release.confPath, release.ignorePath, ...units])
  const isConcerned = (path: string) => paths.has(path)
  const changed = changedPaths(changes, isConcerned)
  if (changed.length > 0) return changed.map((path) => `${path} changes`)
  const wrong = wrongDaemons(desired, live.daemons) ?? deafDaemons(live.daemons)
  if (wrong !== null) return [wrong]
  const stale = staleFiles(facts, portsentriesOf(live.daemons), isConcerned).map(
    (path) => `started before ${path} was changed`,
  )
  return [...stale, ...lostIgnored(desired, facts)]
}

const isFail2banFile = (path: string): boolean => path.startsWith(`${FAIL2BAN_DIRECTORY}/`)

const fail2banReasons = (desired: Desired, facts: Facts, live: LiveFacts, changes: Changes): string[] => {
  if (!facts.packages.has('fail2ban')) return ['newly installed']
  const changed = changedPaths(changes, isFail2banFile)
  if (changed.length > 0) return changed.map((path) => `${path} changes`)
  const servers = live.daemons.filter((process) => serviceOf(process) === 'fail2ban')
  if (servers.length === 0) return ['does not run']
  const stale = staleFiles(facts, servers, isFail2banFile)
  if (stale.length > 0) return stale.map((path) => `started before ${path} was changed`)
  // Only root may ask.
  if (live.jails === null) return live.asRoot ? ['does not answer'] : []
  const wanted = desired.jails.get('portsentry')?.get('enabled') === 'true'
  if (live.jails.includes('portsentry') !== wanted) {
    return [wanted ? 'the portsentry jail is not loaded' : 'the portsentry jail is still loaded']
  }
  return []
}

/** What there is to do before any daemon bans: the place of the bans, where it is not as it should be. */
const planPlace = ({ ownsBans }: Desired, live: LiveFacts, changes: Changes): PlaceStep[] => {
  if (!ownsBans) return []
  const isConcerned = (path: string) => path === FIREWALL_CONF || FIREWALL_FILES.has(path)
  const changed = changedPaths(changes, isConcerned)
  if (changed.length > 0) {
    return [{ kind: 'make-place', reasons: changed.map((path) => `${path} changes`) }]
  }
  // Only root can look.
  return live.hasPlace === false ? [{ kind: 'make-place', reasons: ['it is not there, or not whole'] }] : []
}

/** The place of the bans goes while the program that can take it away is still there. */
export const planRemoval = ({ ownsBans }: Desired, facts: Facts): PlaceStep[] =>
  !ownsBans && facts.live !== null && facts.files.has(FIREWALL)
    ? [{ kind: 'remove-place', reasons: ['nothing is to be banned in it'] }]
    : []

/** Units under systemd; elsewhere the init script of the same name as the package. */
export const wantedUnits = (
  { release, modes }: Pick<Desired, 'release' | 'modes'>,
  live: LiveFacts,
): readonly string[] => (live.init === 'systemd' ? release.units(modes) : ['portsentry'])

/** What starts at boot though it should not: units of other modes, or of a release that was there before. */
const planBoot = (
  desired: Desired,
  facts: Facts,
  live: LiveFacts,
  units: readonly string[],
): EnableStep[] => {
  const isInstalled = facts.packages.has('portsentry')
  const isEnabled = (unit: string) =>
    isInstalled ? live.enabled.has(unit) : desired.release.packageEnablesUnits || live.init === 'sysv'
  const foreign = [...live.enabled].filter((unit) => unit.startsWith('portsentry@') && !units.includes(unit))
  return [
    ...foreign.map((unit): EnableStep => ({ kind: 'disable', unit })),
    ...(desired.ownsBans && live.init === 'systemd' && !live.enabled.has(FIREWALL_UNIT)
      ? [{ kind: 'enable', unit: FIREWALL_UNIT } as const]
      : []),
    ...units.filter((unit) => !isEnabled(unit)).map((unit): EnableStep => ({ kind: 'enable', unit })),
    ...(facts.packages.has('fail2ban') && !live.enabled.has('fail2ban')
      ? [{ kind: 'enable', unit: 'fail2ban' } as const]
      : []),
  ]
}

/** What has to be enabled, disabled and restarted, with the reasons; nothing where all runs as it should. */
export const planServices = (
  desired: Desired,
  facts: Facts,
  live: LiveFacts,
  changes: Changes,
): (EnableStep | PlaceStep | RestartStep)[] => {
  const units = wantedUnits(desired, live)
  const restart = (
    service: RestartStep['service'],
    own: readonly string[],
    reasons: string[],
  ): RestartStep[] => (reasons.length > 0 ? [{ kind: 'restart', service, units: own, reasons }] : [])
  return [
    ...planBoot(desired, facts, live, units),
    ...planPlace(desired, live, changes),
    ...restart('portsentry', units, portsentryReasons(desired, facts, live, changes)),
    ...restart('fail2ban', ['fail2ban'], fail2banReasons(desired, facts, live, changes)),
  ]
}
