import type { Configuration } from '../detector/configuration.ts'
import { createDetector, type DetectorOptions } from '../detector/detector.ts'
import { isConnectMode, type Protocol } from '../detector/modes.ts'
import { createWatcher, type Effects, type Watcher } from '../detector/watcher.ts'
import { HostError } from '../host/host-error.ts'
import { isInUse } from '../live-detection/bind.ts'
import { openCapture, startCapture } from '../live-detection/capture.ts'
import { findInUse, ownAddresses, readBlocked } from '../live-detection/effects.ts'
import { type DetectOptions, portKey, type Source } from './detect-options.ts'
import {
  describeRefused,
  describeUndecoded,
  openPorts,
  watchArrival,
  watchCapture,
} from './detect-sources.ts'
import { complain, openOutput } from './output.ts'

/** How a source ended: what else there is to say of it, for people and for programs. */
export interface Ending {
  readonly text: string
  readonly document: object
  readonly failed: boolean
}

/** Lets `work` end in order when somebody wants it to end, by a signal or, where `forReader`, by not reading on. */
const untilStopped = async <T>(stop: () => void, forReader: boolean, work: Promise<T>): Promise<T> => {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, stop)
  if (forReader) process.stdout.once('error', stop)
  try {
    return await work
  } finally {
    for (const signal of signals) process.off(signal, stop)
    process.stdout.off('error', stop)
  }
}

/** What is the same for all sources. */
export interface Session {
  readonly options: DetectOptions
  readonly acts: boolean
  readonly configurations: readonly Configuration[]
  /** The effects of this run, with what the source knows of ports that services have. */
  readonly effects: (asked: Effects['isInUse']) => Promise<Effects>
  readonly note: (text: string) => void
}

const createWatch = async (
  { configurations, effects, options }: Session,
  known: Omit<DetectorOptions, 'method' | 'blocked'>,
  asked: Effects['isInUse'],
  blocked: (configuration: Configuration) => Promise<Uint8Array | undefined>,
): Promise<Watcher> => {
  const method = options.method === 'raw' ? 'raw' : 'pcap'
  const detectors = await Promise.all(
    configurations.map(async (configuration) => {
      const records = await blocked(configuration)
      return createDetector(configuration, { ...known, method, ...(records && { blocked: records }) })
    }),
  )
  return createWatcher(detectors, await effects(asked))
}

/** Looks into a capture file. */
const detectInFile = async (session: Session, source: Source & { kind: 'pcap' }): Promise<Ending> => {
  const inUse: DetectorOptions['inUseAtStart'] = (protocol, port) => source.inUse.has(portKey(protocol, port))
  const known = { addresses: source.addresses, inUseAtStart: inUse }
  // Whom the server has blocked since is no matter of what the capture shows.
  const watcher = await createWatch(session, known, inUse, async () => undefined)
  const { chunks, stop } = openCapture(source.path)
  const { counts, fault } = await untilStopped(stop, true, watchCapture(chunks, watcher))
  if (fault !== null) {
    const name = source.path === '-' ? 'standard input' : source.path
    openOutput(session.options).problems([
      {
        severity: 'error',
        code: 'bad-capture',
        message: `byte ${fault.offset}: ${fault.message}`,
        hint: 'what came before it was read',
        at: { path: name },
      },
    ])
  }
  return { text: describeUndecoded(counts), document: { frames: counts, fault }, failed: fault !== null }
}

/** Follows the traffic of an interface until it is told to end. */
const detectOnInterface = async (session: Session, name: string): Promise<Ending> => {
  const { configurations, options, note } = session
  if (process.getuid?.() !== 0) throw new HostError('capturing needs root', 'run as root')
  const known = { addresses: ownAddresses(), inUseAtStart: await findInUse(configurations) }
  const watcher = await createWatch(session, known, isInUse, (each) => readBlocked(options.root, each))
  const isRaw = configurations.every(({ mode }) => !isConnectMode(mode))
  const capture = startCapture(name, isRaw)
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
    const { counts, fault } = await untilStopped(stop, !session.acts, watch())
    capture.stop()
    const { lost, exitCode, said } = await capture.ended
    const failed = !isStopped
    if (failed) complain(`portward: tcpdump ended by itself (exit code ${exitCode}): ${said.trim()}`)
    const losses =
      lost !== null && lost > 0 ? `${lost} frames were lost by the kernel, and looked at by nobody\n` : ''
    return { text: losses + describeUndecoded(counts), document: { frames: counts, lost, fault }, failed }
  } finally {
    capture.stop()
  }
}

/** Listens on the configured ports until it is told to end. */
const detectOnSockets = async (session: Session): Promise<Ending> => {
  const { configurations, options, note } = session
  const waiting = new Set<Promise<void>>()
  let begin: (watcher: Watcher) => void = () => undefined
  const begun = new Promise<Watcher>((resolve) => {
    begin = resolve
  })
  let fail: (error: unknown) => void = () => undefined
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
    for (const line of describeRefused(listeners, configurations)) note(line)
    const bound = new Set(listeners.bound.map(({ protocol, port }) => portKey(protocol, port)))
    const inUseAtStart = (protocol: Protocol, port: number) => !bound.has(portKey(protocol, port))
    const known = { addresses: null, inUseAtStart }
    begin(await createWatch(session, known, isInUse, (each) => readBlocked(options.root, each)))
    let isStopped = false
    const stop = () => {
      isStopped = true
      listeners.close()
    }
    note(`listening on ${[...bound].join(', ')}`)
    const { said } = await untilStopped(stop, !session.acts, Promise.race([listeners.closed, failure]))
    await Promise.all(waiting)
    if (!isStopped) complain(`portward: the sockets were closed: ${said}`)
    const turnedAway = listeners.turnedAway()
    const text = turnedAway > 0 ? `${turnedAway} connections were turned away unseen, too many at once\n` : ''
    return { text, document: { turnedAway }, failed: !isStopped }
  } finally {
    listeners.close()
  }
}

/** Watches a source from its beginning to its end. Throws HostError where it cannot. */
export const runSource = (session: Session, source: Source): Promise<Ending> => {
  if (source.kind === 'pcap') return detectInFile(session, source)
  return source.kind === 'interface' ? detectOnInterface(session, source.name) : detectOnSockets(session)
}
