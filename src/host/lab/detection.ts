import { readFile } from 'node:fs/promises'
import { createCaptureReader } from '../../detector/capture-file.ts'
import { type Configuration, readConfiguration } from '../../detector/configuration.ts'
import type { Action, ActionOutcome, Settled } from '../../detector/decision.ts'
import { createDecoder } from '../../detector/decode.ts'
import { createDetector } from '../../detector/detector.ts'
import { isConnectMode } from '../../detector/modes.ts'
import type { Packet } from '../../detector/packet.ts'
import { portsToOpen } from '../../detector/ports.ts'
import { createWatcher } from '../../detector/watcher.ts'
import { parseIgnoreList } from '../../documents/ignore-list.ts'
import { parsePortsentryConf } from '../../documents/portsentry-conf.ts'
import type { Release } from '../../policy/release.ts'
import { isInUse } from '../bind.ts'
import { localTime } from '../clock.ts'
import { perform } from '../respond.ts'
import { startGreeters } from './greeters.ts'
import { startRecorder } from './recorder.ts'
import type { LabSpecification } from './specification.ts'

/** What a command may take in the lab; the whole of it should take a few seconds. */
const COMMAND_TIMEOUT_MS = 10_000

const SILENCERS = /\s*(?:\d?>>?\s*\/dev\/null|&>\s*\/dev\/null|2>&1)/g

/** A command that failed without a word is run once more with its output let out: here that harms nobody. */
const performLoudly = async (action: Action, { dialect }: Release): Promise<ActionOutcome> => {
  const response = { root: '/', dialect, timeoutMs: COMMAND_TIMEOUT_MS }
  const outcome = await perform(action, response)
  if (action.kind !== 'command' || outcome.result !== 'failed' || outcome.said !== '') return outcome
  const loud = { ...action, command: action.command.replace(SILENCERS, '') }
  return { ...outcome, said: (await perform(loud, response)).said }
}

export interface Detection {
  /** In order. */
  readonly settled: readonly Settled[]
  readonly configurations: readonly Configuration[]
  /** Hands over a packet that never came: what would the daemon have done about it? */
  readonly inject: (packet: Packet) => void
  /** Waits until everything that was recorded has been dealt with. */
  readonly idle: () => Promise<void>
  readonly stop: () => Promise<void>
}

/**
 * The reference detector in the place of the daemons, with the server's own portsentry.conf and ignore list: it sees
 * what they would see, and does what they would do. History lines stay in `settled`, for fail2ban's turn.
 */
export const startDetection = async (
  { modes, confPath, inUse }: LabSpecification,
  release: Release,
): Promise<Detection> => {
  const { dialect } = release
  const conf = parsePortsentryConf(await readFile(confPath, 'latin1'), dialect)
  const configurations = modes.map((mode) => readConfiguration(conf, mode, confPath).configuration)
  const taken = new Set(inUse)
  const detectors = configurations.map((configuration) =>
    createDetector(configuration, {
      addresses: null,
      inUseAtStart: (protocol, port) => taken.has(`${protocol} ${port}`),
    }),
  )
  const ignoreFile = configurations[0]?.ignoreFile ?? ''
  const text = await readFile(ignoreFile, 'latin1').catch(() => null)
  const ignore = text === null ? null : parseIgnoreList(text, dialect)

  const opened = configurations.flatMap(({ mode, ports }) => {
    const rule = isConnectMode(mode) ? ports.get('tcp') : undefined
    return rule === undefined ? [] : portsToOpen(rule)
  })
  const sockets = await startGreeters(opened.filter((port) => !taken.has(`tcp ${port}`)))

  const settled: Settled[] = []
  const watcher = createWatcher(detectors, {
    isInUse: (protocol, port, destination) =>
      taken.has(`${protocol} ${port}`) || isInUse(protocol, port, destination),
    ignoreList: () => ignore,
    perform: (action) => performLoudly(action, release),
    resolveName: (host) => host,
    localTime,
    settled: (result) => {
      settled.push(result)
    },
  })
  const reader = createCaptureReader()
  const decoder = createDecoder()
  let work: Promise<void> = Promise.resolve()
  const observe = (packet: Packet): void => {
    work = work.then(() => watcher.observe(packet))
  }
  const recorder = await startRecorder(dialect === '1.2' ? 'socket' : 'wire', (chunk) => {
    const packets = reader.push(chunk).flatMap((frame) => [...decoder.decode(frame)])
    for (const packet of packets) observe(packet)
  })
  return {
    settled,
    configurations,
    inject: (packet) => {
      observe(packet)
      // A daemon that listens by itself is told of connections only.
      work = work.then(() => watcher.observeConnection(packet))
    },
    idle: () => work,
    stop: async () => {
      sockets.close()
      await recorder.stop()
    },
  }
}
