import { isConnectMode } from '../../../src/detector/modes.ts'
import { type Evidence, type Kind, NO_HOST, type Trace } from './evidence.ts'
import { FRAGMENTED, SCANS, SENTINELS, type Setup } from './matrix.ts'

/** A run: what the stock daemon left behind, and what the detector did with a capture of the same packets. */
export interface Run {
  readonly setup: Setup
  /** What of the scans did not come through, as `SCAN to PORT`: nothing can be learnt of that. */
  readonly missing: readonly string[]
  readonly daemon: Evidence
  readonly detector: Evidence
}

export interface Difference {
  readonly setup: Setup
  /** Name of the scan. */
  readonly scan: string
  readonly host: string
  readonly kind: Kind
  readonly daemon: readonly string[]
  readonly detector: readonly string[]
  /** Why it is right that they differ; null where that is not known. */
  readonly reason: string | null
}

/** Where the detector is known to differ from the daemon, and why. The table tells them; none is passed over. */
const KNOWN: readonly {
  readonly reason: string
  readonly covers: (difference: Omit<Difference, 'reason'>) => boolean
}[] = [
  {
    reason:
      'the daemon complains about each fragment too short for the TCP header that it looks for, of nobody in' +
      ' particular; the detector decides about hosts, and here there is nothing to decide',
    covers: ({ setup, host, kind, daemon, detector }) =>
      setup.version === '2.0.7' &&
      setup.modes.includes('stealth') &&
      host === NO_HOST &&
      kind === 'log' &&
      detector.length === 0 &&
      daemon.every((line) => line === 'Packet is too short for TCP header, ignoring'),
  },
  {
    reason:
      'the kernel puts fragments together for a daemon that reads from sockets; the detector reads the capture' +
      ' packet by packet, and says that it has seen fragments',
    covers: ({ setup, scan, detector }) =>
      FRAGMENTED.includes(scan) && !setup.modes.includes('stealth') && detector.length === 0,
  },
]

/** Reasons for differences that none of these runs has: they are to be taken out. */
export const staleReasons = (runs: readonly Run[]): string[] => {
  const used = new Set(runs.flatMap(differences).map(({ reason }) => reason))
  return KNOWN.map(({ reason }) => reason).filter((reason) => !used.has(reason))
}

const KINDS: readonly Kind[] = ['log', 'history', 'blocked', 'hostsDeny', 'commands']
const NOTHING: Trace = { log: [], history: [], blocked: [], hostsDeny: [], commands: [] }

const scanOf = (host: string): string =>
  SCANS.find(({ source }) => source === host)?.name ??
  SENTINELS.find(({ source }) => source === host)?.name ??
  'no scan'

/**
 * Lines in an order that can be compared. A daemon that opens ports has a socket for each: of packets to several ports that
 * wait at the same time it reads in another order than they came in, which no capture shows.
 */
const comparable = ({ modes }: Setup, lines: readonly string[]): readonly string[] =>
  modes.some(isConnectMode) ? [...lines].sort() : lines

/** Everything in which the two differ, of every host that either names, in the order of its lines. */
export const differences = ({ setup, daemon, detector }: Run): Difference[] =>
  [...new Set([...daemon.keys(), ...detector.keys()])].sort().flatMap((host) =>
    KINDS.flatMap((kind) => {
      const real = comparable(setup, (daemon.get(host) ?? NOTHING)[kind])
      const ours = comparable(setup, (detector.get(host) ?? NOTHING)[kind])
      if (real.length === ours.length && real.every((line, index) => line === ours[index])) return []
      const found = { setup, scan: scanOf(host), host, kind, daemon: real, detector: ours }
      return [{ ...found, reason: KNOWN.find(({ covers }) => covers(found))?.reason ?? null }]
    }),
  )

/** Lines under a label, those that repeat the one before them counted. */
const listLines = (label: string, lines: readonly string[]): string[] => {
  const runs: { line: string; times: number }[] = []
  for (const line of lines) {
    const last = runs.at(-1)
    if (last?.line === line) last.times += 1
    else runs.push({ line, times: 1 })
  }
  return runs.map(({ line, times }) => `  ${label}  ${line}${times > 1 ? ` (${times} times)` : ''}`)
}

/** In whole, with the reason. */
export const describeDifference = ({ scan, host, kind, daemon, detector, reason }: Difference): string =>
  [
    `${host === NO_HOST ? 'what names no host' : `${scan} from ${host}`}: ${kind}`,
    ...(daemon.length > 0 ? listLines('daemon  ', daemon) : ['  daemon    nothing']),
    ...(detector.length > 0 ? listLines('detector', detector) : ['  detector  nothing']),
    `  because   ${reason ?? 'UNEXPLAINED'}`,
  ].join('\n')
