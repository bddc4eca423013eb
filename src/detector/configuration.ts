import {
  type Dialect,
  getKey,
  overlongLines,
  type PortsentryConf,
  parsePortsentryConf,
  refusedLines,
} from '../documents/portsentry-conf.ts'
import type { Problem } from '../problem.ts'
import { atoi, wholeLong } from './c-numbers.ts'
import type { Mode } from './decision.ts'
import { type Protocol, protocolsOf } from './modes.ts'
import { type PortRule, parseAdvanced12, parseList12, parseRanges2 } from './ports.ts'

/** BLOCK_TCP and BLOCK_UDP: 0 tells only, 1 does everything that is configured, 2 runs KILL_RUN_CMD alone. */
type Block = 0 | 1 | 2

/** What a daemon in one mode takes from portsentry.conf. */
export interface Configuration {
  readonly dialect: Dialect
  readonly mode: Mode
  /** Only of the protocols that the mode looks at. */
  readonly ports: ReadonlyMap<Protocol, PortRule>
  readonly scanTrigger: number
  readonly block: Readonly<Record<Protocol, Block>>
  readonly resolveHost: boolean
  /** '' where there is none, as with the other two. */
  readonly killRoute: string
  readonly killHostsDeny: string
  readonly killRunCmd: string
  readonly killRunCmdFirst: boolean
  readonly portBanner: string | null
  /** Paths as the daemon opens them, which for 1.2's blocked file ends in the mode. Null: none is kept or read. */
  readonly ignoreFile: string | null
  readonly historyFile: string | null
  readonly blockedFile: string | null
}

/** The configuration, and why a real daemon would not start with it. */
export interface ReadConfiguration {
  readonly configuration: Configuration
  readonly problems: readonly Problem[]
}

const LIST_KEYS: Record<Protocol, string> = { tcp: 'TCP_PORTS', udp: 'UDP_PORTS' }
const FILE_KEYS = ['IGNORE_FILE', 'HISTORY_FILE', 'BLOCKED_FILE'] as const

type Report = (code: string, message: string, hint: string, line?: number) => void

const blockOf = (value: number): Block => (value === 1 || value === 2 ? value : 0)

/** What both generations read alike. */
const shared = (conf: PortsentryConf, mode: Mode) => ({
  dialect: conf.dialect,
  mode,
  resolveHost: atoi(getKey(conf, 'RESOLVE_HOST') ?? '') !== 0,
  killRoute: getKey(conf, 'KILL_ROUTE') ?? '',
  killHostsDeny: getKey(conf, 'KILL_HOSTS_DENY') ?? '',
  killRunCmd: getKey(conf, 'KILL_RUN_CMD') ?? '',
  killRunCmdFirst: atoi(getKey(conf, 'KILL_RUN_CMD_FIRST') ?? '') !== 0,
  portBanner: getKey(conf, 'PORT_BANNER') ?? null,
  block: {
    tcp: blockOf(atoi(getKey(conf, 'BLOCK_TCP') ?? '')),
    udp: blockOf(atoi(getKey(conf, 'BLOCK_UDP') ?? '')),
  },
  ignoreFile: getKey(conf, 'IGNORE_FILE') || null,
  historyFile: getKey(conf, 'HISTORY_FILE') || null,
})

const rule12 = (conf: PortsentryConf, mode: Mode, protocol: Protocol): PortRule => {
  const suffix = protocol.toUpperCase()
  return mode.startsWith('a')
    ? parseAdvanced12(getKey(conf, `ADVANCED_PORTS_${suffix}`), getKey(conf, `ADVANCED_EXCLUDE_${suffix}`))
    : parseList12(getKey(conf, LIST_KEYS[protocol]) ?? '')
}

const read12 = (conf: PortsentryConf, mode: Mode, report: Report): Configuration => {
  const ports = new Map(protocolsOf(mode).map((protocol) => [protocol, rule12(conf, mode, protocol)]))
  for (const key of FILE_KEYS) {
    if (!getKey(conf, key))
      report('missing-key', `no ${key}`, `portsentry 1.2 does not start without: set ${key}`)
  }
  for (const [protocol, rule] of ports) {
    if (rule.kind !== 'listed' || rule.ports.length > 0) continue
    const key = LIST_KEYS[protocol]
    report('no-ports', `no ports in ${key}`, `portsentry -${mode} does not start without: set ${key}`)
  }
  const blocked = getKey(conf, 'BLOCKED_FILE')
  return {
    ...shared(conf, mode),
    ports,
    scanTrigger: atoi(getKey(conf, 'SCAN_TRIGGER') ?? ''),
    blockedFile: blocked ? `${blocked}.${mode}` : null,
  }
}

/** Every value that 2.x reads for a key on its way; the last one counts, but each must be right. */
const valuesOf = (conf: PortsentryConf, key: string): { value: string; line: number }[] =>
  conf.lines.flatMap(({ text, number }) => {
    const value = getKey(parsePortsentryConf(text, '2.x'), key)
    return value === undefined ? [] : [{ value, line: number }]
  })

/** What 2.x wants of a value (SetConfiguration in configfile.c). */
const VALUES_2: readonly [key: string, isRight: (value: string) => boolean, hint: string][] = [
  ['BLOCK_TCP', (value) => /^[012]$/.test(value), 'give 0, 1 or 2'],
  ['BLOCK_UDP', (value) => /^[012]$/.test(value), 'give 0, 1 or 2'],
  ['RESOLVE_HOST', (value) => /^[01]$/.test(value), 'give 0 or 1'],
  ['KILL_RUN_CMD_FIRST', (value) => /^[01]$/.test(value), 'give 0 or 1'],
  ['SCAN_TRIGGER', (value) => (wholeLong(value) ?? -1n) >= 0n, 'give a number from 0 to 65535'],
  ['TCP_PORTS', (value) => /[^,]/.test(value), 'list ports'],
  ['UDP_PORTS', (value) => /[^,]/.test(value), 'list ports'],
]

const reportLines2 = (conf: PortsentryConf, report: Report): void => {
  const long = new Set(overlongLines(conf))
  for (const line of long) {
    report(
      'line-overlong',
      'longer than 1023 characters',
      'portsentry reads its rest as a line: shorten it',
      line,
    )
  }
  for (const { number } of refusedLines(conf).filter((line) => !long.has(line.number))) {
    report('line-refused', 'portsentry does not start over this line', 'comment it out', number)
  }
  for (const [key, isRight, hint] of VALUES_2) {
    for (const { value, line } of valuesOf(conf, key)) {
      if (!isRight(value))
        report('bad-value', `portsentry does not start with "${value}" for ${key}`, hint, line)
    }
  }
}

/** ValidateConfig in configfile.c. */
const reportWhole2 = (configuration: Configuration, report: Report): void => {
  const { ports, block, killRoute, killHostsDeny, killRunCmd } = configuration
  const blocks = [block.tcp, block.udp]
  if ([...ports.values()].every((rule) => rule.kind === 'ranges' && rule.entries === 0)) {
    report(
      'no-ports',
      'neither TCP_PORTS nor UDP_PORTS',
      'portsentry does not start without: set one of them',
    )
  }
  if (blocks.includes(2) && killRunCmd === '') {
    const message = 'BLOCK_TCP or BLOCK_UDP is 2, but there is no KILL_RUN_CMD'
    report('no-command', message, 'portsentry does not start without: set KILL_RUN_CMD')
  }
  if (blocks.includes(1) && killRoute === '' && killHostsDeny === '') {
    const message = 'BLOCK_TCP or BLOCK_UDP is 1, but there is neither KILL_ROUTE nor KILL_HOSTS_DENY'
    report('no-command', message, 'portsentry does not start without: set one of them')
  }
}

const read2 = (conf: PortsentryConf, mode: Mode, report: Report): Configuration => {
  const configuration = {
    ...shared(conf, mode),
    ports: new Map(
      protocolsOf(mode).map((protocol) => [protocol, parseRanges2(getKey(conf, LIST_KEYS[protocol]) ?? '')]),
    ),
    // A uint16_t: 65536 is 0.
    scanTrigger: Number(BigInt.asUintN(16, wholeLong(getKey(conf, 'SCAN_TRIGGER') ?? '0') ?? 0n)),
    blockedFile: getKey(conf, 'BLOCKED_FILE') ?? null,
  }
  reportLines2(conf, report)
  reportWhole2(configuration, report)
  return configuration
}

/**
 * Reads portsentry.conf as the daemon of the document's dialect does that starts in this mode. `path` is where
 * the problems are said to be. With problems, the configuration is what is left without what is wrong.
 * Source: InitConfig() of 1.2, configfile.c of 2.0.7.
 */
export const readConfiguration = (conf: PortsentryConf, mode: Mode, path: string): ReadConfiguration => {
  const problems: Problem[] = []
  const report: Report = (code, message, hint, line) =>
    problems.push({
      severity: 'error',
      code,
      message,
      hint,
      at: line === undefined ? { path } : { path, line },
    })
  const configuration = (conf.dialect === '1.2' ? read12 : read2)(conf, mode, report)
  return { configuration, problems }
}
