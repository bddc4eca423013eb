import type { IgnoreList } from '../documents/ignore-list.ts'
import type { Action, ActionOutcome, Decision, Mode, Settled, Verdict } from './decision.ts'
import type { Detector } from './detector.ts'
import type { LocalTime } from './history.ts'
import { isConnectMode, type Protocol } from './modes.ts'
import type { Address, Packet } from './packet.ts'

type Eventually<T> = T | Promise<T>

/** What a detector needs of the world. Whatever answers at once, without a promise, costs no turn of the event loop. */
export interface Effects {
  /** Would a fresh bind fail? 1.2 asks for 0.0.0.0 (destination null), 2.x for the packet's destination. */
  isInUse(protocol: Protocol, port: number, destination: Address | null): Eventually<boolean>
  /** The list that the daemon reads now; null: there is none, or it cannot be read. The same object as long as it is the same. */
  ignoreList(): Eventually<IgnoreList | null>
  /**
   * 1.2: the blocked file's text (latin1) where anybody else changed it since last asked, '' where it is gone; else
   * undefined. What `settled` was given need not come back: the detector knows it.
   */
  blockedText?(mode: Mode): Eventually<string | undefined>
  /** Does it, or says what would have come of it. */
  perform(action: Action): Eventually<ActionOutcome>
  /** With RESOLVE_HOST only: the host's name, or the host itself. */
  resolveName(host: string): Eventually<string>
  localTime(timeMs: number): LocalTime
  /** Everything that was noticed, in order; the caller writes history and blocked file and reports. */
  settled(settled: Settled): Eventually<void>
}

/** A connection that a listening socket got, or a datagram. */
export interface Connection {
  readonly timeMs: number
  readonly protocol: Protocol
  /** `::ffff:A` is taken for A. */
  readonly source: Address
  /** Null where the kernel does not tell, as for datagrams. */
  readonly destination: Address | null
  readonly sourcePort: number
  readonly port: number
  /** Called with PORT_BANNER at the moment when the daemon sends it, if it does. */
  readonly sendBanner?: (banner: string) => void
}

/** Both give a promise where an effect did, else undefined: all is done. Who waits for it never piles packets up. */
export interface Watcher {
  observe(packet: Packet): Promise<void> | undefined
  observeConnection(connection: Connection): Promise<void> | undefined
}

/** `next` at once where the value is there. */
const then = <T, R>(value: Eventually<T>, next: (value: T) => Eventually<R>): Eventually<R> =>
  value instanceof Promise ? value.then(next) : next(value)

/** The verdicts that a banner goes out with: the host is neither ignored nor below the trigger. */
const SHOWS_BANNER: ReadonlySet<Verdict> = new Set(['log-only', 'already-blocked', 'act'])

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** Dual-stack sockets give IPv4 peers as mapped addresses, which 2.x prints as what they are. */
const unmapped = (address: Address): Address =>
  address.length === 16 && MAPPED.every((byte, index) => byte === address[index])
    ? address.slice(12)
    : address

const packetOf = (connection: Connection): Packet => ({
  timeMs: connection.timeMs,
  protocol: connection.protocol,
  source: unmapped(connection.source),
  // No connect mode asks where to: 2.x compares the source with nothing but zeros.
  destination: connection.destination ?? [0, 0, 0, 0],
  sourcePort: connection.sourcePort,
  port: connection.port,
  flags: 0,
  hasIpOptions: null,
  hasExtensionHeaders: false,
  isFragment: false,
  delivery: 'host',
  hasWholeHeader: true,
})

/** Asks each detector about each packet, lets the effects happen in the daemon's order, and never does two at a time. */
export const createWatcher = (detectors: readonly Detector[], effects: Effects): Watcher => {
  const performAll = (
    actions: readonly Action[],
    done: ActionOutcome[] = [],
  ): Eventually<ActionOutcome[]> => {
    const action = actions[done.length]
    if (action === undefined) return done
    return then(effects.perform(action), (outcome) => performAll(actions, [...done, outcome]))
  }

  const nameOf = ({ configuration }: Detector, { host, verdict }: Decision): Eventually<string> => {
    const isTold = configuration.dialect === '1.2' && (verdict === 'act' || verdict === 'already-blocked')
    return configuration.resolveHost && isTold ? effects.resolveName(host) : host
  }

  const conclude = (detector: Detector, decision: Decision, ignore: IgnoreList | null): Eventually<void> =>
    then(nameOf(detector, decision), (name) =>
      then(performAll(decision.actions), (outcomes) =>
        effects.settled(detector.settle(decision, outcomes, { name, localTime: effects.localTime, ignore })),
      ),
    )

  const refresh = (detector: Detector): Eventually<void> => {
    const { dialect, mode } = detector.configuration
    if (dialect !== '1.2' || effects.blockedText === undefined) return undefined
    return then(effects.blockedText(mode), (text) => {
      if (text !== undefined) detector.replaceBlocked(text)
    })
  }

  const decide = (
    detector: Detector,
    packet: Packet,
    inUse: boolean,
    sendBanner?: (banner: string) => void,
  ): Eventually<void> =>
    then(inUse ? null : effects.ignoreList(), (ignore) =>
      then(refresh(detector), () => {
        const decision = detector.notice(packet, { inUse, ignore })
        const { portBanner } = detector.configuration
        if (portBanner !== null && SHOWS_BANNER.has(decision.verdict)) sendBanner?.(portBanner)
        return conclude(detector, decision, ignore)
      }),
    )

  const isInUse = ({ configuration }: Detector, packet: Packet): Eventually<boolean> => {
    const { dialect, mode } = configuration
    if (isConnectMode(mode)) return false
    return effects.isInUse(packet.protocol, packet.port, dialect === '1.2' ? null : packet.destination)
  }

  const watch = (detector: Detector, packet: Packet): Eventually<void> =>
    detector.watches(packet)
      ? then(isInUse(detector, packet), (inUse) => decide(detector, packet, inUse))
      : undefined

  const accept = (detector: Detector, packet: Packet, connection: Connection): Eventually<void> =>
    detector.accepts(packet.protocol, packet.port)
      ? decide(detector, packet, false, connection.sendBanner)
      : undefined

  const withEach = (work: (detector: Detector) => Eventually<void>, from = 0): Promise<void> | undefined => {
    for (const [index, detector] of detectors.entries()) {
      if (index < from) continue
      const doing = work(detector)
      if (doing instanceof Promise) return doing.then(() => withEach(work, index + 1))
    }
    return undefined
  }

  let last: Promise<void> | undefined
  /** What comes while something is under way waits for it, whether or not that turns out well. */
  const inTurn = (work: () => Promise<void> | undefined): Promise<void> | undefined => {
    const doing = last === undefined ? work() : last.then(work, work)
    if (doing === undefined) return undefined
    const held: Promise<void> = doing.finally(() => {
      if (last === held) last = undefined
    })
    last = held
    return held
  }

  return {
    observe: (packet) => inTurn(() => withEach((detector) => watch(detector, packet))),
    observeConnection: (connection) => {
      const packet = packetOf(connection)
      return inTurn(() => withEach((detector) => accept(detector, packet, connection)))
    },
  }
}
