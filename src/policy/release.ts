import type { Dialect } from '../documents/portsentry-conf.ts'
import type { Problem } from '../problem.ts'
import type { Facts, PortsentryPackage } from './facts.ts'

/** How one generation of Debian's portsentry packages is laid out. One table a release; no `if` elsewhere. */
export interface Release {
  readonly name: string
  readonly title: string
  readonly matches: (portsentry: PortsentryPackage) => boolean
  readonly dialect: Dialect
  readonly confPath: string
  /** Shell file with TCP_MODE and UDP_MODE. */
  readonly modesPath: string
  /** Where whitelisted networks go, and the file that the daemon reads and that is built from it. */
  readonly ignorePath: string
  readonly builtIgnorePath: string
  /** Keys without which the daemon does not start, and their stock values. */
  readonly requiredKeys: ReadonlyMap<string, string>
  /** Keys of portsentry.conf that the daemon knows. */
  readonly keys: ReadonlySet<string>
  /** Whether the daemon sees IPv6 at all. */
  readonly seesIPv6: boolean
  readonly daemonPath: string
  /** Argument that a daemon in this mode was started with. */
  readonly modeArgument: (mode: string) => string
  readonly service: string
}

/** Debian 12: 1.2-14, an init script that starts one daemon a protocol and builds the ignore list. */
const sysv12: Release = {
  name: 'sysv-1.2',
  title: 'portsentry 1.2 with an init script (Debian 12)',
  matches: ({ version, files }) =>
    /^1\.2-\d/.test(version) &&
    files.includes('/etc/init.d/portsentry') &&
    !files.some((path) => path.endsWith('/portsentry@.service')),
  dialect: '1.2',
  confPath: '/etc/portsentry/portsentry.conf',
  modesPath: '/etc/default/portsentry',
  ignorePath: '/etc/portsentry/portsentry.ignore.static',
  builtIgnorePath: '/etc/portsentry/portsentry.ignore',
  requiredKeys: new Map([
    ['IGNORE_FILE', '/etc/portsentry/portsentry.ignore'],
    ['HISTORY_FILE', '/var/lib/portsentry/portsentry.history'],
    ['BLOCKED_FILE', '/var/lib/portsentry/portsentry.blocked'],
  ]),
  keys: new Set([
    'TCP_PORTS',
    'UDP_PORTS',
    'ADVANCED_PORTS_TCP',
    'ADVANCED_PORTS_UDP',
    'ADVANCED_EXCLUDE_TCP',
    'ADVANCED_EXCLUDE_UDP',
    'IGNORE_FILE',
    'HISTORY_FILE',
    'BLOCKED_FILE',
    'RESOLVE_HOST',
    'BLOCK_TCP',
    'BLOCK_UDP',
    'KILL_ROUTE',
    'KILL_HOSTS_DENY',
    'KILL_RUN_CMD',
    'KILL_RUN_CMD_FIRST',
    'SCAN_TRIGGER',
    'PORT_BANNER',
  ]),
  seesIPv6: false,
  daemonPath: '/usr/sbin/portsentry',
  modeArgument: (mode) => `-${mode}`,
  service: 'portsentry',
}

const RELEASES: readonly Release[] = [sysv12]

/** The release that fits the package, or why there is none. Never decided by the distribution's name. */
export const findRelease = (facts: Facts): Release | Problem => {
  const at = { path: `${facts.root === '/' ? '' : facts.root}/var/lib/dpkg/status` }
  if (facts.portsentry === null) {
    return {
      severity: 'error',
      code: 'no-portsentry',
      message: 'portsentry is not installed, and apt knows no version to install',
      hint: 'run apt-get update, and see that the main component is in the apt sources',
      at,
    }
  }
  const { portsentry } = facts
  const release = RELEASES.find(({ matches }) => matches(portsentry))
  if (release) return release
  return {
    severity: 'error',
    code: 'unsupported-release',
    message: `portsentry ${portsentry.version} is laid out in a way that this portward does not support`,
    hint: `nothing was touched; supported: ${RELEASES.map(({ title }) => title).join(', ')}`,
    at,
  }
}
