import { applyEdits } from '../documents/edit.ts'
import { getKey, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import { fixEdits, fixRefused, translatedValue } from '../documents/portsentry-conf-fix.ts'
import type { Service } from '../facts/daemons.ts'
import type { Network } from '../network.ts'
import type { Problem, SourceLocation } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import type { Backend, BanSet } from './backends/definition.ts'
import { BANS_CONF, type BackendChoice, banSetFiles, banSetOf, chooseBackend, ownsBans } from './ban-set.ts'
import { blockedFile, findBlockedFiles, findInsecureBlockedFile } from './blocked-file.ts'
import { type BanPath, findSandboxProblems } from './confinement.ts'
import { findExposed } from './exposed.ts'
import { type Facts, fileText } from './facts.ts'
import { findDatabase } from './fail2ban-database.ts'
import { findFirewallManagerProblems } from './firewall-managers.ts'
import { findUnfitHistory } from './history-file.ts'
import { NAMES_PATH, type NamedHosts } from './host-names.ts'
import { judgedDaemons } from './hosts-access-verdict.ts'
import { lostIgnoreIps } from './ignore-files.ts'
import { desiredJails, fail2banFiles, isJailWanted, type Jails, SSHD_PATH } from './jail.ts'
import { packagesOfJails } from './jail-actions.ts'
import { chooseTarget, killRoute } from './kill-route.ts'
import { findLanProblems } from './lan-check.ts'
import { LEGACY_CONF, LEGACY_FILES, LEGACY_RECORD, legacyBans, legacyTarget } from './legacy-bans.ts'
import {
  findNotificationProblems,
  type NoticeAction,
  notificationFiles,
  wantedNotices,
} from './notifications.ts'
import { requiredPackages } from './packages.ts'
import { decideProtectedNetworks } from './protected-networks.ts'
import { type Modes, type Release, sees } from './release.ts'
import { ADDRESSES_PATH } from './server-addresses.ts'
import { findMetricsProblems, findTimerProblems, timerFiles, wantedTimers } from './timers.ts'
import { findUntried, needsOf } from './untried.ts'
import { writtenPaths } from './written-paths.ts'

/** The desired state of the server as data: what each file should contain and what should run. */
export interface Desired extends BanPath {
  readonly release: Release
  readonly packages: readonly string[]
  /** Lines for debconf-set-selections, needed when portsentry is installed for the first time. */
  readonly selections: readonly string[]
  /** Keys of portsentry.conf; null: the daemon must find no such key. */
  readonly conf: ReadonlyMap<string, string | null>
  readonly modes: Modes
  /** portward's timers: for each unit, with its suffix, the variable that asks for it. */
  readonly timers: ReadonlyMap<string, string>
  /** The file for node_exporter; undefined: none. */
  readonly metrics: string | undefined
  /** What bans are made with; null: portward does not change the firewall. */
  readonly banSet: BanSet | null
  /** Why `auto` chose this backend and this target, for the plan that chooses them. */
  readonly banSetNotes: readonly string[]
  /** Whether hosts.deny names a file of banned hosts, which fail2ban's action maintains. */
  readonly writesDenied: boolean
  /** Hosts that the first version of portward has banned here, by its record; null: that version is not installed. */
  readonly legacyBans: readonly string[] | null
  /** Null on a server without a LAN. */
  readonly lan: Network | null
  readonly whitelist: readonly Network[]
  /** The hosts that are protected by name. */
  readonly named: NamedHosts
  /** Networks that are never banned; banned hosts in them are released. */
  readonly protectedNetworks: readonly Network[]
  /** The protected networks for portsentry's ignore list: those of the families that it sees. */
  readonly ignored: readonly Network[]
  /** Daemons that use libwrap, for which hosts.allow has to let the protected networks in. */
  readonly libwrapDaemons: readonly string[]
  /** The protected networks that hosts.allow names. */
  readonly hostsAllowNetworks: readonly Network[]
  readonly jails: Jails
  /** The jail's actions that tell others about bans. */
  readonly notices: readonly NoticeAction[]
  /** Files that portward writes as a whole, by path; null: the file must not exist. */
  readonly ownedFiles: ReadonlyMap<string, string | null>
  /** The history file that portsentry writes and fail2ban reads. */
  readonly historyPath: string
  /** The files in which portsentry lists the hosts that it has blocked. */
  readonly blockedPaths: readonly string[]
  /** Other logs without which fail2ban would not start. */
  readonly logs: readonly string[]
}

export interface DesiredResult {
  readonly desired: Desired
  readonly problems: readonly Problem[]
}

const SELECTION = 'portsentry portsentry/warn_no_block note'

type PresentValue = (key: string) => string | undefined

/** The present values in portsentry.conf, by key; lines that keep the daemon from starting are read as they were meant. */
const presentValues = (facts: Pick<Facts, 'files'>, release: Release): PresentValue => {
  const { confPath, dialect, moreKeys, translatedKeys } = release
  const parse = (text: string) => parsePortsentryConf(text, dialect, moreKeys)
  const conf = parse(fileText(facts, confPath) ?? '')
  const edits = fixEdits(conf, fixRefused(conf))
  const fixed = edits.length === 0 ? conf : parse(applyEdits(conf.text, edits))
  return (key) => (translatedKeys.has(key) ? translatedValue(fixed, key) : getKey(fixed, key))
}

/** The value of a required key: that of config.env, else the present one, else the release's default if it is missing or foreign. */
const requiredValue = (
  key: string,
  settings: Settings,
  presentOf: PresentValue,
  release: Release,
): string => {
  const present = presentOf(key)
  const isForeign = present === release.foreignValues.get(key)
  return (
    settings.portsentryKeys.get(key) || (isForeign ? '' : present) || (release.requiredKeys.get(key) ?? '')
  )
}

/** The history file that portsentry writes. */
export const findHistory = (settings: Settings, facts: Pick<Facts, 'files'>, release: Release): string =>
  requiredValue('HISTORY_FILE', settings, presentValues(facts, release), release)

/** With a ban set fail2ban's action maintains the file that hosts.deny names; lines that portsentry wrote would outlive the ban. */
const killHostsDeny = (settings: Settings, present: string | undefined): string | null =>
  settings.portsentryKeys.get('KILL_HOSTS_DENY') ??
  (settings.banBackend === 'none' ? present || 'ALL: $TARGET$ : DENY' : null)

/** OBSERVE_ONLY logs and does not ban: portsentry's switch for that is BLOCK_*, and the jail is off too. */
const confKeys = (settings: Settings, facts: Facts, release: Release, backend: Backend): Desired['conf'] => {
  const observe = settings.observeOnly
    ? ([
        ['BLOCK_TCP', '0'],
        ['BLOCK_UDP', '0'],
      ] as const)
    : []
  const present = presentValues(facts, release)
  const verbatim = [...settings.portsentryKeys].filter(([key]) => !release.translatedKeys.has(key))
  return new Map<string, string | null>([
    ...[...release.requiredKeys.keys()].map(
      (key) => [key, requiredValue(key, settings, present, release)] as const,
    ),
    ['BLOCKED_FILE', blockedFile(settings, facts, release)],
    ...verbatim,
    ...release.portKeys(settings, present),
    ...observe,
    ['KILL_ROUTE', killRoute(settings, backend, release)],
    ['KILL_HOSTS_DENY', killHostsDeny(settings, present('KILL_HOSTS_DENY'))],
  ])
}

/** Measured with a name server that does not answer: portsentry 1.2 blocks for 10 s at each packet, and bans only then. */
const findSlowness = (settings: Settings, { dialect }: Release, at: SourceLocation): Problem[] =>
  dialect !== '1.2' || settings.portsentryKeys.get('RESOLVE_HOST') !== '1'
    ? []
    : [
        {
          severity: 'warning',
          code: 'resolves-first',
          message:
            'this portsentry bans a scanner only after DNS has answered or timed out, and detects nothing until then',
          hint: 'leave RESOLVE_HOST out: the log then has addresses only',
          at,
        },
      ]

/** Which backend, and what decides it; nothing where it stays. */
const describeBackend = ({ banBackend }: Settings, { backend, reason }: BackendChoice): string[] => {
  if (banBackend !== 'auto') return [`with ${backend} (BAN_BACKEND)`]
  return reason === null ? [] : [`with ${backend}: ${reason} (BAN_BACKEND is auto)`]
}

/** Settings + facts → how the server should be. Pure. */
export const desire = (settings: Settings, facts: Facts, release: Release): DesiredResult => {
  const problems: Problem[] = []
  const locationOf = (name: string) => settings.locations.get(name) ?? { path: settings.path }
  const { backend, reason } = chooseBackend(settings, facts)
  const present = banSetOf(fileText(facts, BANS_CONF))?.target ?? legacyTarget(fileText(facts, LEGACY_CONF))
  const choice = chooseTarget(settings.banTarget, facts.live, present)
  const banSet = ownsBans(settings)
    ? { backend, target: backend === 'ipset' ? choice.target : ('DROP' as const) }
    : null
  const usesTarget = banSet?.backend === 'ipset'
  if (usesTarget && choice.warning !== undefined && facts.live !== null) {
    problems.push({
      severity: 'warning',
      code: 'ban-target',
      message: choice.warning,
      hint: 'set BAN_TARGET=DROP to choose it explicitly',
      at: locationOf('BAN_TARGET'),
    })
  }
  for (const { variable, message, hint } of release.impossible(settings)) {
    problems.push({ severity: 'error', code: 'not-in-this-release', message, hint, at: locationOf(variable) })
  }
  const {
    networks: protectedNetworks,
    hostsAllowNetworks,
    record,
    named,
    problems: protectionProblems,
  } = decideProtectedNetworks(settings, facts, release)
  const historyPath = findHistory(settings, facts, release)
  problems.push(
    ...protectionProblems,
    ...(settings.observeOnly
      ? []
      : findExposed(facts, release, protectedNetworks, settings.untrusted, locationOf('WHITELIST'))),
    ...findLanProblems(settings, facts.live?.topology ?? null, protectedNetworks),
    ...findTimerProblems(settings, facts.live),
    ...findMetricsProblems(settings, facts.live),
    ...findFirewallManagerProblems(settings, facts, release, banSet),
    ...findSlowness(settings, release, locationOf('RESOLVE_HOST')),
    ...findInsecureBlockedFile(settings, facts, locationOf('BLOCKED_FILE')),
    ...findNotificationProblems(settings, facts),
    ...findUnfitHistory(settings, facts, release, historyPath),
    ...lostIgnoreIps(facts, release, protectedNetworks),
  )
  const blockedPaths = findBlockedFiles(settings, facts, release)
  const jails = desiredJails(settings, facts, release, protectedNetworks, historyPath)
  const modes = { tcpMode: settings.tcpMode, udpMode: settings.udpMode }
  const conf = confKeys(settings, facts, release, backend)
  problems.push(...findUntried(settings, release, needsOf(facts, release, modes, conf)))
  const libwrapDaemons = judgedDaemons(facts.wrapped)
  const usesOwnAction = banSet !== null && settings.banaction === undefined
  const killHostsDenyLine = conf.get('KILL_HOSTS_DENY') ?? ''
  const writesDenied = usesOwnAction && killHostsDenyLine === '' && libwrapDaemons.length > 0
  const emptiesBlocked = release.dialect === '1.2'
  const banSetParts = banSet && {
    ...banSet,
    settings,
    protectedNetworks,
    writesDenied,
    database: findDatabase(fail2banFiles(facts)),
    blockedPaths: emptiesBlocked ? blockedPaths : [],
  }
  const changesFirewall: Service[] = [
    ...(banSet !== null && settings.killRoute === undefined ? (['portsentry'] as const) : []),
    ...(usesOwnAction ? (['fail2ban'] as const) : []),
  ]
  const writes = writtenPaths({
    usesOwnAction,
    writesDenied,
    historyPath,
    blockedPaths,
    emptiesBlocked,
    killHostsDeny: killHostsDenyLine,
  })
  problems.push(...findSandboxProblems(facts.live?.units ?? new Map(), { writes, changesFirewall }))
  const desired: Desired = {
    release,
    packages: requiredPackages(settings, backend, facts.live?.init ?? 'systemd', packagesOfJails(facts)),
    selections: facts.packages.has('portsentry') ? [] : [SELECTION],
    conf,
    modes,
    timers: new Map(
      wantedTimers(settings, facts.live?.init ?? 'systemd').map(({ unit, askedBy }) => [
        `${unit}.timer`,
        askedBy(settings) ?? '',
      ]),
    ),
    metrics: settings.metrics,
    banSet,
    banSetNotes: [
      ...(banSet === null ? [] : describeBackend(settings, { backend, reason })),
      ...(usesTarget && facts.live !== null && choice.note !== undefined ? [choice.note] : []),
    ],
    writesDenied,
    legacyBans: facts.files.has(LEGACY_CONF) ? legacyBans(fileText(facts, LEGACY_RECORD)) : null,
    lan: settings.lan,
    whitelist: settings.whitelist,
    named,
    protectedNetworks,
    hostsAllowNetworks,
    libwrapDaemons,
    ignored: protectedNetworks.filter((network) => sees(release, network)),
    jails: jails.jails,
    notices: isJailWanted(jails) ? wantedNotices(settings) : [],
    ownedFiles: new Map([
      ...release.ownedFiles(settings),
      [SSHD_PATH, jails.sshdFile],
      ...notificationFiles(jails.jails),
      ...banSetFiles(banSetParts),
      ...timerFiles(settings, facts.live),
      ...LEGACY_FILES.map((path) => [path, null] as const),
      [NAMES_PATH, named.record],
      ...(record === undefined ? [] : ([[ADDRESSES_PATH, record]] as const)),
    ]),
    historyPath,
    blockedPaths,
    logs: jails.logs,
    writes,
    changesFirewall,
  }
  return { desired, problems: [...problems, ...jails.problems] }
}
