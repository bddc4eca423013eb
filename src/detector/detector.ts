import type { IgnoreList } from '../documents/ignore-list.ts'
import { hostOf, isSameAddress } from './address-table.ts'
import { createBlockedHosts } from './blocked-hosts.ts'
import { type Circumstances, concludeOn } from './conclusion.ts'
import type { Configuration } from './configuration.ts'
import type { ActionOutcome, Decision, Settled, Verdict } from './decision.ts'
import { createHandshakes, MOST_HALF_OPEN } from './handshakes.ts'
import { createIgnoreMatcher, type IgnoreMatcher } from './ignore-matcher.ts'
import { isConnectMode, type Protocol } from './modes.ts'
import type { Address, Packet } from './packet.ts'
import { type InUse, type Reading, type WatchedPorts, watchPorts } from './ports.ts'
import { describeScan } from './scan-type.ts'
import { createSight } from './sight.ts'
import { actionsOf } from './substitute.ts'
import { createTrigger, MOST_HOSTS } from './trigger.ts'

export interface DetectorOptions {
  /** The server's own addresses, without those of loopback, which always count; null: any destination is the server's. */
  readonly addresses: readonly Address[] | null
  /** Whether a port was taken when the daemon started: asked once a port, here and now. */
  readonly inUseAtStart: InUse
  /** How 2.x's stealth mode reads packets; its default is pcap. */
  readonly method?: 'pcap' | 'raw'
  /** 2.x: the blocked file as it was at the start. */
  readonly blocked?: Uint8Array
  /** Smaller bounds for tests. */
  readonly bounds?: Partial<Bounds>
}

interface Bounds {
  /** 2.x: hosts counted, a family. */
  readonly trigger: number
  /** Hosts known as blocked, a family. */
  readonly blocked: number
  readonly handshakes: number
}

/** What the deciding needs of the world at the moment of the packet. */
interface Surroundings {
  /** Whether a service has the port; connect modes do not ask. */
  readonly inUse: boolean
  /** Null: there is none, or it cannot be read. */
  readonly ignore: IgnoreList | null
}

/** How much a detector holds, in entries. */
export interface Sizes {
  readonly triggerIPv4: number
  readonly triggerIPv6: number
  readonly blockedIPv4: number
  readonly blockedIPv6: number
  readonly handshakes: number
}

/** One daemon in one mode: what it would make of the packets that come by. */
export interface Detector {
  readonly configuration: Configuration
  /** Whether the daemon has to do with this packet. To be asked once a packet, in order: connect modes follow handshakes. */
  watches(packet: Packet): boolean
  /** The same for a connection or datagram that a socket of a connect mode really got. */
  accepts(protocol: Protocol, port: number): boolean
  /** Counts the packet and decides. Only for packets that it watches. */
  notice(packet: Packet, surroundings: Surroundings): Decision
  /** What the daemon leaves behind. `outcomes` are those of the decision's actions, in order. */
  settle(decision: Decision, outcomes: readonly ActionOutcome[], circumstances: Circumstances): Settled
  /** Takes the blocked file's present content: 1.2's as a latin1 text, 2.x's as bytes. */
  replaceBlocked(content: Uint8Array | string): void
  sizes(): Sizes
}

const readingOf = ({ dialect, mode }: Configuration, method: 'pcap' | 'raw'): Reading =>
  isConnectMode(mode) ? 'connections' : dialect === '1.2' ? 'raw' : method

export const createDetector = (configuration: Configuration, options: DetectorOptions): Detector => {
  const { dialect, mode, block } = configuration
  const is12 = dialect === '1.2'
  const { bounds = {}, addresses, inUseAtStart, method = 'pcap' } = options
  const reading = readingOf(configuration, method)
  const ports: Partial<Record<Protocol, WatchedPorts>> = {}
  for (const [protocol, rule] of configuration.ports) {
    ports[protocol] = watchPorts(rule, reading, (port) => inUseAtStart(protocol, port))
  }
  const isSeen = createSight(configuration, reading, addresses)
  const handshakes = createHandshakes(bounds.handshakes ?? MOST_HALF_OPEN)
  const trigger = createTrigger(dialect, configuration.scanTrigger, bounds.trigger ?? MOST_HOSTS)
  const blocked = createBlockedHosts(bounds.blocked ?? MOST_HOSTS)
  if (options.blocked !== undefined) blocked.append(options.blocked)

  let matcher: { readonly list: IgnoreList; readonly match: IgnoreMatcher } | undefined
  const ignoredBy = (list: IgnoreList | null, source: Address): number | null => {
    if (list === null) return null
    if (matcher?.list !== list) matcher = { list, match: createIgnoreMatcher(list) }
    return matcher.match(source)
  }

  const accepts = (protocol: Protocol, port: number): boolean => (ports[protocol]?.[port] ?? -1) !== -1

  /** RunSentry() of 2.x, and what the modes of 1.2 have in common. */
  const judge = (packet: Packet, inUse: boolean, ignoredByLine: number | null): Verdict => {
    const { source, destination, protocol } = packet
    if (inUse) return 'in-use'
    if (ignoredByLine !== null) return 'ignored'
    if (!trigger.count(source)) return 'below-trigger'
    // In connect mode 2.x has no destination to compare with.
    if (mode === 'stealth' && isSameAddress(source, destination)) return 'own-address'
    if (!is12 && block[protocol] === 0) return 'log-only'
    return blocked.has(source) ? 'already-blocked' : 'act'
  }

  const notice = (packet: Packet, { inUse, ignore }: Surroundings): Decision => {
    const { source, protocol } = packet
    const line = inUse ? null : ignoredBy(ignore, source)
    const verdict = judge(packet, inUse, line)
    const host = hostOf(source)
    const port = ports[protocol]?.[packet.port] ?? packet.port
    return {
      packet,
      mode,
      host,
      scan: describeScan(packet, mode, dialect),
      port,
      verdict,
      ignoredByLine: line,
      actions: verdict === 'act' ? actionsOf(configuration, protocol, { host, port, mode }) : [],
    }
  }

  const settle = (
    decision: Decision,
    outcomes: readonly ActionOutcome[],
    circumstances: Circumstances,
  ): Settled => {
    const settled = concludeOn(decision, outcomes, {
      configuration,
      warnings: trigger.warnings,
      ...circumstances,
    })
    const { blockedRecord, history } = settled
    // 1.2 writes the same line to both files.
    if (blockedRecord !== null) blocked.append(is12 && history !== null ? history : blockedRecord)
    return settled
  }

  return {
    configuration,
    watches: (packet) =>
      accepts(packet.protocol, packet.port) &&
      isSeen(packet) &&
      (reading !== 'connections' || packet.protocol === 'udp' || handshakes.completes(packet)),
    accepts: (protocol, port) => reading === 'connections' && accepts(protocol, port),
    notice,
    settle,
    replaceBlocked: blocked.replace,
    sizes: () => {
      const counted = trigger.sizes()
      const known = blocked.sizes()
      return {
        triggerIPv4: counted.ipv4,
        triggerIPv6: counted.ipv6,
        blockedIPv4: known.ipv4,
        blockedIPv6: known.ipv6,
        handshakes: handshakes.size(),
      }
    },
  }
}
