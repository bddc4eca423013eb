import { type Network, parseNetwork } from '../network.ts'
import type { BanSet } from './backends/definition.ts'

/**
 * The ban program of earlier versions of portward: a shell program with units, a fail2ban action and its own record of bans.
 * One apply moves such a server to the ban set; a rollback of that apply restores the program.
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

/** Its files. Its record is removed with its rules. */
export const LEGACY_FILES: readonly string[] = [
  LEGACY_PROGRAM,
  LEGACY_CONF,
  '/etc/fail2ban/action.d/portward.conf',
  ...LEGACY_UNITS.map((unit) => `/etc/systemd/system/${unit}`),
]

/** The hosts of its record, all or those that are banned at a time in ms since 1970. */
export const legacyBans = (record: string | undefined, nowMs = 0): string[] =>
  [...(record ?? '').matchAll(/^(\S+) (\d+)$/gm)].flatMap(([, host = '', end]) =>
    Number(end) === 0 || Number(end) * 1000 > nowMs ? [host] : [],
  )

/** The backend that its configuration names, by its present name. */
export const legacyBackend = (conf: string | undefined): string | undefined =>
  /^BACKEND=(\w+)$/m.exec(conf ?? '')?.[1]?.replace('iptables', 'ipset')

/** The iptables target that its configuration names. */
export const legacyTarget = (conf: string | undefined): string | undefined =>
  /^TARGET=(\w+)$/m.exec(conf ?? '')?.[1]

/** The networks that its configuration protects. */
export const legacyProtected = (conf: string): Network[] =>
  (/^ALLOWED='([^']*)'$/m.exec(conf)?.[1] ?? '').split(' ').flatMap((text) => parseNetwork(text) ?? [])

/** The ban set uses the names of the old table and its main chain. The chain stays in force under another name. */
export const MAKE_WAY =
  '! nft list chain inet portward input >/dev/null 2>&1 || nft rename chain inet portward decide decide_old'

const OLD_CHAINS = ['input', 'forward', 'decide_old'].map((name) => `delete chain inet portward ${name};`)
const OLD_SETS = ['allowed', 'allowed6', 'banned', 'banned6'].map(
  (name) => `delete set inet portward ${name};`,
)

/** A shell script that removes the old rules, but nothing of the loaded ban set; null: none is loaded. */
export const removeLegacyRules = (loaded: BanSet | null): string => {
  // The ban set uses the same chain and hooks in the filter table.
  const isTakenOver = loaded?.backend === 'ipset' && loaded.target !== 'DROP'
  const hooks = isTakenOver ? ['DOCKER-USER'] : ['INPUT', 'FORWARD', 'DOCKER-USER']
  const lines = [
    'set -e',
    ...['iptables', 'ip6tables'].flatMap((program) => [
      ...hooks.map((hook) => `while ${program} -w -D ${hook} -j PORTWARD 2>/dev/null; do :; done`),
      ...(isTakenOver ? [] : [`! ${program} -w -F PORTWARD 2>/dev/null || ${program} -w -X PORTWARD`]),
    ]),
    loaded?.backend === 'nft'
      ? `! nft list chain inet portward input >/dev/null 2>&1 || nft '${[...OLD_CHAINS, ...OLD_SETS].join(' ')}'`
      : '! nft list table inet portward >/dev/null 2>&1 || nft delete table inet portward',
  ]
  return lines.join('\n')
}

/** Lines for `ip -batch` that remove the old routes. */
export const removeLegacyRoutes = (hosts: readonly string[]): string =>
  hosts.map((host) => `route del blackhole ${host} metric 1\n`).join('')

/** The parts of ban sets that may be removed while the old rules, which share some names, are in force. */
export const besideLegacy = (sets: readonly BanSet[], legacy: string | undefined): BanSet[] =>
  sets
    .filter(({ backend }) => backend !== 'nft' || legacy !== 'nft')
    .map((set) => (set.backend === 'ipset' && legacy === 'ipset' ? { ...set, target: 'DROP' as const } : set))
