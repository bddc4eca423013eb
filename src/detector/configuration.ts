import { type Dialect, getKey, type PortsentryConf } from '../documents/portsentry-conf.ts'
import { atoi, wholeLong } from './c-numbers.ts'
import type { Mode } from './decision.ts'
import { type Protocol, protocolsOf } from './modes.ts'
import { type PortRule, parseAdvanced12, parseList12, parseRanges2 } from './ports.ts'

/** BLOCK_TCP and BLOCK_UDP: 0 logs only, 1 does everything that is configured, 2 only runs KILL_RUN_CMD. */
export type Block = 0 | 1 | 2

/** What a daemon in one mode reads from portsentry.conf. */
export interface Configuration {
  readonly dialect: Dialect
  readonly mode: Mode
  /** Only of the protocols that the mode looks at. */
  readonly ports: ReadonlyMap<Protocol, PortRule>
  readonly scanTrigger: number
  readonly block: Readonly<Record<Protocol, Block>>
  readonly resolveHost: boolean
  /** '' if it is not set, as with the other two. */
  readonly killRoute: string
  readonly killHostsDeny: string
  readonly killRunCmd: string
  readonly killRunCmdFirst: boolean
  readonly portBanner: string | null
  /** Paths as the daemon opens them; that of 1.2's blocked file ends in the mode. Null: the daemon does not use the file. */
  readonly ignoreFile: string | null
  readonly historyFile: string | null
  readonly blockedFile: string | null
}

/**
 * Reads portsentry.conf as a daemon of the document's dialect does in this mode; wrong values are left out, and reported by
 * `judgeConf`. Source: InitConfig() of 1.2, configfile.c of 2.0.7.
 */
export const readConfiguration = (conf: PortsentryConf, mode: Mode): Configuration => {
  const { dialect } = conf
  const is12 = dialect === '1.2'
  const text = (key: string): string => getKey(conf, key) ?? ''
  const blockOf = (key: string): Block => {
    const value = atoi(text(key))
    return value === 1 || value === 2 ? value : 0
  }
  const ruleOf = (protocol: Protocol): PortRule => {
    const suffix = protocol.toUpperCase()
    if (!is12) return parseRanges2(text(`${suffix}_PORTS`))
    return mode.startsWith('a')
      ? parseAdvanced12(getKey(conf, `ADVANCED_PORTS_${suffix}`), getKey(conf, `ADVANCED_EXCLUDE_${suffix}`))
      : parseList12(text(`${suffix}_PORTS`))
  }
  const blockedFile = text('BLOCKED_FILE')
  return {
    dialect,
    mode,
    ports: new Map(protocolsOf(mode).map((protocol) => [protocol, ruleOf(protocol)])),
    // A uint16_t in 2.x: 65536 is 0.
    scanTrigger: is12
      ? atoi(text('SCAN_TRIGGER'))
      : Number(BigInt.asUintN(16, wholeLong(text('SCAN_TRIGGER')) ?? 0n)),
    block: { tcp: blockOf('BLOCK_TCP'), udp: blockOf('BLOCK_UDP') },
    resolveHost: atoi(text('RESOLVE_HOST')) !== 0,
    killRoute: text('KILL_ROUTE'),
    killHostsDeny: text('KILL_HOSTS_DENY'),
    killRunCmd: text('KILL_RUN_CMD'),
    killRunCmdFirst: atoi(text('KILL_RUN_CMD_FIRST')) !== 0,
    portBanner: getKey(conf, 'PORT_BANNER') ?? null,
    ignoreFile: text('IGNORE_FILE') || null,
    historyFile: text('HISTORY_FILE') || null,
    blockedFile: is12 && blockedFile !== '' ? `${blockedFile}.${mode}` : blockedFile || null,
  }
}
