import { logPath, statePath } from './log-paths.ts'

/** Returns what is wrong with a value, as a text that follows the variable's name, or null. */
type Check = (value: string) => string | null

export interface Variable {
  readonly name: string
  /** The value if config.env does not set it; undefined: the stock value is kept. */
  readonly default?: string
  readonly check: Check
  /** What to write instead. */
  readonly hint: string
  readonly mayBeEmpty?: boolean
  /** A key of portsentry.conf, set verbatim. */
  readonly portsentryKey?: boolean
}

const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value) ? null : `is "${value}"`

const matches =
  (pattern: RegExp): Check =>
  (value) =>
    pattern.test(value) ? null : `is "${value}"`

const between =
  (low: number, high: number): Check =>
  (value) =>
    /^(?:0|[1-9]\d{0,8})$/.test(value) && Number(value) >= low && Number(value) <= high
      ? null
      : `is "${value}"`

/** `1,7,20-25`. Whether ranges are allowed depends on the daemon: 1.2 reads `20-25` as 20. */
const portList: Check = (value) => {
  const wrong = value.split(',').find((item) => {
    const [low, high, more] = item.split('-')
    const isPort = (text: string | undefined) => /^\d{1,5}$/.test(text ?? '') && Number(text) <= 65535
    return (
      more !== undefined || !isPort(low) || (high !== undefined && (!isPort(high) || +high < +(low ?? 0)))
    )
  })
  return wrong === undefined ? null : `has "${wrong}", which is not a port`
}

/** Longer values fail when the daemon inserts the address: 1.2 has 1024 bytes for value, address and 8 bytes. */
const MAX_VALUE = 900

/** A value in portsentry.conf is in double quotes and ends at the next one, at a tab and at any non-ASCII byte. */
const quotable: Check = (value) => {
  if (value.includes('"')) return 'has a double quote, where portsentry would cut it off'
  if (value.length > MAX_VALUE) return `is ${value.length} bytes long, too long for portsentry`
  return null
}

const command: Check = (value) =>
  quotable(value) ??
  (value.includes('$TARGET$') ? null : 'does not contain $TARGET$, so portsentry would not run it')

/**
 * fail2ban's times (MyTime.str2seconds): seconds, or a sum of numbers with units. `fail2ban-client -t` accepts values that
 * later kill the server, such as leading zeros, since Python evaluates the sum. With zero no host is banned.
 */
const NUMBER = '(?:0|[1-9]\\d{0,8})'
const UNIT =
  '(?: ?(?:s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|week|mo|mon|months?|y|years?)(?![a-z]))?'
const duration = new RegExp(`^(?=.*[1-9])${NUMBER}${UNIT}(?:(?: |(?<=[a-z]))${NUMBER}${UNIT})*$`)

/** fail2ban would read other characters in its logpath as a pattern or an interpolation. */
const absolutePath = matches(/^(?:\/[A-Za-z0-9_.,:@+=-]+)+$/)

/** None of these is quoted in a message: what was written in its place may be a secret, such as a key or the URL of a webhook. */
const MAIL_ADDRESS = /^(?:root|[A-Za-z0-9_][A-Za-z0-9_.+=-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)$/
const secretPath: Check = (value) => (absolutePath(value) === null ? null : 'is not an absolute path')
const recipients: Check = (value) => {
  const words = value.split(/\s+/)
  const index = words.findIndex((word) => !MAIL_ADDRESS.test(word) && secretPath(word) !== null)
  if (index === -1) return new Set(words).size < words.length ? 'names a recipient twice' : null
  const which = words.length === 1 ? 'is' : `has entry ${index + 1}, which is`
  return words[index]?.includes('://')
    ? `${which} a URL, which may contain a secret`
    : `${which} neither a mail address nor an absolute path`
}
const limit: Check = (value) => {
  const [most = '', time = '', more] = value.split('/')
  const isLimit = /^[1-9]\d{0,4}$/.test(most) && duration.test(time) && more === undefined
  return isLimit ? null : `is "${value}"`
}

/** A check of a value, and what to write instead. */
type Kind = readonly [check: Check, hint: string]

const anything: Check = () => null
const FLAG: Kind = [oneOf('0', '1'), 'use 0 or 1']
const BLOCK: Kind = [oneOf('0', '1', '2'), 'use 0 (log only), 1 (block) or 2 (run KILL_RUN_CMD only)']
const PORTS: Kind = [portList, 'list ports from 0 to 65535 with commas and no blanks, such as 1,7,111']
const PORT_COUNT: Kind = [between(1, 65535), 'give a number from 1 to 65535']
const ACTION: Kind = [command, 'name the scanner as $TARGET$, and use single quotes inside']
/** KILL_RUN_CMD does not require a token (KillRunCmd). */
const RUN_COMMAND: Kind = [quotable, 'keep it short and use single quotes inside']
const PACKETS: Kind = [between(0, 50), 'give a number of packets from 0 to 50']
const NO_LAN = 'leave out both LAN_IP and LAN_NM on a server without a LAN'
const IGNORE_FILE = '/etc/portsentry/portsentry.ignore'

const choice = (hint: string, ...values: string[]): Kind => [oneOf(...values), hint]
const time = (examples: string): Kind => [matches(duration), `use seconds or units such as ${examples}`]
const path = (isFit: Check, example: string): Kind => [
  (value) => absolutePath(value) ?? isFit(value),
  `give an absolute path of letters, digits and _.,:@+=-, such as ${example}`,
]

/** node_exporter reads files of this name alone. `..` may lead anywhere. */
const promPath: Check = (value) =>
  !value.endsWith('.prom')
    ? `is "${value}", which does not end in .prom`
    : /\/\.{1,2}\//.test(value)
      ? `is "${value}", which has a . or .. in it`
      : null

/** A setting of portward, with a default if it has one. */
const setting = (name: string, [check, hint]: Kind, stock?: string): Variable =>
  stock === undefined ? { name, check, hint } : { name, check, hint, default: stock }

/** A setting that may be empty. */
const mayBeEmpty = (name: string, kind: Kind, stock: string): Variable => ({
  ...setting(name, kind, stock),
  mayBeEmpty: true,
})

/** A key of portsentry.conf. */
const key = (name: string, [check, hint]: Kind, stock?: string): Variable => ({
  ...setting(name, [(value) => quotable(value) ?? check(value), hint], stock),
  portsentryKey: true,
})

/** Every variable of config.env that portward uses. LAN_IP, LAN_NM, WHITELIST and UNTRUSTED are checked as networks. */
export const VARIABLES: readonly Variable[] = [
  // An empty value is more often a template that was not filled in than intended: the LAN would be banned.
  setting('LAN_IP', [
    anything,
    `give the IPv4 address of this server in its LAN, such as 192.168.1.10, or ${NO_LAN}`,
  ]),
  setting('LAN_NM', [anything, `give the netmask: 255.255.255.0, 24 or /24, or ${NO_LAN}`]),
  mayBeEmpty('WHITELIST', [anything, 'list addresses, networks and names of hosts'], ''),
  setting('WHITELIST_SERVICES', FLAG, '0'),
  mayBeEmpty('UNTRUSTED', [anything, 'list networks of this server'], ''),
  mayBeEmpty(
    'TCP_MODE',
    choice('use tcp, stcp or atcp, or leave it empty to turn TCP off', '', 'tcp', 'stcp', 'atcp'),
    'atcp',
  ),
  mayBeEmpty(
    'UDP_MODE',
    choice('use udp, sudp or audp, or leave it empty to turn UDP off', '', 'udp', 'sudp', 'audp'),
    'audp',
  ),
  key('BLOCK_TCP', BLOCK, '1'),
  key('BLOCK_UDP', BLOCK, '1'),
  key('RESOLVE_HOST', FLAG, '0'),
  key('SCAN_TRIGGER', PACKETS),
  key('ADVANCED_PORTS_TCP', PORT_COUNT),
  key('ADVANCED_PORTS_UDP', PORT_COUNT),
  key('ADVANCED_EXCLUDE_TCP', PORTS),
  key('ADVANCED_EXCLUDE_UDP', PORTS),
  key('TCP_PORTS', PORTS),
  key('UDP_PORTS', PORTS),
  key('KILL_HOSTS_DENY', ACTION),
  key('KILL_RUN_CMD', RUN_COMMAND),
  key('KILL_RUN_CMD_FIRST', FLAG),
  key('PORT_BANNER', RUN_COMMAND),
  key('IGNORE_FILE', choice(`leave it out: the whitelist is written to ${IGNORE_FILE}`, IGNORE_FILE)),
  key('HISTORY_FILE', path(logPath, '/var/log/portsentry.log')),
  key('BLOCKED_FILE', path(statePath, '/var/lib/portsentry/portsentry.blocked')),
  setting(
    'BAN_BACKEND',
    choice(
      'use auto, ipset (or iptables, which means the same), nft, route or none',
      ...['auto', 'ipset', 'iptables', 'nft', 'route', 'none'],
    ),
    'auto',
  ),
  setting(
    'BAN_TARGET',
    choice(
      'use auto, CHAOS, TARPIT, DELUDE, DROP or REJECT',
      ...['auto', 'CHAOS', 'TARPIT', 'DELUDE', 'DROP', 'REJECT'],
    ),
    'auto',
  ),
  setting('BAN_IPV6_PREFIX', choice('use 128 (the host) or 64 (its network)', '64', '128'), '128'),
  setting('KILL_ROUTE', ACTION),
  setting(
    'BANTIME',
    [
      (value) => (value === '-1' || duration.test(value) ? null : `is "${value}"`),
      'use seconds or units such as 10m, 12h, 1d, 1w; -1 for a permanent ban',
    ],
    '1d',
  ),
  setting('BANTIME_INCREMENT', FLAG, '1'),
  setting('BANTIME_MAXTIME', time('12h, 30d, 1y'), '30d'),
  setting('FINDTIME', time('10m, 12h, 1d'), '10m'),
  setting('MAXRETRY', [between(1, 1000), 'give a number from 1'], '1'),
  setting('BANACTION', [
    matches(/^[A-Za-z0-9_-]+(?:\[[A-Za-z0-9_=,. -]*\])?$/),
    'name an action of /etc/fail2ban/action.d, such as nftables-allports',
  ]),
  mayBeEmpty(
    'NOTIFY',
    [
      recipients,
      'list mail addresses, and files with URLs for apprise, such as admin@example.org /etc/portward/apprise.conf',
    ],
    '',
  ),
  setting('NOTIFY_LIMIT', [limit, 'give a number of messages and a time, such as 10/1h'], '10/1h'),
  mayBeEmpty('NOTIFY_DIGEST', choice('use daily, or leave it empty for none', '', 'daily'), ''),
  setting('ABUSEIPDB_KEY_FILE', [
    secretPath,
    'name a file that has the key, such as /etc/portward/abuseipdb.key; the key itself must not be in config.env',
  ]),
  setting('OBSERVE_ONLY', FLAG, '0'),
  setting('METRICS', path(promPath, '/var/lib/prometheus/node-exporter/portward.prom')),
  setting('KEEP_GENERATIONS', [between(1, 1000), 'give a number from 1 to 1000'], '20'),
]

export const VARIABLE_NAMES: ReadonlySet<string> = new Set(VARIABLES.map(({ name }) => name))

/** Bytes that consumers cannot read: control characters end a value or a line, portsentry stops at non-ASCII. */
export const unprintable: Check = (value) => {
  const byte = /[^\x20-\x7e]/.exec(value)?.[0]
  if (byte === undefined) return null
  const code = byte.charCodeAt(0).toString(16).padStart(2, '0')
  return `has the character 0x${code}, where portsentry would cut the value off`
}
