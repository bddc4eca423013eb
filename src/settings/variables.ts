import { parseAddress } from '../network.ts'
import { logPath, statePath } from './log-paths.ts'

/** Says what is wrong with a value (to stand behind the variable's name), or null where nothing is. */
type Check = (value: string) => string | null

export interface Variable {
  readonly name: string
  /** What holds where config.env says nothing; undefined: the stock value stays. */
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

/** `1,7,20-25`. Whether ranges are allowed is the daemon's business: 1.2 reads `20-25` as 20. */
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

/** Longer values fail when the daemon puts the address in: 1.2 counts value, address and 8 bytes against 1024. */
const MAX_VALUE = 900

/** A value of portsentry.conf stands in double quotes and ends at the next one, at a tab and at any non-ASCII byte. */
const quotable: Check = (value) => {
  if (value.includes('"')) return 'has a double quote, where portsentry would cut it off'
  if (value.length > MAX_VALUE) return `is ${value.length} bytes long, too long for portsentry`
  return null
}

const command: Check = (value) =>
  quotable(value) ??
  (value.includes('$TARGET$') ? null : 'does not contain $TARGET$, so portsentry would not run it')

/**
 * fail2ban's times (MyTime.str2seconds): seconds, or numbers with units, added up. `fail2ban-client -t` accepts
 * what later kills the server: leading zeros among others, since Python evaluates the sum. Zero bans nobody.
 */
const NUMBER = '(?:0|[1-9]\\d{0,8})'
const UNIT =
  '(?: ?(?:s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|week|mo|mon|months?|y|years?)(?![a-z]))?'
const duration = new RegExp(`^(?=.*[1-9])${NUMBER}${UNIT}(?:(?: |(?<=[a-z]))${NUMBER}${UNIT})*$`)

/** Anything else fail2ban would take for a pattern or an interpolation in its logpath. */
const absolutePath = matches(/^(?:\/[A-Za-z0-9_.,:@+=-]+)+$/)
const flag = { check: oneOf('0', '1'), hint: 'use 0 or 1' }
const block = {
  check: oneOf('0', '1', '2'),
  hint: 'use 0 (log only), 1 (block) or 2 (run KILL_RUN_CMD only)',
}
const ports = {
  check: portList,
  hint: 'list ports from 0 to 65535 with commas and no blanks, such as 1,7,111',
}
const portCount = { check: between(1, 65535), hint: 'give a number from 1 to 65535' }
const actions = { check: command, hint: 'name the scanner as $TARGET$, and use single quotes inside' }
/** No token is required here (KillRunCmd). */
const runCommand = { check: quotable, hint: 'keep it short and use single quotes inside' }
const SYNTAX = 'give an absolute path of letters, digits and _.,:@+=-'
const path = (isFit: Check, example: string) => ({
  check: (value: string) => absolutePath(value) ?? isFit(value),
  hint: `${SYNTAX}, such as ${example}`,
})

const key = (name: string, rest: Omit<Variable, 'name' | 'portsentryKey'>): Variable => ({
  name,
  ...rest,
  check: (value) => quotable(value) ?? rest.check(value),
  portsentryKey: true,
})

const NO_LAN = 'leave out both LAN_IP and LAN_NM on a server without a LAN'

/** Every variable of config.env that portward uses. LAN_IP, LAN_NM, WHITELIST and UNTRUSTED are checked as networks. */
export const VARIABLES: readonly Variable[] = [
  {
    name: 'LAN_IP',
    check: () => null,
    // An empty value is more often a template that was not filled in than a decision: the LAN would be banned.
    hint: `give the IPv4 address of this server in its LAN, such as 192.168.1.10, or ${NO_LAN}`,
  },
  {
    name: 'LAN_NM',
    check: () => null,
    hint: `give the netmask: 255.255.255.0, 24 or /24, or ${NO_LAN}`,
  },
  {
    name: 'WHITELIST',
    default: '',
    check: () => null,
    hint: 'list addresses and networks',
    mayBeEmpty: true,
  },
  {
    name: 'UNTRUSTED',
    default: '',
    check: () => null,
    hint: 'list networks of this server',
    mayBeEmpty: true,
  },
  {
    name: 'TCP_MODE',
    default: 'atcp',
    check: oneOf('', 'tcp', 'stcp', 'atcp'),
    hint: 'use tcp, stcp or atcp, or leave it empty to turn TCP off',
    mayBeEmpty: true,
  },
  {
    name: 'UDP_MODE',
    default: 'audp',
    check: oneOf('', 'udp', 'sudp', 'audp'),
    hint: 'use udp, sudp or audp, or leave it empty to turn UDP off',
    mayBeEmpty: true,
  },
  key('BLOCK_TCP', { default: '1', ...block }),
  key('BLOCK_UDP', { default: '1', ...block }),
  key('RESOLVE_HOST', { default: '0', ...flag }),
  key('SCAN_TRIGGER', { check: between(0, 50), hint: 'give a number of packets from 0 to 50' }),
  key('ADVANCED_PORTS_TCP', portCount),
  key('ADVANCED_PORTS_UDP', portCount),
  key('ADVANCED_EXCLUDE_TCP', ports),
  key('ADVANCED_EXCLUDE_UDP', ports),
  key('TCP_PORTS', ports),
  key('UDP_PORTS', ports),
  key('KILL_HOSTS_DENY', actions),
  key('KILL_RUN_CMD', runCommand),
  key('KILL_RUN_CMD_FIRST', flag),
  key('PORT_BANNER', runCommand),
  key('IGNORE_FILE', {
    check: oneOf('/etc/portsentry/portsentry.ignore'),
    hint: 'leave it out: the whitelist goes to /etc/portsentry/portsentry.ignore',
  }),
  key('HISTORY_FILE', path(logPath, '/var/log/portsentry.log')),
  key('BLOCKED_FILE', path(statePath, '/var/lib/portsentry/portsentry.blocked')),
  {
    name: 'BAN_BACKEND',
    default: 'auto',
    check: oneOf('auto', 'ipset', 'iptables', 'nft', 'route', 'none'),
    hint: 'use auto, ipset (or iptables, which means the same), nft, route or none',
  },
  {
    name: 'BAN_TARGET',
    default: 'auto',
    check: oneOf('auto', 'CHAOS', 'TARPIT', 'DELUDE', 'DROP', 'REJECT'),
    hint: 'use auto, CHAOS, TARPIT, DELUDE, DROP or REJECT',
  },
  {
    name: 'BAN_IPV6_PREFIX',
    default: '128',
    check: oneOf('64', '128'),
    hint: 'use 128 (the host) or 64 (its network)',
  },
  { name: 'KILL_ROUTE', ...actions },
  {
    name: 'BANTIME',
    default: '1d',
    check: (value) => (value === '-1' || duration.test(value) ? null : `is "${value}"`),
    hint: 'use seconds or units such as 10m, 12h, 1d, 1w; -1 bans for ever',
  },
  { name: 'BANTIME_INCREMENT', default: '1', ...flag },
  {
    name: 'BANTIME_MAXTIME',
    default: '30d',
    check: matches(duration),
    hint: 'use seconds or units such as 12h, 30d, 1y',
  },
  {
    name: 'FINDTIME',
    default: '10m',
    check: matches(duration),
    hint: 'use seconds or units such as 10m, 12h, 1d',
  },
  { name: 'MAXRETRY', default: '1', check: between(1, 1000), hint: 'give a number from 1' },
  {
    name: 'BANACTION',
    check: matches(/^[A-Za-z0-9_-]+(?:\[[A-Za-z0-9_=,. -]*\])?$/),
    hint: 'name an action of /etc/fail2ban/action.d, such as nftables-allports',
  },
  { name: 'OBSERVE_ONLY', default: '0', ...flag },
  { name: 'KEEP_GENERATIONS', default: '20', check: between(1, 1000), hint: 'give a number from 1 to 1000' },
]

export const VARIABLE_NAMES: ReadonlySet<string> = new Set(VARIABLES.map(({ name }) => name))

/** Bytes that no consumer takes: control characters end a value or a line, portsentry stops at non-ASCII. */
export const unprintable: Check = (value) => {
  const byte = /[^\x20-\x7e]/.exec(value)?.[0]
  if (byte === undefined) return null
  const code = byte.charCodeAt(0).toString(16).padStart(2, '0')
  return `has the character 0x${code}, where portsentry would cut the value off`
}

/** An address or network that a consumer could take for the whole world. */
export const tooWide = (prefix: number, bytes: readonly number[]): boolean =>
  bytes.length === 4 ? prefix < 8 : prefix < 16

export const isUnusableLanAddress = (text: string): boolean => {
  const first = parseAddress(text)?.[0]
  return first !== undefined && (first === 0 || first === 127 || first >= 224)
}
