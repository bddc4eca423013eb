import type { IgnoreList } from '../documents/ignore-list.ts'
import { unmappedAddress } from '../network.ts'
import type { LocalTime } from '../time.ts'
import type { Action, ActionOutcome, Decision, Mode, Outcome, Verdict } from './decision.ts'
import type { Detector } from './detector.ts'
import type { Circumstances } from './finalize.ts'
import { isConnectMode, type Protocol } from './modes.ts'
import { type Address, copyPacket, type Packet } from './packet.ts'

type Eventually<T> = T | Promise<T>

/** What a detector needs from outside. */
export interface Effects {
  /** Whether a fresh bind would fail. 1.2 tries 0.0.0.0 (destination null), 2.x the packet's destination. */
  isInUse(protocol: Protocol, port: number, destination: Address | null): Eventually<boolean>
  /**
   * The list that the daemon would read now; null if it does not exist or cannot be read. The same object as long as it does
   * not change.
   */
  ignoreList(): IgnoreList | null
  /**
   * 1.2: the blocked file's text (latin1) where another process has changed it since the last call, '' if it was removed; else
   * undefined. The detector keeps what it hands to `finalized`.
   */
  blockedText?(mode: Mode): string | undefined
  /** Carries out the action, or only returns the assumed outcome. */
  perform(action: Action): Eventually<ActionOutcome>
  /** With RESOLVE_HOST only: the host's name, or the host itself. */
  resolveName(host: string): Eventually<string>
  localTime(timeMs: number): LocalTime
  /** Called with each outcome, in order; writes history and blocked file, and reports. */
  finalized(outcome: Outcome): Eventually<void>
}

type SendBanner = (banner: string) => void

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
  readonly sendBanner?: SendBanner
}

/**
 * Both return undefined if nothing has to be waited for (no detector watches the packet, or everything about it is done), else a
 * promise for the end of its effects: await it to limit the queue. The packet may be overwritten afterwards.
 */
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
  const { localTime } = effects

  /** Performs the actions from `index` on, one after the other. */
  const performAll = (
    actions: readonly Action[],
    index: number,
    outcomes: ActionOutcome[],
  ): Eventually<readonly ActionOutcome[]> => {
    for (let at = index; at < actions.length; at++) {
      const outcome = effects.perform(actions[at] as Action)
      if (outcome instanceof Promise)
        return outcome.then((one) => performAll(actions, at + 1, [...outcomes, one]))
      outcomes.push(outcome)
    }
    return outcomes
  }

  const act = (detector: Detector, decision: Decision, circumstances: Circumstances): Eventually<void> => {
    const outcomes = performAll(decision.actions, 0, [])
    return outcomes instanceof Promise
      ? outcomes.then((all) => effects.finalized(detector.finalize(decision, all, circumstances)))
      : effects.finalized(detector.finalize(decision, outcomes, circumstances))
  }

  /** What follows once it is known whether a service uses the port. */
  const decide = (
    detector: Detector,
    packet: Packet,
    inUse: boolean,
    sendBanner: SendBanner | undefined,
  ): Eventually<void> => {
    const { dialect, mode, portBanner, resolveHost } = detector.configuration
    const is12 = dialect === '1.2'
    const ignore = inUse ? null : effects.ignoreList()
    const changed = is12 ? effects.blockedText?.(mode) : undefined
    if (changed !== undefined) detector.replaceBlocked(changed)
    const decision = detector.decide(packet, { inUse, ignore })
    const { verdict, host } = decision
    if (portBanner !== null && SHOWS_BANNER.has(verdict)) sendBanner?.(portBanner)
    const isNamed = is12 && resolveHost && (verdict === 'act' || verdict === 'already-blocked')
    const name = isNamed ? effects.resolveName(host) : host
    return name instanceof Promise
      ? name.then((resolved) => act(detector, decision, { name: resolved, localTime, ignore }))
      : act(detector, decision, { name, localTime, ignore })
  }

  const dealWith = (detector: Detector, packet: Packet, sendBanner?: SendBanner): Eventually<void> => {
    const { dialect, mode } = detector.configuration
    const inUse =
      !isConnectMode(mode) &&
      effects.isInUse(packet.protocol, packet.port, dialect === '1.2' ? null : packet.destination)
    return inUse instanceof Promise
      ? inUse.then((isUsed) => decide(detector, packet, isUsed, sendBanner))
      : decide(detector, packet, inUse, sendBanner)
  }

  /** The end of the packets that are queued; null: there are none. */
  let last: Promise<void> | null = null
  const queue = (doing: Promise<void>): Promise<void> => {
    const clear = () => {
      if (last === doing) last = null
    }
    last = doing
    doing.then(clear, clear)
    return doing
  }
  /**
   * Shows a packet to a detector: at once, or behind what the detectors before it do about the same packet, or else behind the
   * packets that are queued, whether or not those succeed.
   */
  const inTurn = (
    before: Eventually<void>,
    detector: Detector,
    packet: Packet,
    sendBanner?: SendBanner,
  ): Eventually<void> => {
    if (before === undefined && last === null) return dealWith(detector, packet, sendBanner)
    const work = () => dealWith(detector, packet, sendBanner)
    return before === undefined ? last?.then(work, work) : before.then(work)
  }

  return {
    observe: (packet) => {
      let kept: Packet | undefined
      let doing: Eventually<void> | undefined
      for (const detector of detectors) {
        if (!detector.watches(packet)) continue
        kept ??= copyPacket(packet)
        doing = inTurn(doing, detector, kept)
      }
      return doing === undefined ? undefined : queue(doing)
    },
    observeConnection: (connection) => {
      const packet = packetOf(connection)
      let doing: Eventually<void> | undefined
      for (const detector of detectors) {
        if (!detector.accepts(packet.protocol, packet.port)) continue
        doing = inTurn(doing, detector, packet, connection.sendBanner)
      }
      return doing === undefined ? undefined : queue(doing)
    },
  }
}
