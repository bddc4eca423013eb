import { type Configuration, readConfiguration } from '../../src/detector/configuration.ts'
import type { Action, ActionOutcome, Mode, Outcome } from '../../src/detector/decision.ts'
import { createDetector, type Detector, type DetectorOptions } from '../../src/detector/detector.ts'
import { isMode2 } from '../../src/detector/modes.ts'
import { FLAGS, type Packet } from '../../src/detector/packet.ts'
import { createWatcher, type Effects, type Watcher } from '../../src/detector/watcher.ts'
import { parseIgnoreList } from '../../src/documents/ignore-list.ts'
import { parsePortsentryConf } from '../../src/documents/portsentry-conf.ts'
import { parseAddress } from '../../src/network.ts'
import type { LocalTime } from '../../src/time.ts'

/** 2026-11-21T19:16:32.506Z, the moment of the samples. */
export const TIME_MS = 1_795_288_592_506

/** UTC, so that the expected lines can be read. */
export const utc = (timeMs: number): LocalTime => {
  const date = new Date(timeMs)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
    offsetMinutes: 0,
  }
}

export const address = (text: string): readonly number[] => {
  const bytes = parseAddress(text)
  if (bytes === null) throw new Error(`not an address: ${text}`)
  return bytes
}

type Addresses = { readonly from?: string; readonly to?: string }

/** A SYN to port 11 that came in whole, but for what is said otherwise. */
export const packet = ({ from = '203.0.113.9', to, ...other }: Partial<Packet> & Addresses = {}): Packet => {
  const source = address(from)
  const isIPv4 = source.length === 4
  return {
    timeMs: TIME_MS,
    protocol: 'tcp',
    source,
    destination: address(to ?? (isIPv4 ? '192.0.2.1' : '2001:db8::1')),
    sourcePort: 40_000,
    port: 11,
    flags: other.protocol === 'udp' ? 0 : FLAGS.SYN,
    hasIpOptions: isIPv4 ? false : null,
    isFragment: false,
    delivery: 'host',
    ...other,
  }
}

const FILES = {
  IGNORE_FILE: '/etc/portsentry/portsentry.ignore',
  HISTORY_FILE: '/history',
  BLOCKED_FILE: '/blocked',
}

type Keys = Readonly<Record<string, string>>

const COMMON: Keys = { ...FILES, TCP_PORTS: '11,15,79', UDP_PORTS: '7,9', KILL_ROUTE: 'drop $TARGET$' }
const BLOCKING: Keys = { BLOCK_TCP: '1', BLOCK_UDP: '1' }

/** The text of a portsentry.conf; a key that is '-' is left out. */
export const confText = (keys: Keys): string =>
  Object.entries(keys)
    .filter(([, value]) => value !== '-')
    .map(([key, value]) => `${key}="${value}"\n`)
    .join('')

export const configure = (mode: Mode, keys: Keys = {}): Configuration => {
  const text = confText({ ...COMMON, ...BLOCKING, ...keys })
  const conf = parsePortsentryConf(text, isMode2(mode) ? '2.x' : '1.2')
  return readConfiguration(conf, mode)
}

export const detectorFor = (mode: Mode, keys: Keys = {}, options: Partial<DetectorOptions> = {}): Detector =>
  createDetector(configure(mode, keys), { addresses: null, inUseAtStart: () => false, ...options })

/** Everything is taken for done. */
export const assume = (action: Action): ActionOutcome => ({
  action,
  result: action.kind === 'impossible' ? 'not-run' : 'assumed',
  exitCode: null,
  message: '',
})

interface World extends Partial<Omit<Effects, 'finalized'>> {
  readonly ignore?: string | null
  readonly inUse?: readonly number[]
}

export interface Scene {
  readonly watcher: Watcher
  readonly settled: Outcome[]
}

/** A watcher whose world answers at once, and what it has settled so far, where nobody else takes it. */
export const watch = (
  detectors: readonly Detector[],
  world: World = {},
  onSettled?: (settled: Outcome) => void,
): Scene => {
  const { ignore = '', inUse = [], ...effects } = world
  const dialect = detectors[0]?.configuration.dialect ?? '1.2'
  const list = ignore === null ? null : parseIgnoreList(ignore, dialect)
  const settled: Outcome[] = []
  const watcher = createWatcher(detectors, {
    isInUse: (_, port) => inUse.includes(port),
    ignoreList: () => list,
    perform: assume,
    resolveName: () => 'scanner.example',
    localTime: utc,
    finalized: (one) => {
      if (onSettled) onSettled(one)
      else settled.push(one)
    },
    ...effects,
  })
  return { watcher, settled }
}

/** What one daemon settles of these packets. */
export const observe = async (
  detector: Detector,
  packets: readonly Packet[],
  world: World = {},
): Promise<Outcome[]> => {
  const { watcher, settled } = watch([detector], world)
  for (const one of packets) await watcher.observe(one)
  return settled
}

/** A complete connection as it is seen on the wire. */
export const connection = (other: Partial<Packet> & Addresses = {}): Packet[] => [
  packet({ ...other, flags: FLAGS.SYN }),
  packet({ ...other, flags: FLAGS.ACK }),
]
