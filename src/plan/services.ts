import { parseFail2banIni } from '../documents/fail2ban-ini.ts'
import { ignored, parseIgnoreList } from '../documents/ignore-list.ts'
import { notContaining } from '../documents/other-addresses.ts'
import type { DaemonProcess } from '../facts/daemons.ts'
import { formatCidr, isWithin, type Network, parseNetwork } from '../network.ts'
import { removalOf } from '../policy/backends/backends.ts'
import { ACTION, BAN_SET_FILES, BANS_CONF, BANS_UNIT, BY_HAND, banSetOf, LOADER } from '../policy/ban-set.ts'
import { isNewer, judgeWatching, portsentriesOf, wrongDaemons } from '../policy/daemons.ts'
import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import { FAIL2BAN_DIRECTORY, isJailWanted, JAIL_PATH } from '../policy/jail.ts'
import { NOTIFY_ACTION } from '../policy/notifications.ts'
import type {
  EnableStep,
  LegacyStep,
  LoadStep,
  ReloadStep,
  RemoveStep,
  RestartStep,
  UnloadStep,
  WriteStep,
} from './plan.ts'

type Changes = readonly (WriteStep | RemoveStep)[]

/** The end of a reason that names a file. */
export const CHANGES = ' changes'

const changedPaths = (changes: Changes, isConcerned: (path: string) => boolean): string[] =>
  changes.map(({ path }) => path).filter(isConcerned)

/** Files whose bytes are newer than a daemon that should have read them. */
const staleFiles = (
  { files, live }: Facts,
  daemons: readonly DaemonProcess[],
  isConcerned: (path: string) => boolean,
): string[] => {
  const isReloaded = (path: string, modifiedMs: number) =>
    isFail2banFile(path) && modifiedMs <= (live?.reloadedMs ?? 0)
  return [...files]
    .filter(([path, { modifiedMs }]) => isConcerned(path) && isNewer(modifiedMs, daemons))
    .filter(([path, { modifiedMs }]) => !isReloaded(path, modifiedMs))
    .map(([path]) => path)
}

/** Networks that portsentry would act on with this text as its ignore list, although it should not. */
export const lostFrom = (text: string, { release, ignored: networks }: Desired): Network[] => {
  const list = parseIgnoreList(text, release.dialect, notContaining(networks))
  return networks.filter((network) => !ignored(list, network))
}

/**
 * 1.2 reads a list that is built from ours at each start, and reads it for every packet: it may have been changed or
 * removed since, and without it every host is banned.
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
  const isDown = portsentriesOf(live.daemons).length === 0 && release.daemonArguments(modes).length > 0
  const changed = changedPaths(changes, isConcerned).map((path) => path + CHANGES)
  if (isDown) return ['is not running', ...changed]
  if (changed.length > 0) return changed
  const wrong = wrongDaemons(desired, live.daemons) ?? judgeWatching(live.daemons).deaf
  if (wrong !== null) return [wrong]
  const stale = staleFiles(facts, portsentriesOf(live.daemons), isConcerned).map(
    (path) => `started before ${path} was changed`,
  )
  return [...stale, ...lostIgnored(desired, facts)]
}

/**
 * Options of the portsentry jail that `fail2ban-client reload portsentry` sets, as measured on 1.0.2 to 1.1.1. If the action
 * changes, a reload leaves the jail without any; if the backend changes, it bans all hosts again.
 */
const RELOADED: ReadonlySet<string> = new Set([
  ...['ignoreip', 'findtime', 'maxretry', 'logpath', 'bantime', 'bantime.increment', 'bantime.maxtime'],
])

/** Values of a jail file by section and option; null if fail2ban would not read it. */
const valuesOf = (text: string): Map<string, string> | null => {
  const { sections, faults } = parseFail2banIni(text)
  const entries = sections.flatMap(({ name, entries: own }) =>
    own.map(({ key, value }) => [`${name} ${key}`, value] as const),
  )
  return faults.length > 0 ? null : new Map(entries)
}

/** Whether a jail file changes only in options that a reload sets. */
const isReloadable = (before: string, after: string): boolean => {
  const [old, wanted] = [valuesOf(before), valuesOf(after)]
  if (old === null || wanted === null) return false
  const changed = [...new Set([...old.keys(), ...wanted.keys()])].filter(
    (key) => old.get(key) !== wanted.get(key),
  )
  return changed.every(
    (key) => key.startsWith('portsentry ') && RELOADED.has(key.slice('portsentry '.length)),
  )
}

/** Whether a reload is enough: it also reads the filter, and the files that portward's action loads. */
const isReload = (change: WriteStep | RemoveStep): boolean => {
  if (change.kind === 'remove' || change.before === null) return false
  if (change.path === JAIL_PATH) return isReloadable(change.before, change.after)
  return READ_AT_RELOAD.has(change.path)
}

const READ_AT_RELOAD: ReadonlySet<string> = new Set([
  `${FAIL2BAN_DIRECTORY}/filter.d/portsentry-2.conf`,
  BANS_CONF,
  LOADER,
])

/** A reload, if that is all that fail2ban needs for these changes. */
const planReload = (facts: Facts, live: LiveFacts, changes: Changes): ReloadStep | null => {
  const concerned = changes.filter(({ path }) => isFail2banFile(path))
  const paths = concerned.map(({ path }) => path)
  const servers = live.daemons.filter(({ service }) => service === 'fail2ban')
  const isUpToDate = servers.length > 0 && staleFiles(facts, servers, isFail2banFile).length === 0
  // Only root can ask fail2ban; other users see the plan that root would see if fail2ban is in order.
  const isLoaded = live.jails === null ? !live.asRoot : live.jails.includes('portsentry')
  if (paths.length === 0 || !isLoaded || !isUpToDate || !concerned.every(isReload)) return null
  return { kind: 'reload', service: 'fail2ban', paths, reasons: paths.map((path) => path + CHANGES) }
}

/** Files that a running fail2ban has loaded: its configuration, and portward's action with the files that it reads. */
const isFail2banFile = (path: string): boolean =>
  path.startsWith(`${FAIL2BAN_DIRECTORY}/`) || [ACTION, BANS_CONF, LOADER, NOTIFY_ACTION].includes(path)

const fail2banReasons = (desired: Desired, facts: Facts, live: LiveFacts, changes: Changes): string[] => {
  if (!facts.packages.has('fail2ban')) return ['newly installed']
  const changed = changedPaths(changes, isFail2banFile).map((path) => path + CHANGES)
  const servers = live.daemons.filter(({ service }) => service === 'fail2ban')
  if (servers.length === 0) return ['is not running', ...changed]
  if (changed.length > 0) return changed
  const stale = staleFiles(facts, servers, isFail2banFile)
  if (stale.length > 0) return stale.map((path) => `started before ${path} was changed`)
  // Only root can ask fail2ban.
  if (live.jails === null) return live.asRoot ? ['does not answer'] : []
  const wanted = isJailWanted(desired)
  if (live.jails.includes('portsentry') !== wanted) {
    return [wanted ? 'the portsentry jail is not loaded' : 'the portsentry jail is still loaded']
  }
  return []
}

/** The ban set has to be there before any daemon bans. */
const planLoad = ({ banSet }: Desired, live: LiveFacts, changes: Changes): LoadStep[] => {
  if (banSet === null) return []
  const changed = changedPaths(
    changes,
    (path) => BAN_SET_FILES.includes(path) && ![ACTION, BY_HAND].includes(path),
  )
  if (changed.length > 0) return [{ kind: 'load-bans', reasons: changed.map((path) => path + CHANGES) }]
  // Null unless root.
  return live.hasBanSet === false ? [{ kind: 'load-bans', reasons: ['its rules are not in force'] }] : []
}

/** The removal of a ban set that is no longer wanted: before its files are removed, or after another one is loaded. */
export const planUnload = ({ banSet }: Desired, facts: Facts): UnloadStep[] => {
  const present = banSetOf(fileText(facts, BANS_CONF))
  if (facts.live === null || present === null) return []
  const isLast = banSet === null
  if (!isLast && removalOf(banSet) === removalOf(present)) return []
  const reasons = [
    isLast ? 'config.env turns bans off' : `${banSet.backend} with ${banSet.target} is used now`,
  ]
  return [{ kind: 'remove-bans', ...present, isLast, reasons }]
}

const planLegacy = (
  kind: LegacyStep['kind'],
  desired: Desired,
  { live }: Facts,
  reason: string,
): LegacyStep[] => {
  const { legacyBans, protectedNetworks } = desired
  if (live === null || legacyBans === null) return []
  const isBanning = isJailWanted(desired)
  const remainsBanned = (host: string): boolean => {
    const network = parseNetwork(host)
    return isBanning && network !== null && !isWithin(protectedNetworks, network)
  }
  return [{ kind, hosts: legacyBans.filter(remainsBanned), reasons: [reason] }]
}

/** First, the bans of portward's first version are passed to fail2ban, and its timer is stopped: it would restore its rules. */
export const planHandOver = (desired: Desired, facts: Facts): LegacyStep[] =>
  planLegacy('hand-over-bans', desired, facts, 'fail2ban now stores all bans')

export const planLegacyRemoval = (desired: Desired, facts: Facts): LegacyStep[] =>
  planLegacy('remove-ban-program', desired, facts, 'the ban set and fail2ban replace it')

/** Units under systemd; otherwise the init script, which is named like the package. */
export const wantedUnits = (
  { release, modes }: Pick<Desired, 'release' | 'modes'>,
  live: LiveFacts,
): readonly string[] => (live.init === 'systemd' ? release.units(modes) : ['portsentry'])

/** portward's units that should start at boot here. */
export const bootUnits = ({ banSet }: Pick<Desired, 'banSet'>, live: LiveFacts): readonly string[] =>
  banSet !== null && live.init === 'systemd' ? [BANS_UNIT] : []

/** What has to be enabled at boot, and disabled: units of other modes, or of the release before an upgrade. */
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
    ...bootUnits(desired, live)
      .filter((unit) => !live.enabled.has(unit))
      .map((unit): EnableStep => ({ kind: 'enable', unit })),
    ...units.filter((unit) => !isEnabled(unit)).map((unit): EnableStep => ({ kind: 'enable', unit })),
    ...(facts.packages.has('fail2ban') && !live.enabled.has('fail2ban')
      ? [{ kind: 'enable', unit: 'fail2ban' } as const]
      : []),
  ]
}

/** What has to be enabled, disabled and restarted, with the reasons; empty if everything runs as it should. */
export const planServices = (
  desired: Desired,
  facts: Facts,
  live: LiveFacts,
  changes: Changes,
): (EnableStep | LoadStep | UnloadStep | RestartStep | ReloadStep)[] => {
  const units = wantedUnits(desired, live)
  const reload = planReload(facts, live, changes)
  const restart = (
    service: RestartStep['service'],
    own: readonly string[],
    reasons: string[],
  ): RestartStep[] => (reasons.length > 0 ? [{ kind: 'restart', service, units: own, reasons }] : [])
  return [
    ...planBoot(desired, facts, live, units),
    ...planLoad(desired, live, changes),
    ...(desired.banSet === null ? [] : planUnload(desired, facts)),
    ...restart('portsentry', units, portsentryReasons(desired, facts, live, changes)),
    ...(reload === null
      ? restart('fail2ban', ['fail2ban'], fail2banReasons(desired, facts, live, changes))
      : [reload]),
  ]
}
