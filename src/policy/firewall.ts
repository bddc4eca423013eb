import actionText from '../../templates/fail2ban-action.conf?raw'
import scriptText from '../../templates/firewall.sh?raw'
import firewallUnit from '../../templates/portward-firewall.service?raw'
import syncUnit from '../../templates/portward-sync.service?raw'
import syncTimer from '../../templates/portward-sync.timer?raw'
import { formatCidr, type Network, parseNetwork } from '../network.ts'
import type { BanTarget, Settings } from '../settings/settings.ts'
import { type Modes, modesOf, type Release } from './release.ts'

/** The program by which portsentry and fail2ban ban and release, and what it is told. */
export const FIREWALL = '/etc/portward/firewall'
export const FIREWALL_CONF = '/etc/portward/firewall.conf'
/** The bans in force: an address a line, and when it ends in seconds since 1970; 0: never. */
export const BANS = '/var/lib/portward/bans'
/** What it notes until the next boot. */
export const FIREWALL_RUN = '/run/portward'

/** Makes the place in the firewall at boot; the unit and the timer beside it keep all places agreed. */
export const FIREWALL_UNIT = 'portward-firewall'
export const SYNC_UNIT = 'portward-sync'

/** Portward's own units that start at boot. Whichever of them somebody has disabled is enabled again. */
export const BOOT_UNITS: readonly string[] = [FIREWALL_UNIT, `${SYNC_UNIT}.service`, `${SYNC_UNIT}.timer`]
/** Those that have to be active, too. */
export const ACTIVE_UNITS: readonly string[] = [`${FIREWALL_UNIT}.service`, `${SYNC_UNIT}.timer`]

const UNITS = '/etc/systemd/system'
const ACTION = '/etc/fail2ban/action.d/portward.conf'

/** Files of the place itself: with other bytes in one of them it has to be made anew. */
export const FIREWALL_FILES: ReadonlyMap<string, string> = new Map([
  [`${UNITS}/${FIREWALL_UNIT}.service`, firewallUnit],
  [`${UNITS}/${SYNC_UNIT}.service`, syncUnit],
  [`${UNITS}/${SYNC_UNIT}.timer`, syncTimer],
  [FIREWALL, scriptText],
])

/** The daemon's file descriptors are not the program's business. */
export const BAN_COMMAND = `/bin/sh ${FIREWALL} add $TARGET$ </dev/null >/dev/null 2>&1`

/** Whether portsentry's bans get into hosts.deny, by its own hand or by the command that it runs. */
export const writesHostsDeny = (killHostsDeny: string, killRoute: string): boolean =>
  killHostsDeny !== '' || killRoute === BAN_COMMAND

/** Takes one ban out of every place, one word an element. */
export const releaseCommand = (address: string): string[] => ['/bin/sh', FIREWALL, 'del', address]

/** Whether bans have a place of portward's own here, and so one life. */
export const ownsBans = ({
  banBackend,
  observeOnly,
}: Pick<Settings, 'banBackend' | 'observeOnly'>): boolean => banBackend !== 'none' && !observeOnly

/** fail2ban's units (MyTime.str2seconds), in seconds; months and years are averages over four years. */
const YEAR = ((3 * 365 + 366) * 86_400) / 4
const SECONDS: readonly (readonly [RegExp, number])[] = [
  [/^(?:s|sec|seconds?)?$/, 1],
  [/^(?:m|min|minutes?)$/, 60],
  [/^(?:h|hours?)$/, 3600],
  [/^(?:d|days?)$/, 86_400],
  [/^(?:w|week)$/, 604_800],
  [/^(?:mo|mon|months?)$/, YEAR / 12],
  [/^(?:y|years?)$/, YEAR],
]

/** A time as fail2ban reads it, such as `1d 12h`, in seconds; -1 stays -1: for ever. */
export const secondsOf = (time: string): number => {
  if (time === '-1') return -1
  const parts = [...time.matchAll(/(\d+) ?([a-z]*)/g)].map(
    ([, count, unit = '']) => Number(count) * (SECONDS.find(([name]) => name.test(unit))?.[1] ?? 0),
  )
  return Math.round(parts.reduce((sum, part) => sum + part, 0))
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

interface Wanted {
  readonly settings: Settings
  readonly release: Release
  readonly modes: Modes
  readonly target: Exclude<BanTarget, 'auto'>
  /** Networks that are never to be banned. */
  readonly protectedNetworks: readonly Network[]
  readonly historyPath: string
  readonly blockedPath: string
}

const confText = (wanted: Wanted): string => {
  const { settings, release, modes, target, protectedNetworks, historyPath, blockedPath } = wanted
  return [
    '# Kept by portward from config.env.',
    `BACKEND=${settings.banBackend}`,
    `TARGET=${target}`,
    `ALLOWED=${quoted(protectedNetworks.map(formatCidr).join(' '))}`,
    `BANTIME=${secondsOf(settings.bantime)}`,
    `DENY=${settings.portsentryKeys.has('KILL_HOSTS_DENY') ? 0 : 1}`,
    `DIALECT=${release.dialect}`,
    `BLOCKED_FILE=${quoted(blockedPath)}`,
    `HISTORY_FILE=${quoted(historyPath)}`,
    `MODES=${quoted(modesOf(modes).join(' '))}`,
    // fail2ban bans by another action then, which does not tell of its releases.
    ...(settings.banaction === undefined ? [] : ['HANDOVER=0']),
    '',
  ].join('\n')
}

/** All files of the bans' own place, by path; null where there is to be none. */
export const firewallFiles = (wanted: Wanted): ReadonlyMap<string, string | null> => {
  const files = [[FIREWALL_CONF, confText(wanted)] as const, [ACTION, actionText] as const, ...FIREWALL_FILES]
  const isWanted = ownsBans(wanted.settings)
  return new Map(files.map(([path, text]) => [path, isWanted ? text : null]))
}

/** Every path that `firewallFiles` may name. */
export const FIREWALL_PATHS: readonly string[] = [...FIREWALL_FILES.keys(), FIREWALL_CONF, ACTION]

/** The iptables target that a present configuration of the place names. */
export const presentTarget = (conf: string | undefined): string | undefined =>
  /^TARGET=(\w+)$/m.exec(conf ?? '')?.[1]

/** The networks that a present configuration of the place protects. */
export const presentAllowed = (conf: string): Network[] =>
  (/^ALLOWED='([^']*)'$/m.exec(conf)?.[1] ?? '').split(' ').flatMap((text) => parseNetwork(text) ?? [])
