import type { IgnoreList } from '../documents/ignore-list.ts'
import { formatAddress } from '../network.ts'
import { createBlockedHosts } from './blocked-hosts.ts'
import type { Configuration } from './configuration.ts'
import type { Action, ActionOutcome, Decision, Outcome, Verdict } from './decision.ts'
import { type Circumstances, finalize, isAdded } from './finalize.ts'
import { createHandshakes, MOST_HALF_OPEN } from './handshakes.ts'
import { createIgnoringLine, type IgnoringLine } from './ignored-networks.ts'
import { isConnectMode, type Protocol } from './modes.ts'
import { type Address, isSameAddress, type Packet } from './packet.ts'
import { type InUse, type WatchedPorts, watchPorts } from './ports.ts'
import { describeScan } from './scan-type.ts'
import { createActions } from './substitute.ts'
import { createTrigger, MOST_HOSTS } from './trigger.ts'
import { createVisibility } from './visibility.ts'

export interface DetectorOptions {
  /** The server's addresses, without those of loopback, which always count; null: any destination counts as the server's. */
  readonly addresses: readonly Address[] | null
  /** Whether a port was in use when the daemon started: called once for each port, by `createDetector`. */
  readonly inUseAtStart: InUse
  /** How 2.x's stealth mode reads packets; its default is pcap. */
  readonly method?: 'pcap' | 'raw'
  /** 2.x: the blocked file as it was at the start. */
  readonly blocked?: Uint8Array
  /** Any number that senders of packets cannot know (see BoundedTable). */
  readonly seed?: number
  /** Smaller bounds for tests. */
  readonly bounds?: Partial<Sizes>
}

/** Numbers of entries that a detector keeps: hosts that 2.x counts, hosts known as blocked, half-open connections. */
export interface Sizes {
  readonly trigger: number
  readonly blocked: number
  readonly handshakes: number
}

/** What a decision depends on at the time of the packet. */
interface Surroundings {
  /** Whether a service uses the port; always false in connect modes. */
  readonly inUse: boolean
  /** Null: there is none, or it cannot be read. The same object as long as it does not change. */
  readonly ignore: IgnoreList | null
}

/** One daemon in one mode: what it would do about packets. */
export interface Detector {
  readonly configuration: Configuration
  /** Whether the daemon watches this packet. To be called once for each packet, in order: connect modes follow handshakes. */
  watches(packet: Packet): boolean
  /** The same for a connection or datagram that a real socket of a connect mode received. */
  accepts(protocol: Protocol, port: number): boolean
  /** Counts the packet and decides. Only for packets that it watches, and that nobody overwrites. */
  decide(packet: Packet, surroundings: Surroundings): Decision
  /** The outcome, with everything that the daemon writes. `outcomes` are those of the decision's actions, in order. */
  finalize(decision: Decision, outcomes: readonly ActionOutcome[], circumstances: Circumstances): Outcome
  /** Sets the blocked file's present content: 1.2's as a latin1 string, 2.x's as bytes. */
  replaceBlocked(content: Uint8Array | string): void
  sizes(): Sizes
}

const NO_ACTIONS: readonly Action[] = []

export const createDetector = (configuration: Configuration, options: DetectorOptions): Detector => {
  const { dialect, mode, block } = configuration
  const { bounds = {}, addresses, inUseAtStart, method = 'pcap', seed = 0 } = options
  const reading = isConnectMode(mode) ? 'connections' : dialect === '1.2' ? 'raw' : method
  const ports: Partial<Record<Protocol, WatchedPorts>> = {}
  for (const [protocol, rule] of configuration.ports) {
    ports[protocol] = watchPorts(rule, reading, (port) => inUseAtStart(protocol, port))
  }
  const isVisible = createVisibility(dialect, reading, addresses)
  const handshakes = createHandshakes(bounds.handshakes ?? MOST_HALF_OPEN, seed)
  const trigger = createTrigger(dialect, configuration.scanTrigger, bounds.trigger ?? MOST_HOSTS, seed)
  const blocked = createBlockedHosts(bounds.blocked ?? MOST_HOSTS, seed)
  if (options.blocked !== undefined) blocked.append(options.blocked)
  const actionsOf = createActions(configuration)

  let known: IgnoreList | null = null
  let lineOf: IgnoringLine = () => null
  const ignoringLine = (ignore: IgnoreList, source: Address): number | null => {
    if (ignore !== known) lineOf = createIgnoringLine(ignore)
    known = ignore
    return lineOf(source)
  }

  const isWatched = (protocol: Protocol, port: number): boolean => (ports[protocol]?.[port] ?? -1) !== -1

  /** As RunSentry() of 2.x, and as all modes of 1.2. */
  const judge = (packet: Packet, inUse: boolean, ignoredByLine: number | null): Verdict => {
    const { source, destination, protocol } = packet
    if (inUse) return 'in-use'
    if (ignoredByLine !== null) return 'ignored'
    if (!trigger.count(source)) return 'below-trigger'
    // In connect mode 2.x has no destination to compare with.
    if (mode === 'stealth' && isSameAddress(source, destination)) return 'own-address'
    if (dialect === '2.x' && block[protocol] === 0) return 'log-only'
    return blocked.has(source) ? 'already-blocked' : 'act'
  }

  return {
    configuration,
    watches: (packet) =>
      isWatched(packet.protocol, packet.port) &&
      isVisible(packet) &&
      (reading !== 'connections' || packet.protocol === 'udp' || handshakes.completes(packet)),
    accepts: (protocol, port) => reading === 'connections' && isWatched(protocol, port),
    decide: (packet, { inUse, ignore }) => {
      const { source, protocol } = packet
      const ignoredByLine = inUse || ignore === null ? null : ignoringLine(ignore, source)
      const verdict = judge(packet, inUse, ignoredByLine)
      const host = formatAddress(source)
      const port = ports[protocol]?.[packet.port] ?? packet.port
      const scan = describeScan(packet, mode, dialect)
      const actions = verdict === 'act' ? actionsOf(protocol, { host, port, mode }) : NO_ACTIONS
      return { packet, mode, host, scan, port, verdict, ignoredByLine, actions }
    },
    finalize: (decision, outcomes, circumstances) => {
      const outcome = finalize(decision, outcomes, configuration, trigger.warnings, circumstances)
      if (isAdded(outcome, configuration)) {
        const { source } = decision.packet
        // A name may contain another address, or this one where the daemon does not recognize it.
        if (circumstances.name === decision.host) blocked.add(source, dialect)
        else blocked.append(outcome.written().blockedRecord ?? '')
      }
      return outcome
    },
    replaceBlocked: blocked.replace,
    sizes: () => ({ trigger: trigger.size(), blocked: blocked.size(), handshakes: handshakes.size() }),
  }
}
