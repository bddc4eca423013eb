import { randomInt } from 'node:crypto'
import type { Readable } from 'node:stream'
import { type CaptureFault, createCaptureReader } from '../detector/capture-file.ts'
import type { Configuration } from '../detector/configuration.ts'
import { createDecoder, type DecodeCounts } from '../detector/decode.ts'
import { createDetector, type DetectorOptions } from '../detector/detector.ts'
import { isConnectMode } from '../detector/modes.ts'
import type { Address } from '../detector/packet.ts'
import { type InUse, portKey, watchPorts } from '../detector/ports.ts'
import { createWatcher, type Effects, type Watcher } from '../detector/watcher.ts'
import { HostError } from '../system/host-error.ts'
import { isInUse } from './bind.ts'
import { type Chunks, openCapture, startCapture } from './capture.ts'
import { findInUse, ownAddresses, readBlocked } from './effects.ts'
import { type Arrival, type Listeners, openListeners, type Port, portsOf } from './sockets.ts'

/** Where the traffic comes from. */
export type Source =
  | { readonly kind: 'listen' }
  | { readonly kind: 'interface'; readonly name: string }
  | {
      readonly kind: 'pcap'
      readonly path: string
      /** Ports that services used when the traffic was captured. */
      readonly inUse: readonly Port[]
      /** Null: any destination is the server's. */
      readonly addresses: readonly Address[] | null
    }

/** What is the same for all sources. */
export interface Session {
  readonly root: string
  readonly configurations: readonly Configuration[]
  readonly method: 'pcap' | 'raw'
  /** The effects of this run; the source decides which ports are in use. */
  readonly effects: (isInUse: Effects['isInUse']) => Promise<Effects>
  readonly stdin: Readable
  /** Waits for `work`; calls `stop` on request, so that it ends in order. */
  readonly untilStopped: <T>(stop: () => void, work: Promise<T>) => Promise<T>
  readonly note: (text: string) => void
}

/** How a source ended: what remains to be reported, as text and for JSON. */
export interface Ending {
  readonly text: string
  readonly document: object
  /** Why it ended by itself, or what is wrong with it; null if nothing is. */
  readonly failure: string | null
}

const createWatch = async (
  { root, configurations, method, effects }: Session,
  known: Omit<DetectorOptions, 'method' | 'seed' | 'blocked'>,
  isPortInUse: Effects['isInUse'],
  isLive: boolean,
): Promise<Watcher> => {
  const detectors = configurations.map(async (configuration) => {
    // Hosts that the server has blocked by now do not matter for a capture file.
    const blocked = isLive ? await readBlocked(root, configuration) : undefined
    const seed = randomInt(2 ** 32)
    return createDetector(configuration, { ...known, method, seed, ...(blocked && { blocked }) })
  })
  return createWatcher(await Promise.all(detectors), await effects(isPortInUse))
}

interface CaptureResult {
  readonly counts: Readonly<DecodeCounts>
  readonly fault: CaptureFault | null
}

/** Passes every packet of a capture to the watcher, in order, and waits for its effects before it reads on. */
const watchCapture = async (chunks: Chunks, watcher: Watcher): Promise<CaptureResult> => {
  const reader = createCaptureReader()
  const decoder = createDecoder()
  for await (const chunk of chunks) {
    reader.push(chunk)
    for (let frame = reader.next(); frame !== null; frame = reader.next()) {
      const packet = decoder.decode(frame)
      const doing = packet === null ? undefined : watcher.observe(packet)
      if (doing !== undefined) await doing
    }
    if (reader.fault() !== null) break
  }
  return { counts: decoder.counts, fault: reader.end() }
}

/** `frames not decoded: 5 of other protocols, 2 malformed`; '' if all frames were decoded. */
const describeUndecoded = ({ otherProtocol, fragments, truncated, malformed }: DecodeCounts): string => {
  const parts = [
    ...(otherProtocol > 0 ? [`${otherProtocol} of other protocols`] : []),
    ...(truncated > 0 ? [`${truncated} cut off`] : []),
    ...(malformed > 0 ? [`${malformed} malformed`] : []),
  ]
  const undecoded = parts.length === 0 ? '' : `frames not decoded: ${parts.join(', ')}\n`
  if (fragments === 0) return undecoded
  return `${undecoded}${fragments} IP fragments were not reassembled: of such a packet at most the first fragment was examined\n`
}

/** These ports, as a table that is asked for each packet. */
const inUseOf = (ports: readonly Port[]): InUse => {
  const tables = { tcp: new Uint8Array(65_536), udp: new Uint8Array(65_536) }
  for (const { protocol, port } of ports) tables[protocol][port] = 1
  return (protocol, port) => tables[protocol][port] === 1
}

const watchFile = async (session: Session, source: Source & { kind: 'pcap' }): Promise<Ending> => {
  const inUseAtStart = inUseOf(source.inUse)
  const known = { addresses: source.addresses, inUseAtStart }
  const watcher = await createWatch(session, known, inUseAtStart, false)
  const { chunks, stop } = openCapture(source.path === '-' ? session.stdin : source.path)
  const { counts, fault } = await session.untilStopped(stop, watchCapture(chunks, watcher))
  return {
    text: describeUndecoded(counts),
    document: { frames: counts, fault },
    failure: fault === null ? null : `byte ${fault.offset}: ${fault.message}`,
  }
}

/** Follows the traffic of an interface until it is stopped. */
const watchInterface = async (session: Session, name: string): Promise<Ending> => {
  const { configurations, note } = session
  if (process.getuid?.() !== 0) throw new HostError('capturing needs root', 'run as root')
  const known = { addresses: ownAddresses(), inUseAtStart: await findInUse(configurations) }
  const watcher = await createWatch(session, known, isInUse, true)
  const capture = startCapture(
    name,
    configurations.every(({ mode }) => !isConnectMode(mode)),
  )
  let isStopped = false
  const stop = () => {
    isStopped = true
    capture.stop()
  }
  const watch = async () => {
    await capture.started
    note(`watching ${name}`)
    return watchCapture(capture.chunks, watcher)
  }
  try {
    const { counts, fault } = await session.untilStopped(stop, watch())
    capture.stop()
    const { lost, exitCode, stderr } = await capture.ended
    const losses = lost ? `${lost} frames were dropped by the kernel, and not examined\n` : ''
    return {
      text: losses + describeUndecoded(counts),
      document: { frames: counts, lost, fault },
      failure: isStopped ? null : `tcpdump ended by itself (exit code ${exitCode}): ${stderr}`,
    }
  } finally {
    capture.stop()
  }
}

/** Opens the ports of the configurations, and calls `onArrival` for each arrival. Throws HostError if none can be bound. */
const openPorts = async (
  configurations: readonly Configuration[],
  onArrival: (arrival: Arrival) => void,
): Promise<Listeners> => {
  const family = configurations[0]?.dialect === '2.x' ? 6 : 4
  const listeners = await openListeners(family, portsOf(configurations), onArrival)
  if (listeners.bound.length > 0) return listeners
  listeners.close()
  const reasons = [...new Set(listeners.refused.map(({ reason }) => reason))].join(', ')
  throw new HostError(
    `none of the ports could be bound: ${reasons}`,
    'see what has them (ss -Hlntup), or run as root',
  )
}

/** Messages about ports that could not be bound, and about ports that the daemon therefore reports by another number. */
const describeRefused = (
  { bound, refused }: Listeners,
  inUseAtStart: InUse,
  configurations: readonly Configuration[],
): string[] => {
  const shifted = configurations.flatMap(({ ports }) =>
    [...ports].flatMap(([protocol, rule]) => {
      const watched = watchPorts(rule, 'connections', (port) => inUseAtStart(protocol, port))
      return bound
        .filter((port) => port.protocol === protocol && watched[port.port] !== port.port)
        .map(({ port }) => `${port}/${protocol} is reported as port ${watched[port]}, as portsentry does`)
    }),
  )
  return [
    ...refused.map(({ protocol, port, reason }) => `${port}/${protocol} could not be bound: ${reason}`),
    ...shifted,
  ]
}

/** Passes an arrival to the watcher, and closes it when the watcher is done. */
const watchArrival = async ({ answer, ...connection }: Arrival, watcher: Watcher): Promise<void> => {
  let isAnswered = false
  const sendBanner = (banner: string): void => {
    if (!isAnswered) answer(banner)
    isAnswered = true
  }
  try {
    await watcher.observeConnection({ ...connection, sendBanner })
  } finally {
    sendBanner('')
  }
}

/** Listens on the configured ports until it is stopped. */
const watchSockets = async (session: Session): Promise<Ending> => {
  const { configurations, note } = session
  const waiting = new Set<Promise<void>>()
  let begin: (watcher: Watcher) => void = () => undefined
  let fail: (error: unknown) => void = () => undefined
  // Arrivals wait until the watcher has been created.
  const begun = new Promise<Watcher>((resolve) => {
    begin = resolve
  })
  const failure = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  const listeners = await openPorts(configurations, (arrival) => {
    const doing: Promise<void> = begun
      .then((watcher) => watchArrival(arrival, watcher))
      .catch(fail)
      .finally(() => waiting.delete(doing))
    waiting.add(doing)
  })
  try {
    const bound = new Set(listeners.bound.map(({ protocol, port }) => portKey(protocol, port)))
    const inUseAtStart: InUse = (protocol, port) => !bound.has(portKey(protocol, port))
    for (const line of describeRefused(listeners, inUseAtStart, configurations)) note(line)
    begin(await createWatch(session, { addresses: null, inUseAtStart }, isInUse, true))
    let isStopped = false
    const stop = () => {
      isStopped = true
      listeners.close()
    }
    note(`listening on ${[...bound].join(', ')}`)
    const { stderr } = await session.untilStopped(stop, Promise.race([listeners.closed, failure]))
    await Promise.all(waiting)
    const turnedAway = listeners.turnedAway()
    return {
      text: turnedAway > 0 ? `${turnedAway} connections were rejected unexamined, too many at once\n` : '',
      document: { turnedAway },
      failure: isStopped ? null : `the sockets were closed: ${stderr}`,
    }
  } finally {
    listeners.close()
  }
}

/** Watches a source until it ends. Throws HostError if it cannot. */
export const watchSource = (session: Session, source: Source): Promise<Ending> => {
  if (source.kind === 'pcap') return watchFile(session, source)
  return source.kind === 'interface' ? watchInterface(session, source.name) : watchSockets(session)
}
