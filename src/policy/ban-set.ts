import loaderText from '../../templates/bans.py?raw'
import byHandText from '../../templates/by-hand.py?raw'
import actionText from '../../templates/fail2ban-action.py?raw'
import unitText from '../../templates/portward-bans.service?raw'
import { type Network, parseNetwork } from '../network.ts'
import type { Settings } from '../settings/settings.ts'
import { BACKEND_FILES, BACKENDS, networksOf } from './backends/backends.ts'
import type { Backend, BanSet, Target } from './backends/definition.ts'
import { secondsOf } from './duration.ts'
import type { Facts } from './facts.ts'
import { LEGACY_CONF, legacyBackend } from './legacy-bans.ts'

/** The settings that the loader and fail2ban's action read, and these programs. */
export const BANS_CONF = '/etc/portward/bans.conf'
export const LIBRARY = '/usr/local/lib/portward'
export const LOADER = `${LIBRARY}/bans.py`
/** fail2ban's action, a class that its server loads, and how a jail names it. */
export const ACTION = `${LIBRARY}/action.py`
export const BAN_ACTION = `${ACTION}[actname=portward]`
/** What the action runs for `portward ban`. */
export const BY_HAND = `${LIBRARY}/by-hand.py`
/** The unit that loads the bans at boot and checks each minute that the rules are in force. */
export const BANS_UNIT = 'portward-bans'
export const UNIT_PATH = `/etc/systemd/system/${BANS_UNIT}.service`

/** Addresses of banned hosts, the file that hosts.deny names. Written anew at each boot. */
export const DENIED = '/run/portward/denied'

/** Every file of the ban set, whatever the backend. */
export const BAN_SET_FILES: readonly string[] = [
  ...[BANS_CONF, LOADER, ACTION, BY_HAND, UNIT_PATH],
  ...BACKEND_FILES,
]

/** Whether portward keeps a ban set in the kernel. */
export const ownsBans = ({
  banBackend,
  observeOnly,
}: Pick<Settings, 'banBackend' | 'observeOnly'>): boolean => banBackend !== 'none' && !observeOnly

export interface BackendChoice {
  readonly backend: Backend
  /** Why `auto` chose it; null if config.env names it, or the present ban set uses it already. */
  readonly reason: string | null
}

const isBackend = (name: string | undefined): name is Backend => name !== undefined && name in BACKENDS

/** The value of an option in the text of a bans.conf. */
const optionOf = (conf: string | undefined, option: string): string | undefined =>
  new RegExp(`^${option} = (.*)$`, 'm').exec(conf ?? '')?.[1]

/** The ban set that a bans.conf describes; null if it describes none. */
export const banSetOf = (conf: string | undefined): BanSet | null => {
  const backend = optionOf(conf, 'backend')
  return isBackend(backend) ? { backend, target: optionOf(conf, 'target') as Target } : null
}

/** The networks that a bans.conf protects. */
export const protectedBy = (conf: string): Network[] =>
  (optionOf(conf, 'protected') ?? '').split(' ').flatMap((text) => parseNetwork(text) ?? [])

type Surroundings = Pick<Facts, 'files' | 'packages'> & {
  readonly live: Pick<NonNullable<Facts['live']>, 'firewallManagers'> | null
}

/** The backend to ban with; `auto` keeps the one in use, else chooses one that works with the present firewall. Pure. */
export const chooseBackend = (
  { banBackend }: Pick<Settings, 'banBackend'>,
  facts: Surroundings,
): BackendChoice => {
  if (banBackend !== 'auto' && banBackend !== 'none') return { backend: banBackend, reason: null }
  const present = banSetOf(facts.files.get(BANS_CONF)?.text)
  if (present !== null) return { backend: present.backend, reason: null }
  const before = legacyBackend(facts.files.get(LEGACY_CONF)?.text)
  if (isBackend(before)) return { backend: before, reason: 'it is in use here' }
  if (facts.live?.firewallManagers.firewalld)
    return { backend: 'nft', reason: 'firewalld empties the tables of iptables' }
  if (facts.packages.has('nftables') && !facts.packages.has('iptables'))
    return { backend: 'nft', reason: 'nftables is installed and iptables is not' }
  return { backend: 'ipset', reason: 'its bans take the least time' }
}

interface Wanted extends BanSet {
  readonly settings: Settings
  /** Networks that are never banned. */
  readonly protectedNetworks: readonly Network[]
  /** fail2ban's database; '' if it has none. */
  readonly database: string
  /** portsentry 1.2's lists of blocked hosts. */
  readonly blockedPaths: readonly string[]
  /** Whether hosts.deny names the file of banned hosts. */
  readonly writesDenied: boolean
}

const confText = (wanted: Wanted, { ipv4, ipv6 }: ReturnType<typeof networksOf>): string => {
  const { settings, backend, target, database, blockedPaths, writesDenied } = wanted
  const definition = BACKENDS[backend]
  const lines = (all: readonly string[]) => all.map((line) => `\n\t${line}`).join('')
  return [
    '# Kept by portward from config.env.',
    '[bans]',
    `backend = ${backend}`,
    `target = ${target}`,
    `protected = ${[...ipv4, ...ipv6].join(' ')}`,
    `protected6 = ${ipv6.join(' ')}`,
    `bantime = ${secondsOf(settings.bantime)}`,
    `ipv6_prefix = ${settings.banIPv6Prefix}`,
    `database = ${database}`,
    `denied = ${writesDenied ? DENIED : ''}`,
    `blocked = ${blockedPaths.join(' ')}`,
    `rules = ${definition.rules}`,
    `script = ${definition.script}`,
    `add = ${definition.add}`,
    `delete = ${definition.delete}`,
    `timeout = ${definition.timeout}`,
    `flush =${lines(definition.flush)}`,
    `hook = set -e${lines(definition.hook(target))}`,
    '',
  ]
    .map((line) => line.trimEnd())
    .join('\n')
}

/** All files of the ban set, by path; null: the file must not exist. `wanted` is null if portward does not ban. */
export const banSetFiles = (wanted: Wanted | null): ReadonlyMap<string, string | null> => {
  const none = BAN_SET_FILES.map((path) => [path, null] as const)
  if (wanted === null) return new Map(none)
  const { backend, target, protectedNetworks } = wanted
  const definition = BACKENDS[backend]
  const networks = networksOf(protectedNetworks)
  return new Map<string, string | null>([
    ...none,
    [BANS_CONF, confText(wanted, networks)],
    ...definition.files(networks, target),
    [LOADER, loaderText],
    [ACTION, actionText],
    [BY_HAND, byHandText],
    [UNIT_PATH, unitText.replace('CHECK', () => definition.check(target))],
  ])
}
