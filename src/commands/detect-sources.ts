import { type CaptureFault, createCaptureReader } from '../detector/capture-file.ts'
import type { Configuration } from '../detector/configuration.ts'
import { createDecoder, type DecodeCounts } from '../detector/decode.ts'
import { portsToOpen, watchPorts } from '../detector/ports.ts'
import type { Watcher } from '../detector/watcher.ts'
import { HostError } from '../host/host-error.ts'
import type { Chunks } from '../live-detection/capture.ts'
import { type Arrival, type Listeners, openListeners, type Port } from '../live-detection/sockets.ts'

export interface CaptureResult {
  readonly counts: Readonly<DecodeCounts>
  readonly fault: CaptureFault | null
}

/** Shows the watcher every packet of a capture, in order; reads no faster than the watcher's effects go. */
export const watchCapture = async (chunks: Chunks, watcher: Watcher): Promise<CaptureResult> => {
  const reader = createCaptureReader()
  const decoder = createDecoder()
  for await (const chunk of chunks) {
    for (const frame of reader.push(chunk)) {
      const packet = decoder.decode(frame)
      const doing = packet === null ? undefined : watcher.observe(packet)
      if (doing !== undefined) await doing
    }
    if (reader.fault() !== null) break
  }
  return { counts: decoder.counts, fault: reader.end() }
}

/** `frames not decoded: 5 of other protocols, 2 malformed`; '' where all was decoded. */
export const describeUndecoded = ({
  otherProtocol,
  fragments,
  truncated,
  malformed,
}: DecodeCounts): string => {
  const parts = [
    ...(otherProtocol > 0 ? [`${otherProtocol} of other protocols`] : []),
    ...(truncated > 0 ? [`${truncated} cut off`] : []),
    ...(malformed > 0 ? [`${malformed} malformed`] : []),
  ]
  const undecoded = parts.length === 0 ? '' : `frames not decoded: ${parts.join(', ')}\n`
  if (fragments === 0) return undecoded
  return `${undecoded}${fragments} IP fragments were not put together: of such a packet at most the first fragment was looked at\n`
}

const UNSPECIFIED = [0, 0, 0, 0]

/** Opens the ports of the configurations. What arrives goes to `onArrival`. Throws HostError where none can be had. */
export const openPorts = async (
  configurations: readonly Configuration[],
  onArrival: (arrival: Arrival) => void,
): Promise<Listeners> => {
  const ports = configurations.flatMap((configuration) =>
    [...configuration.ports].flatMap(([protocol, rule]) =>
      portsToOpen(rule).map((port): Port => ({ protocol, port })),
    ),
  )
  const listeners = await openListeners(configurations[0]?.dialect === '2.x' ? 6 : 4, ports, onArrival)
  if (listeners.bound.length > 0) return listeners
  listeners.close()
  const reasons = [...new Set(listeners.refused.map(({ reason }) => reason))].join(', ')
  throw new HostError(
    `none of the ports could be bound: ${reasons}`,
    'see what has them (ss -Hlntup), or run as root',
  )
}

/** Ports that could not be bound, and what follows from that for what the daemon tells of the others. */
export const describeRefused = (
  { bound, refused }: Listeners,
  configurations: readonly Configuration[],
): string[] => {
  const isBound = (port: Port) =>
    bound.some((other) => other.port === port.port && other.protocol === port.protocol)
  const told = configurations.flatMap(({ ports }) =>
    [...ports].flatMap(([protocol, rule]) => {
      const watched = watchPorts(rule, 'connections', (port) => !isBound({ protocol, port }))
      return bound
        .filter((port) => port.protocol === protocol && watched[port.port] !== port.port)
        .map(({ port }) => `${port}/${protocol} is told as port ${watched[port]}, as portsentry does`)
    }),
  )
  return [
    ...refused.map(({ protocol, port, reason }) => `${port}/${protocol} could not be bound: ${reason}`),
    ...told,
  ]
}

/** Hands an arrival to the watcher, and lets go of it when the watcher is done. Settles then. */
export const watchArrival = async (arrival: Arrival, watcher: Watcher): Promise<void> => {
  const { answer, destination, ...connection } = arrival
  let isAnswered = false
  const answerOnce = (banner: string): void => {
    if (!isAnswered) answer(banner)
    isAnswered = true
  }
  try {
    await watcher.observeConnection({
      ...connection,
      destination: destination ?? UNSPECIFIED,
      sendBanner: answerOnce,
    })
  } finally {
    answerOnce('')
  }
}
