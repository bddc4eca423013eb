import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { errnoOf, HostError, messageOf } from '../system/host-error.ts'
import { follow } from '../system/process.ts'

/** Captured bytes in order: a pcap or pcapng file, complete or live. */
export type Chunks = AsyncIterable<Uint8Array>

export interface CaptureFile {
  /** Reading throws HostError if it fails. */
  readonly chunks: Chunks
  /** Ends `chunks` at once, even while it waits for more data from a pipe. */
  readonly stop: () => void
}

/** Bytes that are read at once. */
const CHUNK = 262_144

/** The bytes of a capture file, or of standard input. */
export const openCapture = (source: string | Readable): CaptureFile => {
  const stream = typeof source === 'string' ? createReadStream(source, { highWaterMark: CHUNK }) : source
  let isStopped = false
  async function* read(): Chunks {
    try {
      yield* stream
    } catch (error) {
      if (isStopped) return
      const name = typeof source === 'string' ? source : 'standard input'
      const reason = errnoOf(error) ?? messageOf(error)
      throw new HostError(`cannot read ${name}: ${reason}`, 'name a capture file', { cause: error })
    }
  }
  return {
    chunks: read(),
    stop: () => {
      isStopped = true
      stream.destroy()
    },
  }
}

export interface LiveCapture {
  readonly chunks: Chunks
  /** Makes tcpdump end; `chunks` then ends with what it has captured so far. May be called twice. */
  readonly stop: () => void
  /** Resolves when tcpdump is capturing. Rejects with HostError if it cannot. */
  readonly started: Promise<void>
  /** Resolves when tcpdump has ended. `lost`: frames that the kernel dropped, null if tcpdump did not report it. */
  readonly ended: Promise<{
    readonly exitCode: number
    readonly lost: number | null
    readonly stderr: string
  }>
}

/** For connect modes: any segment may be part of a handshake. */
const ALL_TRAFFIC = 'ip or ip6'
/**
 * What raw modes may notice: datagrams, fragments, and segments with neither ACK (16) nor RST (4). So the kernel
 * filters out the packets of connections, which are most of a server's traffic.
 */
const STRAY_TRAFFIC =
  '(ip and (udp or (tcp and tcp[13] & 20 = 0) or ip[6:2] & 0x3fff != 0))' +
  ' or (ip6 and not (ip6[6] = 6 and ip6[53] & 20 != 0))'

/** Interfaces with a configured address; link-local ones do not count, since the kernel assigns them. */
const interfacesOfOurs = (): string[] =>
  Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ address }) => !address.startsWith('fe80:')))
    .map(([name]) => name)

/**
 * Interfaces that pass all their frames to a bridge or a bond, where these are captured once more: on `any` each packet
 * would count twice. Members with their own address are not among them. `directory` is the kernel's list.
 */
export const readParts = (
  directory = '/sys/class/net',
  addressed: readonly string[] = interfacesOfOurs(),
): number[] =>
  (existsSync(directory) ? readdirSync(directory) : [])
    .filter((name) => existsSync(join(directory, name, 'master')) && !addressed.includes(name))
    .map((name) => Number(readFileSync(join(directory, name, 'ifindex'), 'latin1')))

/** The filter (pcap-filter(7)) without these interfaces. */
export const butFrom = (indexes: readonly number[], filter: string): string =>
  [...indexes.map((index) => `not ifindex ${index}`), `(${filter})`].join(' and ')

/** Bytes captured of each frame: enough for all headers of any packet that a daemon would read. */
const SNAPLEN = '256'

/** Runs tcpdump on an interface (`any`: all), unbuffered instead of once a second: a scanner has to be cut off at once. */
export const startCapture = (interfaceName: string, strayOnly: boolean): LiveCapture => {
  const wanted = strayOnly ? STRAY_TRAFFIC : ALL_TRAFFIC
  const filter = interfaceName === 'any' ? butFrom(readParts(), wanted) : wanted
  const options = ['-i', interfaceName, '-U', '--immediate-mode', '-n', '-s', SNAPLEN, '-w', '-']
  const tcpdump = follow('tcpdump', [...options, '--', filter])
  const failure = async (): Promise<HostError> => {
    const { exitCode, stderr } = await tcpdump.ended
    if (exitCode === 127) return new HostError('tcpdump is not installed', 'apt-get install tcpdump')
    const reason = stderr.replace(/^tcpdump: /, '').replace(/\s*\n\s*/g, ' ')
    return new HostError(
      `tcpdump ended with exit code ${exitCode}: ${reason}`,
      'ip -brief link lists the interfaces',
    )
  }
  const started = new Promise<void>((resolve, reject) => {
    tcpdump.stderr.on('data', () => {
      if (/listening on /.test(tcpdump.stderrTail())) resolve()
    })
    failure().then(reject)
  })
  // The caller may have failed before it waits for this.
  started.catch(() => undefined)
  return {
    chunks: tcpdump.stdout,
    stop: tcpdump.kill,
    started,
    ended: tcpdump.ended.then(({ exitCode, stderr }) => {
      const lost = /(\d+) packets? dropped by kernel/.exec(stderr)?.[1]
      return { exitCode, lost: lost === undefined ? null : Number(lost), stderr }
    }),
  }
}
