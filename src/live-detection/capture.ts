import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { errnoOf, HostError, messageOf } from '../system/host-error.ts'
import { follow } from '../system/process.ts'

/** Captured bytes in the order in which they come: a pcap or pcapng file, whole or live. */
export type Chunks = AsyncIterable<Uint8Array>

export interface CaptureFile {
  /** Reading throws HostError where it fails. */
  readonly chunks: Chunks
  /** Lets `chunks` end where it is; what waits for more from a pipe is let go. */
  readonly stop: () => void
}

/** The bytes of a capture file, or of standard input. */
export const openCapture = (source: string | Readable): CaptureFile => {
  const stream = typeof source === 'string' ? createReadStream(source) : source
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
  /** Asks tcpdump to end; `chunks` then ends with what it has captured so far. May be called twice. */
  readonly stop: () => void
  /** Settles when tcpdump sees the traffic. Rejects with HostError where it cannot. */
  readonly started: Promise<void>
  /** Settles when tcpdump has ended: the frames that the kernel lost, null where tcpdump did not say. */
  readonly ended: Promise<{
    readonly exitCode: number
    readonly lost: number | null
    readonly said: string
  }>
}

/** For connect modes: any segment may be part of a handshake. */
const ALL_TRAFFIC = 'ip or ip6'
/**
 * What raw modes may notice: datagrams, fragments, and segments with neither ACK (16) nor RST (4). The kernel then
 * keeps back what belongs to connections, which is most of a server's traffic.
 */
const STRAY_TRAFFIC =
  '(ip and (udp or (tcp and tcp[13] & 20 = 0) or ip[6:2] & 0x3fff != 0))' +
  ' or (ip6 and not (ip6[6] = 6 and ip6[53] & 20 != 0))'

/** Interfaces with an address that was given to them: link-local ones come by themselves. */
const interfacesOfOurs = (): string[] =>
  Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ address }) => !address.startsWith('fe80:')))
    .map(([name]) => name)

/**
 * Interfaces that hand all they get to a bridge or a bond, where it comes by once more: on `any` each of its packets
 * would count twice. One with an address of its own does not. `directory` is the kernel's list.
 */
export const readParts = (
  directory = '/sys/class/net',
  addressed: readonly string[] = interfacesOfOurs(),
): number[] =>
  (existsSync(directory) ? readdirSync(directory) : [])
    .filter((name) => existsSync(join(directory, name, 'master')) && !addressed.includes(name))
    .map((name) => Number(readFileSync(join(directory, name, 'ifindex'), 'latin1')))

/** pcap-filter(7): what is wanted, but not from these interfaces. */
export const butFrom = (indexes: readonly number[], filter: string): string =>
  [...indexes.map((index) => `not ifindex ${index}`), `(${filter})`].join(' and ')

/** Bytes of a frame that are kept: all headers of any packet that a daemon would look at. */
const SNAPLEN = '256'

/** Runs tcpdump on an interface (`any`: all of them), at once instead of in portions of a second: a scanner is to be cut off now. */
export const startCapture = (interfaceName: string, strayOnly: boolean): LiveCapture => {
  const wanted = strayOnly ? STRAY_TRAFFIC : ALL_TRAFFIC
  const filter = interfaceName === 'any' ? butFrom(readParts(), wanted) : wanted
  const options = ['-i', interfaceName, '-U', '--immediate-mode', '-n', '-s', SNAPLEN, '-w', '-']
  const tcpdump = follow('tcpdump', [...options, '--', filter])
  const failure = async (): Promise<HostError> => {
    const { exitCode, said } = await tcpdump.ended
    if (exitCode === 127) return new HostError('tcpdump is not installed', 'apt-get install tcpdump')
    const reason = said.replace(/^tcpdump: /, '').replace(/\s*\n\s*/g, ' ')
    return new HostError(
      `tcpdump ended with exit code ${exitCode}: ${reason}`,
      'ip -brief link lists the interfaces',
    )
  }
  const started = new Promise<void>((resolve, reject) => {
    tcpdump.stderr.on('data', () => {
      if (/listening on /.test(tcpdump.said())) resolve()
    })
    failure().then(reject)
  })
  // The caller may have failed before it waits for this.
  started.catch(() => undefined)
  return {
    chunks: tcpdump.stdout,
    stop: tcpdump.kill,
    started,
    ended: tcpdump.ended.then(({ exitCode, said }) => {
      const lost = /(\d+) packets? dropped by kernel/.exec(said)?.[1]
      return { exitCode, lost: lost === undefined ? null : Number(lost), said }
    }),
  }
}
