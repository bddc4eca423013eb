import type { Liveness, Service } from '../../src/facts/daemons.ts'
import type { Socket, SocketTable } from '../../src/facts/procfs.ts'
import { type Network, parseNetwork } from '../../src/network.ts'
import { banCommand } from '../../src/policy/backends/backends.ts'
import { BAN_ACTION, BANS_UNIT, banSetFiles } from '../../src/policy/ban-set.ts'
import type { Facts, LiveFacts } from '../../src/policy/facts.ts'
import { ADDRESSES_PATH, renderServerAddresses } from '../../src/policy/server-addresses.ts'
import { parseSettings, type Settings } from '../../src/settings/settings.ts'
import type { FileState } from '../../src/system/files.ts'

/** Settings of a config.env that must be right. */
export const settingsOf = (config: string): Settings => {
  const { settings, problems } = parseSettings(config, {}, 'config.env')
  if (settings === null) throw new Error(JSON.stringify(problems))
  return settings
}

export const LAN = 'LAN_IP=192.168.1.10\nLAN_NM=24\n'

/** The package of Debian testing, which decides for portsentry 2.x. */
export const NATIVE = { version: '2.0.7-1', files: ['/usr/lib/systemd/system/portsentry.service'] }

const PROTECTED = [
  '127.0.0.0/8',
  '::1',
  '192.168.1.0/24',
  'fe80::/10',
  '169.254.0.0/16',
  '0.0.0.0/8',
  '224.0.0.0/3',
]
const OWN_ADDRESS = parseNetwork('192.168.1.10') as Network

/** The ignore list of that server with this entry for its LAN. */
export const ignoreList = (lan = '192.168.1.0/24'): string =>
  ['127.0.0.0/8', lan, '169.254.0.0/16', '0.0.0.0/8', '224.0.0.0/3', ''].join('\n')

const file = (text: string, modifiedMs = 1000): FileState => ({
  text,
  mode: 0o644,
  uid: 0,
  gid: 0,
  modifiedMs,
})

/** A small server on which everything is as the default config.env wants it; tests change what they are about. */
const inSync = {
  '/etc/default/portsentry': 'TCP_MODE="atcp"\nUDP_MODE="audp"\n',
  '/etc/portsentry/portsentry.conf': [
    'IGNORE_FILE="/etc/portsentry/portsentry.ignore"',
    'HISTORY_FILE="/var/lib/portsentry/portsentry.history"',
    'BLOCKED_FILE="/var/lib/portsentry/portsentry.blocked"',
    'RESOLVE_HOST="0"',
    'BLOCK_TCP="1"',
    'BLOCK_UDP="1"',
    `KILL_ROUTE="${banCommand('ipset', 86_400, false)}"\n`,
  ].join('\n'),
  '/etc/portsentry/portsentry.ignore.static': ignoreList(),
  '/etc/portsentry/portsentry.ignore': ignoreList(),
  '/etc/hosts.allow': 'ALL: 127.0.0.0/255.0.0.0 [::1] 192.168.1.0/255.255.255.0\n',
  '/etc/hosts.deny': '',
  '/etc/fail2ban/jail.d/portsentry.conf': [
    '[portsentry]',
    'enabled = true',
    'filter = portsentry',
    'backend = polling',
    'logpath = /var/lib/portsentry/portsentry.history',
    `ignoreip = ${PROTECTED.join(' ')}`,
    `banaction = ${BAN_ACTION}`,
    'protocol = all',
    'bantime = 1d',
    'bantime.increment = true',
    'bantime.maxtime = 30d',
    'findtime = 10m',
    'maxretry = 1\n',
  ].join('\n'),
  '/var/lib/portsentry/portsentry.history': '',
  [ADDRESSES_PATH]: renderServerAddresses({
    addresses: [OWN_ADDRESS],
    gateways: [],
    resolvers: [],
    broadcasts: [],
  }),
  ...Object.fromEntries(
    banSetFiles({
      settings: settingsOf(LAN),
      backend: 'ipset',
      target: 'DROP',
      protectedNetworks: PROTECTED.flatMap((text) => parseNetwork(text) ?? []),
      database: '/var/lib/fail2ban/fail2ban.sqlite3',
      blockedPaths: ['atcp', 'audp'].map((mode) => `/var/lib/portsentry/portsentry.blocked.${mode}`),
      writesDenied: false,
    }),
  ),
}

const packages = new Map([
  ['portsentry', '1.2-14+b1'],
  ['fail2ban', '1.0.2-2'],
  ['iptables', '1.8.9-2'],
  ['ipset', '7.17-1'],
  ['tcpd', '7.6.q-32'],
  ['iproute2', '6.1.0-3'],
  ['python3-systemd', '235-1'],
])

/** A daemon that was started after its files were changed. */
export const daemon = (service: Service, pid: number, ...args: string[]) => ({
  service,
  pid,
  args,
  startedMs: 10_000,
})

/** A socket as /proc/net shows it. */
export const openSocket = (table: SocketTable, number: number): Socket => ({
  ...{ table, number, address: [0, 0, 0, 0], peer: [0, 0, 0, 0], state: 'unconnected', inode: '1' },
})

/** What portsentry's daemons have open on a healthy server: raw sockets of 1.2 and packet sockets of 2.x. */
export const LIVENESS: Liveness = {
  state: 'S',
  wchan: null,
  sockets: [openSocket('raw', 6), openSocket('raw', 17), openSocket('packet', 2)],
  interfaces: new Map([[2, 'eth0']]),
}

/** A portsentry that watches. */
export const portsentry = (pid: number, ...args: string[]) => ({
  ...daemon('portsentry', pid, '/usr/sbin/portsentry', ...args),
  liveness: LIVENESS,
})

const liveFacts = (changes: Partial<LiveFacts> = {}): LiveFacts => ({
  asRoot: true,
  init: 'systemd',
  addresses: [OWN_ADDRESS],
  topology: null,
  interfaces: [],
  outside: null,
  sockets: [],
  names: { byName: new Map(), ofNobody: [] },
  gateways: [],
  resolvers: [],
  broadcasts: [],
  sshSession: null,
  sshClients: [],
  firewallManagers: { ufw: null, firewalld: false, docker: false },
  daemons: [
    portsentry(1, '-atcp'),
    portsentry(2, '-audp'),
    daemon('fail2ban', 3, '/usr/bin/python3', '/usr/bin/fail2ban-server', '-xf', 'start'),
  ],
  enabled: new Set(['portsentry', 'fail2ban', BANS_UNIT]),
  timers: { active: new Set(), failed: new Set() },
  launcher: true,
  metricsFile: null,
  units: new Map(),
  hasBanSet: true,
  bans: [],
  bansUnread: null,
  savedFirewall: null,
  targets: new Map([['CHAOS', 'refused']]),
  jails: ['portsentry'],
  firewallObstacle: null,
  sendsMail: false,
  secretFiles: new Map(),
  inputPolicy: 'ACCEPT',
  reloadedMs: 0,
  jailed: [],
  ...changes,
})

interface FactsChanges extends Partial<Omit<Facts, 'files' | 'live'>> {
  readonly live?: Partial<LiveFacts> | null
  /** Texts by path; null takes the file away. */
  readonly texts?: Readonly<Record<string, string | null>>
  /** When a file was changed, in milliseconds; the daemons started at 10,000. */
  readonly modifiedMs?: Readonly<Record<string, number>>
}

export const factsOf = ({ live = {}, texts = {}, modifiedMs = {}, ...changes }: FactsChanges = {}): Facts => {
  const entries = Object.entries({ ...inSync, ...texts }).flatMap(([path, text]) =>
    text === null ? [] : [[path, file(text, modifiedMs[path])] as const],
  )
  return {
    root: '/',
    live: live === null ? null : liveFacts(live),
    portsentry: { version: '1.2-14+b1', files: ['/etc/init.d/portsentry'] },
    packages,
    installs: [],
    files: new Map(entries),
    predicted: new Set(),
    obstacles: new Map(),
    unreadable: new Map(),
    insecure: new Map(),
    actions: new Set(['iptables-allports', 'nftables-allports']),
    wrapped: [],
    filters: new Set(),
    ignoreFiles: new Map(),
    missingLogs: new Set(),
    unknown: [],
    notes: [],
    ...changes,
  }
}

/** Permanent bans of the portsentry jail. */
export const jailed = (...addresses: readonly string[]): LiveFacts['jailed'] =>
  addresses.map((address) => ({ address, sinceMs: 0, untilMs: null, note: null }))
