import filterText from '../../../templates/fail2ban-filter-2.conf?raw'
import connectUnit from '../../../templates/portsentry-connect.conf?raw'
import type { Settings } from '../../settings/settings.ts'
import type { PortsentryPackage } from '../facts.ts'
import { isNearlyAll, listPorts, portRanges } from '../ports.ts'
import type { Impossible, Modes, Release } from '../release.ts'

/** Defaults from 1.2's stock file, so that a mode means the same ports on every release. */
const ADVANCED = {
  TCP: { mode: 'atcp', ports: '1024', exclude: '113,139' },
  UDP: { mode: 'audp', ports: '1024', exclude: '520,138,137,67' },
} as const

/**
 * Ports for the modes with a list, if neither config.env nor portsentry.conf has one: chosen among services that scanners
 * look for and that today's servers do not run.
 */
const LISTED = {
  TCP: '1,7,9,11,13,15,17,19,23,37,69,70,79,109,111,113,119,135,139,512-515,540,1080,1433,1524,2323,5900,6667',
  UDP: '1,7,9,13,17,19,37,69,111,161,177,513,517,518,1434,1900,11211',
} as const

/** Longer values keep 2.x from starting: it reads lines of 1024 bytes. */
const MAX_VALUE = 1000

const protocols = ({ tcpMode, udpMode }: Modes) =>
  [
    ['TCP', tcpMode],
    ['UDP', udpMode],
  ] as const

/** The port list of an advanced mode for 2.x: all ports below ADVANCED_PORTS except the excluded ones. */
const advancedPorts = (protocol: 'TCP' | 'UDP', value: (key: string) => string | undefined): string => {
  const { ports, exclude } = ADVANCED[protocol]
  const count = Number(value(`ADVANCED_PORTS_${protocol}`) ?? ports)
  return portRanges(count, listPorts(value(`ADVANCED_EXCLUDE_${protocol}`) ?? exclude))
}

/**
 * 2.x has port lists only, and skips ports that a service uses: a protocol that is off has no list at all. What an earlier
 * mode left, ranges or no list, does not apply to a mode with a list.
 */
const portKeys: Release['portKeys'] = (settings, present) => {
  const given = settings.portsentryKeys
  const keys = new Map<string, string | null>()
  for (const [protocol, mode] of protocols(settings)) {
    const key = `${protocol}_PORTS`
    const list = present(key)
    if (mode === '') keys.set(key, null)
    else if (mode === ADVANCED[protocol].mode)
      keys.set(
        key,
        advancedPorts(protocol, (name) => given.get(name) ?? present(name)),
      )
    else if (!given.has(key) && (list === undefined || isNearlyAll(list))) keys.set(key, LISTED[protocol])
  }
  return keys
}

const isConnect = ({ tcpMode, udpMode }: Modes): boolean => tcpMode === 'tcp' || udpMode === 'udp'

/** One daemon watches both protocols in the same way; keys that only the advanced modes use have no effect in other modes. */
const impossible = (settings: Settings): Impossible[] => {
  const { tcpMode, udpMode, portsentryKeys } = settings
  const problems: Impossible[] = []
  const isMixed = tcpMode !== '' && udpMode !== '' && (tcpMode === 'tcp') !== (udpMode === 'udp')
  if (isMixed) {
    problems.push({
      variable: 'TCP_MODE',
      message: `TCP_MODE=${tcpMode} cannot be combined with UDP_MODE=${udpMode}: portsentry 2.x watches both protocols in the same way`,
      hint: 'use tcp with udp, or stealth modes (stcp, atcp, sudp, audp) for both',
    })
  }
  for (const [protocol, mode] of protocols(settings)) {
    const isAdvanced = mode === ADVANCED[protocol].mode
    const ports = isAdvanced ? advancedPorts(protocol, (key) => portsentryKeys.get(key)) : null
    if (ports === '' || (ports?.length ?? 0) > MAX_VALUE) {
      problems.push({
        variable: `ADVANCED_EXCLUDE_${protocol}`,
        message: `ADVANCED_EXCLUDE_${protocol} leaves ${ports === '' ? 'no port to watch' : `a list of ${ports?.length} bytes, too long for portsentry`}`,
        hint: 'exclude fewer ports',
      })
    }
    for (const key of [`ADVANCED_PORTS_${protocol}`, `ADVANCED_EXCLUDE_${protocol}`]) {
      if (!portsentryKeys.has(key) || isAdvanced) continue
      problems.push({
        variable: key,
        message: `${key} is not a key of portsentry 2.x, and has no effect in ${protocol}_MODE=${mode}`,
        hint: `remove it, or use ${protocol}_MODE=${ADVANCED[protocol].mode}`,
      })
    }
  }
  return problems
}

/** Whether it is a version that this table was made for. Later ones are asked what they accept. */
export const isTried2 = ({ version }: PortsentryPackage): boolean => /^2\.0\.\d/.test(version)

/** Debian testing, 2.0.7: one daemon with port lists, IPv4 and IPv6, its own history format. */
export const native2: Release = {
  name: 'native-2',
  title: 'portsentry 2.x (Debian testing)',
  matches: ({ version, files }) =>
    /^(?:[2-9]|[1-9]\d+)\.\d/.test(version) &&
    (files?.some((path) => path.endsWith('/systemd/system/portsentry.service')) ?? true),
  dialect: '2.x',
  confPath: '/etc/portsentry/portsentry.conf',
  requiredKeys: new Map([
    ['IGNORE_FILE', '/etc/portsentry/portsentry.ignore'],
    ['HISTORY_FILE', '/var/log/portsentry.log'],
    ['KILL_HOSTS_DENY', 'ALL: $TARGET$ : DENY'],
  ]),
  foreignValues: new Map([['HISTORY_FILE', '/var/lib/portsentry/portsentry.history']]),
  translatedKeys: new Set(
    ['TCP', 'UDP'].flatMap((protocol) => [`ADVANCED_PORTS_${protocol}`, `ADVANCED_EXCLUDE_${protocol}`]),
  ),
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
