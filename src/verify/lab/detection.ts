import { readFile } from 'node:fs/promises'
import { createCaptureReader } from '../../detector/capture-file.ts'
import { type Configuration, readConfiguration } from '../../detector/configuration.ts'
import type { Action, ActionOutcome, Outcome } from '../../detector/decision.ts'
import { createDecoder } from '../../detector/decode.ts'
import { createDetector } from '../../detector/detector.ts'
import { isConnectMode } from '../../detector/modes.ts'
import { copyPacket, type Packet } from '../../detector/packet.ts'
import { portsToOpen } from '../../detector/ports.ts'
import { createWatcher } from '../../detector/watcher.ts'
import { parseIgnoreList } from '../../documents/ignore-list.ts'
import { parsePortsentryConf } from '../../documents/portsentry-conf.ts'
import { isInUse } from '../../live-detection/bind.ts'
import { perform } from '../../live-detection/respond.ts'
import { type Arrival, openListeners, portsOf } from '../../live-detection/sockets.ts'
import type { Release } from '../../policy/release.ts'
import { localTime, monotonicMs } from '../../system/clock.ts'
import { startGreeters } from './greeters.ts'
import { startRecorder } from './recorder.ts'
import type { LabSpecification } from './specification.ts'

/** Time limit for a command in the lab; the whole lab should take a few seconds. */
const COMMAND_TIMEOUT_MS = 10_000

const SILENCERS = /\s*(?:\d?>>?\s*\/dev\/null|&>\s*\/dev\/null|2>&1)/g

/**
 * Does what the daemon would do. A command that failed without output is run once more without its redirections to get a
 * message, which is harmless here. A command that did not end in time is not run again for the other hosts.
 */
const createPerformer = ({ dialect }: Release): ((action: Action) => Promise<ActionOutcome>) => {
  const response = { root: '/', dialect, timeoutMs: COMMAND_TIMEOUT_MS }
  const endless = new Map<Action['option'], ActionOutcome>()
  return async (action) => {
    const before = endless.get(action.option)
    if (before !== undefined) return { ...before, action }
    const startedMs = monotonicMs()
    const outcome = await perform(action, response)
    if (action.kind !== 'command' || outcome.result !== 'failed') return outcome
    if (monotonicMs() - startedMs >= COMMAND_TIMEOUT_MS) endless.set(action.option, outcome)
    if (outcome.message !== '') return outcome
    const loud = { ...action, command: action.command.replace(SILENCERS, '') }
    return { ...outcome, message: (await perform(loud, response)).message }
  }
}

export interface Detection {
  /** In order. */
  readonly outcomes: readonly Outcome[]
  readonly configurations: readonly Configuration[]
  /** Passes in a packet that did not arrive, to see what the daemon would have done about it. */
  readonly inject: (packet: Packet) => void
  /** Whether packets may have arrived that are not recorded yet because this machine is busy. */
  readonly isBehind: () => Promise<boolean>
  /** Waits until everything that was recorded has been handled. */
  readonly idle: () => Promise<void>
  readonly stop: () => Promise<void>
}

interface Sockets {
  /** Whether the daemon could have bound the port when it started. */
  readonly isFree: (protocol: string, port: number) => boolean
  readonly close: () => void
}

/** 1.2's connect modes are emulated by packets: their ports only have to accept connections. */
const greet = async (
  configurations: readonly Configuration[],
  isFree: Sockets['isFree'],
): Promise<Sockets> => {
  const opened = configurations.flatMap(({ mode, ports }) => {
    const rule = isConnectMode(mode) ? ports.get('tcp') : undefined
    return rule === undefined ? [] : portsToOpen(rule)
  })
  const { close } = await startGreeters(opened.filter((port) => isFree('tcp', port)))
  return { isFree, close }
}

/** 2.x in connect mode sees only what its own sockets receive, of both families. */
const listen = async (
  configurations: readonly Configuration[],
  isFree: Sockets['isFree'],
  onArrival: (arrival: Arrival) => void,
): Promise<Sockets> => {
  const free = portsOf(configurations).filter(({ protocol, port }) => isFree(protocol, port))
  const { bound, close } = await openListeners(6, free, onArrival)
  const own = new Set(bound.map(({ protocol, port }) => `${protocol} ${port}`))
  return { isFree: (protocol, port) => own.has(`${protocol} ${port}`), close }
}

/**
 * The reference detector instead of the daemons, with the server's own portsentry.conf and ignore list: it sees what they
 * would see, and does what they would do. History lines are kept in `outcomes`: fail2ban gets them later.
 */
export const startDetection = async (
  { modes, confPath, inUse }: LabSpecification,
  release: Release,
): Promise<Detection> => {
  const { dialect } = release
  const listens = modes.includes('connect')
  const conf = parsePortsentryConf(await readFile(confPath, 'latin1'), dialect)
  const configurations = modes.map((mode) => readConfiguration(conf, mode))
  const taken = new Set(inUse)
  const isFree = (protocol: string, port: number): boolean => !taken.has(`${protocol} ${port}`)

  let work: Promise<void> = Promise.resolve()
  const sockets = listens
    ? await listen(configurations, isFree, (arrival) => {
        work = work.then(() => accept(arrival))
      })
    : await greet(configurations, isFree)
  const detectors = configurations.map((configuration) =>
    createDetector(configuration, {
      addresses: null,
      inUseAtStart: (protocol, port) => !sockets.isFree(protocol, port),
    }),
  )
  const ignoreFile = configurations[0]?.ignoreFile ?? ''
  const text = await readFile(ignoreFile, 'latin1').catch(() => null)
  const ignore = text === null ? null : parseIgnoreList(text, dialect)

  const outcomes: Outcome[] = []
  const performAction = createPerformer(release)
  const watcher = createWatcher(detectors, {
    isInUse: (protocol, port, destination) => !isFree(protocol, port) || isInUse(protocol, port, destination),
    ignoreList: () => ignore,
    perform: (action) => performAction(action),
    resolveName: (host) => host,
    localTime,
    finalized: (outcome) => {
      outcomes.push(outcome)
    },
  })
  const reader = createCaptureReader()
  const decoder = createDecoder()
  const observe = (packet: Packet): void => {
    work = work.then(() => watcher.observe(packet))
  }
  const accept = async ({ answer, ...connection }: Arrival): Promise<void> => {
    await watcher.observeConnection(connection)
    answer('')
  }
  const record = (chunk: Uint8Array): void => {
    reader.push(chunk)
    for (let frame = reader.next(); frame !== null; frame = reader.next()) {
      const packet = decoder.decode(frame)
      if (packet !== null) observe(copyPacket(packet))
    }
  }
  const recorder = listens ? null : await startRecorder(dialect === '1.2' ? 'socket' : 'wire', record)
  return {
    outcomes,
    configurations,
    inject: (packet) => {
      observe(packet)
      // A daemon in connect mode sees connections only.
      work = work.then(() => watcher.observeConnection(packet))
    },
    isBehind: async () => recorder?.isBehind() ?? false,
    idle: () => work,
    stop: async () => {
      sockets.close()
      await recorder?.stop()
    },
  }
}
