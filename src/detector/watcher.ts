import type { IgnoreList } from '../documents/ignore-list.ts'
import { unmappedAddress } from '../network.ts'
import type { LocalTime } from '../time.ts'
import type { Action, ActionOutcome, Mode, Outcome, Verdict } from './decision.ts'
import type { Detector } from './detector.ts'
import { isConnectMode, type Protocol } from './modes.ts'
import type { Address, Packet } from './packet.ts'

type Eventually<T> = T | Promise<T>

/** What a detector needs from outside. */
export interface Effects {
  /** Whether a fresh bind would fail. 1.2 tries 0.0.0.0 (destination null), 2.x the packet's destination. */
  isInUse(protocol: Protocol, port: number, destination: Address | null): Eventually<boolean>
  /** The list that the daemon would read now; null if it does not exist or cannot be read. */
  ignoreList(): Eventually<IgnoreList | null>
  /**
   * 1.2: the blocked file's text (latin1) where another process has changed it since the last call, '' if it was removed; else
   * undefined. The detector keeps what it hands to `finalized`.
   */
  blockedText?(mode: Mode): Eventually<string | undefined>
  /** Carries out the action, or only returns the assumed outcome. */
  perform(action: Action): Eventually<ActionOutcome>
  /** With RESOLVE_HOST only: the host's name, or the host itself. */
  resolveName(host: string): Eventually<string>
  localTime(timeMs: number): LocalTime
  /** Called with each outcome, in order; writes history and blocked file, and reports. */
  finalized(outcome: Outcome): Eventually<void>
}

/** A connection that a listening socket accepted, or a datagram. */
export interface Connection {
  readonly timeMs: number
  readonly protocol: Protocol
  /** `::ffff:A` counts as A. */
  readonly source: Address
  /** Null if the kernel does not report it, as for datagrams. */
  readonly destination: Address | null
  readonly sourcePort: number
  readonly port: number
  /** Called with PORT_BANNER when the daemon would send it. */
  readonly sendBanner?: (banner: string) => void
}

/** Both return undefined if no detector watches the packet, else a promise for the end of its effects: await it to limit the queue. */
export interface Watcher {
  observe(packet: Packet): Promise<void> | undefined
  observeConnection(connection: Connection): Promise<void> | undefined
}

/** The verdicts with which the banner is sent: the host is neither ignored nor below the trigger. */
const SHOWS_BANNER: ReadonlySet<Verdict> = new Set(['log-only', 'already-blocked', 'act'])

const packetOf = ({ timeMs, protocol, source, destination, sourcePort, port }: Connection): Packet => ({
  timeMs,
  protocol,
  // Dual-stack sockets give IPv4 peers as mapped addresses, which 2.x prints as what they are.
  source: unmappedAddress(source),
  // No connect mode asks where to: 2.x compares the source with nothing but zeros.
  destination: destination ?? [0, 0, 0, 0],
  sourcePort,
  port,
  flags: 0,
  hasIpOptions: null,
  isFragment: false,
  delivery: 'host',
})

/** Passes each packet to each detector and runs the effects in the daemon's order, one packet at a time. */
export const createWatcher = (detectors: readonly Detector[], effects: Effects): Watcher => {
  const dealWith = async (
    detector: Detector,
    packet: Packet,
    sendBanner?: (banner: string) => void,
  ): Promise<void> => {
    const { dialect, mode, portBanner, resolveHost } = detector.configuration
    const is12 = dialect === '1.2'
    const inUse =
      !isConnectMode(mode) &&
      (await effects.isInUse(packet.protocol, packet.port, is12 ? null : packet.destination))
    const ignore = inUse ? null : await effects.ignoreList()
    const changed = is12 ? await effects.blockedText?.(mode) : undefined
    if (changed !== undefined) detector.replaceBlocked(changed)
    const decision = detector.decide(packet, { inUse, ignore })
    const { verdict, host } = decision
    if (portBanner !== null && SHOWS_BANNER.has(verdict)) sendBanner?.(portBanner)
    const isNamed = is12 && resolveHost && (verdict === 'act' || verdict === 'already-blocked')
    const name = isNamed ? await effects.resolveName(host) : host
    const outcomes: ActionOutcome[] = []
    for (const action of decision.actions) outcomes.push(await effects.perform(action))
    const { localTime } = effects
    await effects.finalized(detector.finalize(decision, outcomes, { name, localTime, ignore }))
  }

  let last: Promise<void> = Promise.resolve()
  /** Queues work behind the previous one, whether or not that succeeds. */
  const inTurn = (
    concerned: readonly Detector[],
    work: (detector: Detector) => Promise<void>,
  ): Promise<void> | undefined => {
    if (concerned.length === 0) return undefined
    const all = async () => {
      for (const detector of concerned) await work(detector)
    }
    last = last.then(all, all)
    return last
  }

  return {
    observe: (packet) =>
      inTurn(
        detectors.filter((detector) => detector.watches(packet)),
        (detector) => dealWith(detector, packet),
      ),
    observeConnection: (connection) => {
      const packet = packetOf(connection)
      return inTurn(
        detectors.filter(({ accepts }) => accepts(packet.protocol, packet.port)),
        (detector) => dealWith(detector, packet, connection.sendBanner),
      )
    },
  }
}
