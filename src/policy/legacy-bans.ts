import { type Network, parseNetwork } from '../network.ts'

/**
 * What earlier versions of portward banned with: a shell program with units, a fail2ban action and a record of its own. A
 * server that has it is moved to the ban set by one apply; a rollback of that apply brings it back.
 */
export const LEGACY_PROGRAM = '/etc/portward/firewall'
export const LEGACY_CONF = '/etc/portward/firewall.conf'
/** An address a line, and when its ban ends in seconds since 1970; 0: never. */
export const LEGACY_RECORD = '/var/lib/portward/bans'
export const LEGACY_UNITS = [
  'portward-firewall.service',
  'portward-sync.service',
  'portward-sync.timer',
] as const

/** Its files. It removes its record itself. */
export const LEGACY_FILES: readonly string[] = [
  LEGACY_PROGRAM,
  LEGACY_CONF,
  '/etc/fail2ban/action.d/portward.conf',
  ...LEGACY_UNITS.map((unit) => `/etc/systemd/system/${unit}`),
]

/** The hosts of its record. */
export const legacyBans = (record: string | undefined): string[] =>
  (record ?? '')
    .split('\n')
    .flatMap((line) => (/^\S+ \d+$/.test(line) ? (line.split(' ', 1) as [string]) : []))

/** The backend that its configuration names, in today's words. */
export const legacyBackend = (conf: string | undefined): string | undefined =>
  /^BACKEND=(\w+)$/m.exec(conf ?? '')?.[1]?.replace('iptables', 'ipset')

/** The iptables target that its configuration names. */
export const legacyTarget = (conf: string | undefined): string | undefined =>
  /^TARGET=(\w+)$/m.exec(conf ?? '')?.[1]

/** The networks that its configuration protects. */
export const legacyProtected = (conf: string): Network[] =>
  (/^ALLOWED='([^']*)'$/m.exec(conf)?.[1] ?? '').split(' ').flatMap((text) => parseNetwork(text) ?? [])
