import filterText from '../../../templates/fail2ban-filter-2.conf?raw'
import connectUnit from '../../../templates/portsentry-connect.conf?raw'
import type { Settings } from '../../settings/settings.ts'
import type { Impossible, Modes, Release } from '../release.ts'

/** What 1.2's stock file says where config.env says nothing, so that a mode means the same ports on every release. */
const ADVANCED = {
  TCP: { mode: 'atcp', ports: '1024', exclude: '113,139' },
  UDP: { mode: 'audp', ports: '1024', exclude: '520,138,137,67' },
} as const

/** Every port from 1 below `count` but those in `exclude`, as ranges: `1-112,114-138,140-1023`. */
export const portRanges = (count: number, exclude: readonly number[]): string => {
  const ranges: string[] = []
  const gaps = [...new Set(exclude)].filter((port) => port > 0 && port < count).sort((a, b) => a - b)
  let first = 1
  for (const gap of [...gaps, count]) {
    if (gap - 1 > first) ranges.push(`${first}-${gap - 1}`)
    else if (gap - 1 === first) ranges.push(String(first))
    first = gap + 1
  }
  return ranges.join(',')
}

/**
 * 2.x knows port lists only, and passes over ports that a service uses by itself: an advanced mode is the list
 * of all ports below ADVANCED_PORTS but the excluded ones, a protocol that is off has no list at all.
 */
const portKeys = (settings: Settings): ReadonlyMap<string, string | null> => {
  const given = settings.portsentryKeys
  const keys = new Map<string, string | null>()
  for (const [protocol, mode] of [
    ['TCP', settings.tcpMode],
    ['UDP', settings.udpMode],
  ] as const) {
    const { mode: advanced, ports, exclude } = ADVANCED[protocol]
    if (mode === '') keys.set(`${protocol}_PORTS`, null)
    else if (mode === advanced) {
      const count = Number(given.get(`ADVANCED_PORTS_${protocol}`) ?? ports)
      const excluded = (given.get(`ADVANCED_EXCLUDE_${protocol}`) ?? exclude).split(',').map(Number)
      keys.set(`${protocol}_PORTS`, portRanges(count, excluded))
    }
  }
  return keys
}

const isConnect = ({ tcpMode, udpMode }: Modes): boolean => tcpMode === 'tcp' || udpMode === 'udp'

/** One daemon watches both protocols in one way; and keys that only the advanced modes translate mean nothing else. */
const impossible = (settings: Settings): Impossible[] => {
  const { tcpMode, udpMode, portsentryKeys } = settings
  const problems: Impossible[] = []
  const isMixed = tcpMode !== '' && udpMode !== '' && (tcpMode === 'tcp') !== (udpMode === 'udp')
  if (isMixed) {
    problems.push({
      variable: 'TCP_MODE',
      message: `TCP_MODE=${tcpMode} does not go with UDP_MODE=${udpMode}: portsentry 2.x watches both protocols in one way`,
      hint: 'use tcp with udp, or stealth modes (stcp, atcp, sudp, audp) for both',
    })
  }
  for (const [protocol, mode] of [
    ['TCP', tcpMode],
    ['UDP', udpMode],
  ] as const) {
    for (const key of [`ADVANCED_PORTS_${protocol}`, `ADVANCED_EXCLUDE_${protocol}`]) {
      if (!portsentryKeys.has(key) || mode === ADVANCED[protocol].mode) continue
      problems.push({
        variable: key,
        message: `${key} is not a key of portsentry 2.x, and says nothing in ${protocol}_MODE=${mode}`,
        hint: `take it out, or use ${protocol}_MODE=${ADVANCED[protocol].mode}`,
      })
    }
  }
  return problems
}

/** Debian testing, 2.0.7: one daemon with port lists, IPv4 and IPv6, its own history format. */
export const native2: Release = {
  name: 'native-2',
  title: 'portsentry 2.x (Debian testing)',
  matches: ({ version, files }) =>
    /^2\.0\.\d/.test(version) && files.some((path) => path.endsWith('/systemd/system/portsentry.service')),
  dialect: '2.x',
  confPath: '/etc/portsentry/portsentry.conf',
  requiredKeys: new Map([
    ['IGNORE_FILE', '/etc/portsentry/portsentry.ignore'],
    ['HISTORY_FILE', '/var/log/portsentry.log'],
    ['BLOCKED_FILE', '/tmp/portsentry.blocked'],
    ['KILL_HOSTS_DENY', 'ALL: $TARGET$ : DENY'],
  ]),
  foreignValues: new Map([
    ['HISTORY_FILE', '/var/lib/portsentry/portsentry.history'],
    ['BLOCKED_FILE', '/var/lib/portsentry/portsentry.blocked'],
  ]),
  portKeys,
  impossible,
  modesPath: null,
  ignorePath: '/etc/portsentry/portsentry.ignore',
  builtIgnorePath: '/etc/portsentry/portsentry.ignore',
  seesIPv6: true,
  packageMakesHistory: true,
  filter: 'portsentry-2',
  ownedFiles: (modes) =>
    new Map([
      ['/etc/fail2ban/filter.d/portsentry-2.conf', filterText],
      ['/etc/systemd/system/portsentry.service.d/portward.conf', isConnect(modes) ? connectUnit : null],
    ]),
  daemonPath: '/usr/sbin/portsentry',
  daemonArguments: (modes) => [isConnect(modes) ? '--connect' : ''],
  units: () => ['portsentry'],
  packageEnablesUnits: true,
  hasInitScript: false,
}
