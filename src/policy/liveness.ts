import type { Liveness } from '../facts/daemons.ts'
import type { SocketTable } from '../facts/procfs.ts'
import { counted } from '../phrases.ts'

/** `watches` is null if it could not be checked; `details` says what was found, or why not. */
export interface Watching {
  readonly watches: boolean | null
  readonly details: string
  /** Interfaces that it does not watch. */
  readonly missing: readonly string[]
}

interface Need {
  readonly what: string
  readonly tables: readonly SocketTable[]
  /** The required protocol or port number; absent: any. */
  readonly number?: number
}

const IPPROTO = { tcp: 6, udp: 17 } as const

const rawTcp: Need = { what: 'raw TCP socket', tables: ['raw'], number: IPPROTO.tcp }
const rawUdp: Need = { what: 'raw UDP socket', tables: ['raw'], number: IPPROTO.udp }

/** The sockets that a daemon with these arguments has open while it watches, as measured on Debian 12, 13 and testing. */
const NEEDS: Readonly<Record<string, Need>> = {
  '-tcp': { what: 'listening TCP socket', tables: ['tcp'] },
  '-stcp': rawTcp,
  '-atcp': rawTcp,
  '-udp': { what: 'bound UDP socket', tables: ['udp'] },
  '-sudp': rawUdp,
  '-audp': rawUdp,
  '--connect': { what: 'bound TCP or UDP socket', tables: ['tcp', 'udp'] },
  // 2.x, by libpcap (one on each interface) or with `-m raw` (one for IPv4, one for IPv6).
  '': { what: 'packet socket', tables: ['packet'] },
}

/** For other arguments. */
const ANY: Need = { what: 'usable socket', tables: ['raw', 'packet', 'tcp', 'udp'] }

const needOf = (args: readonly string[]): Need => NEEDS[args.slice(1).join(' ')] ?? ANY

const STATES: Readonly<Record<string, string>> = {
  T: 'it is stopped by a signal (SIGSTOP)',
  t: 'it is stopped by a debugger',
  Z: 'it has ended (a zombie process)',
  X: 'it has ended',
  D: 'it hangs in the kernel',
}

const waitsIn = (wchan: string | null): string => (wchan === null ? '' : `, and waits in ${wchan}`)

/**
 * Whether a portsentry can notice a scan: an existing process may be stopped, or hang before it has opened its sockets, for
 * example because its BLOCKED_FILE is a FIFO. Pure.
 */
export const judgeLiveness = (args: readonly string[], liveness: Liveness | undefined): Watching => {
  if (liveness === undefined)
    return { watches: null, details: 'its process could not be inspected', missing: [] }
  const { state, wchan, sockets, interfaces } = liveness
  const halted = STATES[state]
  if (halted !== undefined)
    return { watches: false, details: `${halted}${state === 'D' ? waitsIn(wchan) : ''}`, missing: [] }
  if (sockets === null)
    return { watches: null, details: 'only root can see which sockets it has open', missing: [] }
  const { what, tables, number } = needOf(args)
  const found = sockets.filter(
    (socket) => tables.includes(socket.table) && (number ?? socket.number) === socket.number,
  )
  if (found.length === 0)
    return { watches: false, details: `it has no ${what} open${waitsIn(wchan)}`, missing: [] }
  const packets = found.filter(({ table }) => table === 'packet').map((socket) => socket.number)
  const isEverywhere = packets.length === 0 || packets.includes(0)
  const missing = isEverywhere ? [] : [...interfaces].filter(([index]) => !packets.includes(index))
  return {
    watches: true,
    details: counted(found.length, what),
    missing: missing.map(([, name]) => name),
  }
}
