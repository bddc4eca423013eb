import type { IgnoreList } from '../documents/ignore-list.ts'
import { createBlockedHosts } from './blocked-hosts.ts'
import type { Configuration } from './configuration.ts'
import type { Action, Mode } from './decision.ts'
import { createIgnoreMatcher } from './ignore-matcher.ts'
import type { Protocol } from './modes.ts'
import type { Address } from './packet.ts'
import type { PortRule } from './ports.ts'
import { actionsOf } from './substitute.ts'

/** What a daemon would do about a scan by one protocol. */
interface ProspectOfProtocol {
  readonly protocol: Protocol
  /** A port that it watches, for which the actions are made out; null: it watches none. */
  readonly port: number | null
  readonly block: 0 | 1 | 2
  readonly actions: readonly Action[]
}

/** What a daemon would make of a scan from a host, as its files are now. */
export interface Prospect {
  readonly mode: Mode
  /** `unseen`: it looks at no packet of this family. The others as in `Decision`. */
  readonly verdict: 'unseen' | 'ignored' | 'already-blocked' | 'act'
  /** The line of the ignore list, from 1. */
  readonly ignoredByLine: number | null
  /** The packet of the host at which it acts, from 1. */
  readonly atPacket: number
  readonly protocols: readonly ProspectOfProtocol[]
}

/** As many as a blocked file can have. */
const BOUND = 1_000_000

const firstPort = (rule: PortRule): number | null => {
  if (rule.kind === 'listed') return rule.ports.find((port) => port > 0) ?? null
  if (rule.kind === 'ranges') return rule.ranges[0]?.first ?? null
  for (let port = 1; port < rule.limit; port += 1) if (!rule.excluded.includes(port)) return port
  return null
}

/** Whom the daemon takes for blocked already. */
export interface Memory {
  /** Its blocked file, latin1-decoded; null: there is none. */
  readonly file: string | null
  /** Hosts (canonical texts) that 2.x has blocked since it started, whatever became of its file. */
  readonly hosts: ReadonlySet<string>
}

const isBlocked = (blocked: string | null, address: Address, { dialect }: Configuration): boolean => {
  if (blocked === null) return false
  const hosts = createBlockedHosts(BOUND)
  hosts.append(dialect === '1.2' ? blocked : Uint8Array.from(blocked, (char) => char.charCodeAt(0)))
  return hosts.has(address)
}

/**
 * `host` is the canonical text of `address`. 2.x has read both files when it started: what was changed since is not yet
 * so. Pure.
 */
export const foresee = (
  configuration: Configuration,
  { address, host }: { readonly address: Address; readonly host: string },
  ignore: IgnoreList | null,
  memory: Memory,
): Prospect => {
  const { mode, dialect, block, ports, scanTrigger } = configuration
  const ignoredByLine = ignore === null ? null : createIgnoreMatcher(ignore)(address)
  const protocols = [...ports].map(([protocol, rule]): ProspectOfProtocol => {
    const port = firstPort(rule)
    const actions = port === null ? [] : actionsOf(configuration, protocol, { host, port, mode })
    return { protocol, port, block: block[protocol], actions }
  })
  const isUnseen = dialect === '1.2' && address.length !== 4
  const known = ignoredByLine === null ? 'act' : 'ignored'
  const isKnown = memory.hosts.has(host) || isBlocked(memory.file, address, configuration)
  const verdict = known === 'act' && isKnown ? 'already-blocked' : known
  return {
    mode,
    verdict: isUnseen ? 'unseen' : verdict,
    ignoredByLine,
    atPacket: Math.max(1, scanTrigger),
    protocols,
  }
}
