import { createInterface } from 'node:readline'
import { getSystemErrorName } from 'node:util'
import script from '../../templates/listen.pl?raw'
import type { Configuration } from '../detector/configuration.ts'
import type { Address } from '../detector/packet.ts'
import { portsToOpen } from '../detector/ports.ts'
import { unmappedAddress } from '../network.ts'
import { HostError } from '../system/host-error.ts'
import { follow } from '../system/process.ts'

export interface Port {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

/** The ports that these configurations bind. */
export const portsOf = (configurations: readonly Configuration[]): Port[] =>
  configurations.flatMap(({ ports }) =>
    [...ports].flatMap(([protocol, rule]) => portsToOpen(rule).map((port): Port => ({ protocol, port }))),
  )

/** A TCP connection that was accepted, or a datagram that came. */
export interface Arrival extends Port {
  readonly timeMs: number
  readonly source: Address
  readonly sourcePort: number
  /** Null for a datagram: the kernel does not report its destination to a socket that is bound to all addresses. */
  readonly destination: Address | null
  /** Sends the banner (latin1-decoded, may be empty) and closes the connection. To be called once for each arrival. */
  readonly answer: (banner: string) => void
}

export interface Listeners {
  readonly bound: readonly Port[]
  /** Ports that could not be bound, with the errno name. */
  readonly refused: readonly (Port & { readonly reason: string })[]
  /** How many arrived while 512 others were waiting for an answer, and were rejected without being examined. */
  readonly turnedAway: () => number
  readonly close: () => void
  /** Resolves when all sockets are closed; `stderr` is not empty if that was not requested. */
  readonly closed: Promise<{ readonly stderr: string }>
}

const isProtocol = (word: string): word is Port['protocol'] => word === 'tcp' || word === 'udp'

/** An IPv4 client of a dual-stack socket is given as ::ffff:A, and stands for A, as 2.x takes it. */
const parseHexadecimal = (text: string): Address => unmappedAddress([...Buffer.from(text, 'hex')])

/**
 * Opens sockets on all addresses as a daemon in a connect mode does: IPv4 for 1.2, dual-stack for 2.x (family 6). A
 * port that cannot be bound is reported and left out: the daemons continue, too. Throws HostError.
 *
 * perl (essential on Debian) holds them, because Node does not keep the address from accept() and calls getpeername()
 * later, when a scanner such as nmap -sT has closed the connection and the kernel no longer knows it.
 */
export const openListeners = async (
  family: 4 | 6,
  ports: readonly Port[],
  onArrival: (arrival: Arrival) => void,
): Promise<Listeners> => {
  const wanted = ports.map(({ protocol, port }) => `${protocol}:${port}`)
  const perl = follow('perl', ['-e', script, String(family), ...wanted])
  const bound: Port[] = []
  const refused: (Port & { reason: string })[] = []
  let turnedAway = 0

  const handleLine = (line: string, ready: () => void): void => {
    const [word = '', ...rest] = line.split(' ')
    const [first = '', second = '', source = '', sourcePort = '', destination = ''] = rest
    if (word === 'over') turnedAway += 1
    else if (word === 'ready') ready()
    else if (isProtocol(word)) {
      onArrival({
        protocol: word,
        port: Number(first),
        timeMs: Date.now(),
        source: parseHexadecimal(source),
        sourcePort: Number(sourcePort),
        destination: destination === '' ? null : parseHexadecimal(destination),
        answer: (banner) => perl.stdin.write(`${second} ${Buffer.from(banner, 'latin1').toString('hex')}\n`),
      })
    } else if (isProtocol(first)) {
      const port = { protocol: first, port: Number(second) }
      if (word === 'bound') bound.push(port)
      else refused.push({ ...port, reason: getSystemErrorName(-Number(source)) })
    }
  }

  await new Promise<void>((resolve, reject) => {
    createInterface({ input: perl.stdout }).on('line', (line) => handleLine(line, resolve))
    perl.ended.then(({ stderr }) =>
      reject(new HostError(`cannot open sockets: ${stderr}`, 'see whether perl works')),
    )
  })
  return { bound, refused, turnedAway: () => turnedAway, close: () => perl.stdin.end(), closed: perl.ended }
}
