import { readConfiguration } from '../../../src/detector/configuration.ts'
import type { Action, Outcome } from '../../../src/detector/decision.ts'
import { createDetector } from '../../../src/detector/detector.ts'
import { judgeConf } from '../../../src/detector/judge-conf.ts'
import type { Address, Packet } from '../../../src/detector/packet.ts'
import { createWatcher } from '../../../src/detector/watcher.ts'
import { parseIgnoreList } from '../../../src/documents/ignore-list.ts'
import { parsePortsentryConf } from '../../../src/documents/portsentry-conf.ts'
import { parseAddress } from '../../../src/network.ts'
import { isError } from '../../../src/problem.ts'
import { packetsIn } from '../../detector/captures.ts'
import { utc } from '../../detector/daemon.ts'
import { addresses } from '../harness/network.ts'
import { CONF, confText, ignoreText } from './configuration-files.ts'
import { type Lines, readRecords } from './evidence.ts'
import { PORT_IN_USE, PORT_USED_LATER, type Setup } from './matrix.ts'

/** Every packet of a capture that has no fault. */
export const readPackets = (capture: Uint8Array): Packet[] => {
  const { packets, fault } = packetsIn(capture)
  if (fault !== null) throw new Error(`the capture is at fault at byte ${fault.offset}: ${fault.message}`)
  return packets
}

const serverAddresses: readonly Address[] = Object.values(addresses.server).map((text) => {
  const address = parseAddress(text)
  if (address === null) throw new Error(`no address: ${text}`)
  return address
})

/** The services of the test, as a fresh bind meets them. */
const isInUse = (port: number, destination: Address | null): boolean =>
  port === PORT_IN_USE || (port === PORT_USED_LATER && destination?.length !== 16)

/** What the kill commands of the test write down. */
const recorded = (action: Action): string[] =>
  action.kind === 'command' ? [action.command.replace(/^echo (.*) >>.*$/, '$1')] : []

/** What the detector leaves behind of the packets of a capture, with the daemon's configuration and nothing really done. */
export const watchWithDetector = async (packets: readonly Packet[], setup: Setup): Promise<Lines> => {
  const dialect = setup.version === '1.2' ? '1.2' : '2.x'
  const conf = parsePortsentryConf(confText(setup), dialect)
  const ignore = parseIgnoreList(ignoreText, dialect)
  const detectors = setup.modes.map((mode) => {
    const problems = judgeConf(conf, [mode], CONF).filter(isError)
    if (problems.length > 0) throw new Error(`the detector would not start: ${JSON.stringify(problems)}`)
    return createDetector(readConfiguration(conf, mode), {
      addresses: serverAddresses,
      inUseAtStart: (_protocol, port) => port === PORT_IN_USE,
      ...(setup.method !== null && { method: setup.method }),
    })
  })
  const all: Outcome[] = []
  const watcher = createWatcher(detectors, {
    isInUse: (_protocol, port, destination) => isInUse(port, destination),
    ignoreList: () => ignore,
    perform: (action) => ({ action, result: 'assumed', exitCode: null, message: '' }),
    resolveName: (host) => host,
    // The servers keep UTC.
    localTime: utc,
    finalized: (outcome) => {
      all.push(outcome)
    },
  })
  for (const packet of packets) await watcher.observe(packet)
  const written = all.map((outcome) => outcome.written())
  const actions = all.flatMap(({ outcomes }) => outcomes.map(({ action }) => action))
  return {
    log: setup.modes.map((mode) =>
      all.filter(({ decision }) => decision.mode === mode).flatMap((outcome) => [...outcome.written().log]),
    ),
    history: written.flatMap(({ history }) => (history === null ? [] : [history.replace(/\n$/, '')])),
    blocked: written.flatMap(({ blockedRecord }) => {
      if (blockedRecord === null) return []
      return typeof blockedRecord === 'string'
        ? [blockedRecord.replace(/\n$/, '')]
        : readRecords(blockedRecord)
    }),
    hostsDeny: actions.flatMap((action) => (action.kind === 'hosts-deny' ? [action.line] : [])),
    commands: actions.flatMap(recorded),
  }
}
