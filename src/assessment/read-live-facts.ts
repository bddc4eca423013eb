import { dirname } from 'node:path'
import { findDaemons, PORTSENTRY_TABLES } from '../facts/daemons.ts'
import { readJailBans, readJails } from '../facts/fail2ban.ts'
import { readReloaded } from '../facts/fail2ban-reload.ts'
import { findFirewallBans, firewallQuery } from '../facts/firewall-bans.ts'
import { readFirewallManagers } from '../facts/firewall-managers.ts'
import { readFirewallObstacle, tryTarget } from '../facts/firewall-support.ts'
import { readAnswers } from '../facts/host-names.ts'
import { ipQuery, ownNetworks } from '../facts/ip.ts'
import { readProcesses, readSockets } from '../facts/procfs.ts'
import { readResolvers } from '../facts/resolv-conf.ts'
import { readSecretFiles, sendsMail } from '../facts/secret-files.ts'
import { readSshClients } from '../facts/ssh.ts'
import {
  findEnabled,
  findTimers,
  hasLauncher,
  isActive,
  isLoaded,
  readInit,
  timerUnits,
  unitsQuery,
} from '../facts/systemd.ts'
import { isInForce } from '../policy/backends/backends.ts'
import type { Backend, BanSet } from '../policy/backends/definition.ts'
import { BANS_CONF, BANS_UNIT, banSetOf, chooseBackend } from '../policy/ban-set.ts'
import type { LiveFacts } from '../policy/facts.ts'
import { LEGACY_UNITS } from '../policy/legacy-bans.ts'
import { secretPaths } from '../policy/notifications.ts'
import { modesOf } from '../policy/release.ts'
import { PROGRAM_DIRECTORIES, TIMER_UNITS, wantedTimers } from '../policy/timers.ts'
import type { Settings } from '../settings/settings.ts'
import type { FileState } from '../system/files.ts'
import { isDirectory, statIfPresent } from '../system/paths.ts'
import { askAll, nothing, type Query } from '../system/query.ts'

/** Units in which the daemons may run, of any release. */
const unitsOf = (settings: Settings): string[] => [
  'fail2ban',
  'portsentry',
  ...modesOf(settings).map((mode) => `portsentry@${mode}`),
]

/** The backend that bans are to be made with, and the ban set that is there now. */
export interface Banning {
  readonly firewallManagers: LiveFacts['firewallManagers']
  readonly backend: Backend
  readonly present: BanSet | null
}

export const readBanning = async (
  settings: Settings,
  installed: Promise<ReadonlyMap<string, string>>,
  read: Promise<{ readonly files: ReadonlyMap<string, FileState> }>,
): Promise<Banning> => {
  const [packages, { files }] = await Promise.all([installed, read])
  const firewallManagers = await readFirewallManagers(packages)
  const { backend } = chooseBackend(settings, { files, packages, live: { firewallManagers } })
  return { firewallManagers, backend, present: banSetOf(files.get(BANS_CONF)?.text) }
}

const readMetricsFile = (path: string | undefined): LiveFacts['metricsFile'] =>
  path === undefined
    ? null
    : { hasDirectory: isDirectory(dirname(path)), modifiedMs: statIfPresent(path)?.mtimeMs ?? null }

/**
 * What only the running server shows. All of it is read at once, except what depends on `banning`. `query`, if this is root, is
 * asked along with that: null is its answer for others. `names` are looked up; null: they are
 * taken from the record.
 */
export const readLive = async <T>(
  settings: Settings,
  banning: Promise<Banning>,
  query: Query<T>,
  names: readonly string[] | null,
): Promise<{ readonly live: LiveFacts; readonly answer: T | null }> => {
  const asRoot = process.getuid?.() === 0
  const init = readInit()
  const wanted = settings.banTarget === 'auto' ? 'CHAOS' : settings.banTarget
  const daemonUnits = unitsOf(settings)
  const timers = wantedTimers(settings, init).map(({ unit }) => `${unit}.timer`)
  // Programs first: they run while this process reads files.
  const programs = askAll(
    unitsQuery(init === 'systemd' ? [...daemonUnits, BANS_UNIT, ...LEGACY_UNITS, ...timerUnits(timers)] : []),
    ipQuery,
    asRoot ? firewallQuery() : nothing,
    asRoot ? query : nothing,
  )
  const firewall = programs.then(([, ip, texts]) => (texts === null ? null : findFirewallBans(texts, ip)))
  const fail2ban = asRoot
    ? readJails().then(async (jails) => ({ jails, jailed: await readJailBans(jails) }))
    : { jails: null, jailed: null }
  const processes = readProcesses()
  const sockets = readSockets(PORTSENTRY_TABLES)
  /** Whether the rules of the present ban set are in force; null without root. */
  const hasRules = Promise.all([banning, firewall]).then(([{ present }, found]) =>
    found === null ? null : present !== null && isInForce(present, found.rules),
  )
  const readTargets = async (): Promise<LiveFacts['targets']> => {
    const { backend, present } = await banning
    if (settings.banBackend === 'none' || backend !== 'ipset' || wanted === 'DROP') return new Map()
    const isInUse = present?.target === wanted && (await hasRules) === true
    return new Map([[wanted, isInUse ? 'accepted' : await tryTarget(wanted, asRoot)]])
  }
  /** Only if the backend does not work already. */
  const readObstacle = async (): Promise<string | null> => {
    const { backend, present } = await banning
    if (!asRoot || settings.banBackend === 'none') return null
    if (present?.backend === backend && backend !== 'route' && (await hasRules) === true) return null
    return readFirewallObstacle(backend)
  }
  const [
    [allUnits, { interfaces, ...routes }, , answer],
    resolvers,
    ssh,
    { firewallManagers },
    daemons,
    found,
    isInKernel,
    targets,
    fail2banState,
    reloadedMs,
    firewallObstacle,
    answers,
    secretFiles,
  ] = await Promise.all([
    programs,
    readResolvers(),
    Promise.all([processes, sockets]).then(([all, open]) => readSshClients(all, open)),
    banning,
    processes.then((all) => findDaemons(all, () => sockets)),
    firewall,
    hasRules,
    readTargets(),
    fail2ban,
    readReloaded(),
    readObstacle(),
    names === null ? null : readAnswers(names),
    readSecretFiles(secretPaths(settings)),
  ])
  const live: LiveFacts = {
    asRoot,
    init,
    ...ownNetworks(interfaces, routes),
    sockets: await sockets,
    names: answers,
    resolvers,
    ...ssh,
    firewallManagers,
    daemons,
    enabled: findEnabled(init, allUnits, TIMER_UNITS),
    timers: findTimers(timers, allUnits),
    metricsFile: readMetricsFile(settings.metrics),
    launcher: timers.length === 0 || hasLauncher(PROGRAM_DIRECTORIES),
    units: new Map([...allUnits].filter(([name, unit]) => daemonUnits.includes(name) && isLoaded(unit))),
    bans: found?.bans ?? null,
    inputPolicy: found?.inputPolicy ?? null,
    savedFirewall: found?.saved ?? null,
    bansUnread: found?.bansUnread ?? null,
    hasBanSet: isInKernel && (init === 'sysv' || isActive(allUnits.get(BANS_UNIT))),
    targets,
    ...fail2banState,
    reloadedMs,
    firewallObstacle,
    sendsMail: sendsMail(),
    secretFiles,
  }
  return { live, answer }
}
