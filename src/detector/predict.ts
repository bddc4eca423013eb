import { type IgnoreList, ignoringLine } from '../documents/ignore-list.ts'
import { bytesOf } from './blocked-file.ts'
import { createBlockedHosts } from './blocked-hosts.ts'
import type { Block, Configuration } from './configuration.ts'
import type { Action, Mode } from './decision.ts'
import type { Protocol } from './modes.ts'
import type { Address } from './packet.ts'
import type { PortRule } from './ports.ts'
import { createActions } from './substitute.ts'

/** What a daemon would do about a scan by one protocol. */
interface ProtocolPrediction {
  readonly protocol: Protocol
  /** A port that it watches, which the actions name; null: it does not watch any. */
  readonly port: number | null
  readonly block: Block
  readonly actions: readonly Action[]
}

/** What a daemon would do about a scan from a host, with its files as they are now. */
export interface Prediction {
  readonly mode: Mode
  /** `unseen`: it does not read packets of this family. The others as in `Decision`. */
  readonly verdict: 'unseen' | 'ignored' | 'already-blocked' | 'act'
  /** The line of the ignore list, from 1. */
  readonly ignoredByLine: number | null
  /** The number of the host's packet at which it acts, from 1. */
  readonly atPacket: number
  readonly protocols: readonly ProtocolPrediction[]
}

const firstPort = (rule: PortRule): number | null => {
  if (rule.kind === 'listed') return rule.ports.find((port) => port > 0) ?? null
  if (rule.kind === 'ranges') return rule.ranges[0]?.first ?? null
  for (let port = 1; port < rule.limit; port += 1) if (!rule.excluded.includes(port)) return port
  return null
}

/** Hosts that the daemon considers blocked already. */
export interface Memory {
  /** Its blocked file, latin1-decoded; null: there is none. */
  readonly file: string | null
  /** Hosts (canonical texts) that 2.x has blocked since it started, even if its file has changed. */
  readonly hosts: ReadonlySet<string>
}

const isBlocked = (file: string | null, address: Address, { dialect }: Configuration): boolean => {
  const hosts = createBlockedHosts(Number.POSITIVE_INFINITY)
  hosts.append(dialect === '1.2' ? (file ?? '') : bytesOf(file ?? ''))
  return hosts.has(address)
}

/**
 * `host` is the canonical text of `address`. 2.x has read both files when it started: later changes have no effect
 * before its restart. Pure.
 */
export const predict = (
  configuration: Configuration,
  { address, host }: { readonly address: Address; readonly host: string },
  ignore: IgnoreList | null,
  memory: Memory,
): Prediction => {
  const { mode, dialect, block, ports, scanTrigger } = configuration
  const actionsOf = createActions(configuration)
  const ignoredByLine = ignore === null ? null : ignoringLine(ignore, address)
  const verdictOf = (): Prediction['verdict'] => {
    if (dialect === '1.2' && address.length !== 4) return 'unseen'
    if (ignoredByLine !== null) return 'ignored'
    return memory.hosts.has(host) || isBlocked(memory.file, address, configuration)
      ? 'already-blocked'
      : 'act'
  }
  return {
    mode,
    verdict: verdictOf(),
    ignoredByLine,
    atPacket: Math.max(1, scanTrigger),
    protocols: [...ports].map(([protocol, rule]) => {
      const port = firstPort(rule)
      const actions = port === null ? [] : actionsOf(protocol, { host, port, mode })
      return { protocol, port, block: block[protocol], actions }
    }),
  }
}
