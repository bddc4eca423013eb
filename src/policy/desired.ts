import { getKey, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import { isIPv4, type Network, parseNetwork, withoutContained } from '../network.ts'
import type { Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { type Facts, fileText } from './facts.ts'
import { desiredJails, type Jails } from './jail.ts'
import { chooseTarget, killRoute } from './kill-route.ts'
import { requiredPackages } from './packages.ts'
import type { Release } from './release.ts'

/** How the server should be, as data: what each file should say and what should run. */
export interface Desired {
  readonly release: Release
  readonly packages: readonly string[]
  /** Lines for debconf-set-selections, needed when portsentry is installed for the first time. */
  readonly selections: readonly string[]
  /** Keys of portsentry.conf; null: the daemon must find no such key. */
  readonly conf: ReadonlyMap<string, string | null>
  readonly modes: { readonly TCP_MODE: string; readonly UDP_MODE: string }
  readonly lan: Network
  /** Networks never to be banned; whoever lies in one of them is released. */
  readonly protectedNetworks: readonly Network[]
  /** The same for portsentry's ignore list: the families that it sees. */
  readonly ignored: readonly Network[]
  readonly jails: Jails
  /** The history file that portsentry writes and fail2ban reads. */
  readonly historyPath: string
  /** Other logs without which fail2ban would not start. */
  readonly logs: readonly string[]
}

export interface DesiredResult {
  readonly desired: Desired
  readonly problems: readonly Problem[]
}

/** fail2ban and hosts.allow need loopback said; portsentry's stock list has 127.0.0.1 only. */
const LOOPBACK = ['127.0.0.0/8', '::1'].flatMap((text) => parseNetwork(text) ?? [])

const SELECTION = 'portsentry portsentry/warn_no_block note'

/** Networks that must never be banned: loopback, the LAN, the whitelist, the server's own addresses. */
const protectedNetworks = (settings: Settings, facts: Facts): Network[] =>
  withoutContained([...LOOPBACK, settings.lan, ...settings.whitelist, ...(facts.live?.addresses ?? [])])

/** OBSERVE_ONLY logs and bans nobody: portsentry's own switch is BLOCK_*, and the jail is off too. */
const confKeys = (settings: Settings, target: string): Map<string, string | null> => {
  const keys = new Map<string, string | null>(settings.portsentryKeys)
  if (settings.observeOnly) {
    keys.set('BLOCK_TCP', '0')
    keys.set('BLOCK_UDP', '0')
  }
  return keys.set('KILL_ROUTE', killRoute(settings, target))
}

/** The history file that config.env names, or the admin's portsentry.conf, or the stock one. */
export const findHistory = (settings: Settings, facts: Facts, release: Release): string => {
  const conf = parsePortsentryConf(fileText(facts, release.confPath) ?? '', release.dialect)
  return (
    settings.portsentryKeys.get('HISTORY_FILE') ||
    getKey(conf, 'HISTORY_FILE') ||
    (release.requiredKeys.get('HISTORY_FILE') as string)
  )
}

/** Settings + facts → how the server should be. Pure. */
export const desire = (settings: Settings, facts: Facts, release: Release): DesiredResult => {
  const problems: Problem[] = []
  const conf = (name: string) => settings.places.get(name) ?? { path: 'config.env' }
  const choice = chooseTarget(settings.banTarget, facts.live)
  const usesTarget = settings.banBackend === 'iptables' && settings.killRoute === undefined
  if (usesTarget && choice.warning !== undefined && facts.live !== null) {
    problems.push({
      severity: 'warning',
      code: 'ban-target',
      message: choice.warning,
      hint: 'set BAN_TARGET=DROP to choose it yourself',
      at: conf('BAN_TARGET'),
    })
  }
  for (const name of settings.portsentryKeys.keys()) {
    if (release.keys.has(name)) continue
    problems.push({
      severity: 'error',
      code: 'unknown-key',
      message: `${name} is not a key of ${release.title}`,
      hint: 'take it out of config.env',
      at: conf(name),
    })
  }
  const networks = protectedNetworks(settings, facts)
  const historyPath = findHistory(settings, facts, release)
  const jails = desiredJails(settings, facts, choice.target, networks, historyPath)
  const desired: Desired = {
    release,
    packages: requiredPackages(settings, facts.live?.init ?? 'systemd'),
    selections: facts.packages.has('portsentry') ? [] : [SELECTION],
    conf: confKeys(settings, choice.target),
    modes: { TCP_MODE: settings.tcpMode, UDP_MODE: settings.udpMode },
    lan: settings.lan,
    protectedNetworks: networks,
    ignored: networks.filter((network) => release.seesIPv6 || isIPv4(network)),
    jails: jails.jails,
    historyPath,
    logs: jails.logs,
  }
  return { desired, problems: [...problems, ...jails.problems] }
}
