import { readProcFile } from './proc-file.ts'

/** A TCP socket that listens, or a UDP socket that is bound. */
export interface BoundSocket {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** Whether only this machine itself can reach it. */
  readonly isLoopback: boolean
  /** By which a process has it. */
  readonly inode: string
}

/** Of /proc/net/tcp and its like (proc(5)): addresses are hexadecimal, each 32-bit word in the machine's byte order. */
const LOOPBACK = /^(?:(?:0000000000000000FFFF0000)?[0-9A-F]{6}7F|00000000000000000000000001000000)$/
const LISTENING = '0A'
/** UDP sockets that are not connected to a peer. */
const UNCONNECTED = '07'

export const parseSockets = (protocol: 'tcp' | 'udp', table: string): BoundSocket[] =>
  table.split('\n').flatMap((line): BoundSocket[] => {
    const [, address = '', port = '', state, inode = ''] =
      /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) (?:\S+ +){5}(\d+)/.exec(line) ??
      []
    if (state !== (protocol === 'tcp' ? LISTENING : UNCONNECTED)) return []
    return [{ protocol, port: Number.parseInt(port, 16), isLoopback: LOOPBACK.test(address), inode }]
  })

/** Ports of this network namespace that a service has, IPv4 and IPv6. */
export const readBoundSockets = async (): Promise<BoundSocket[]> => {
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'] as const
  const texts = await Promise.all(tables.map((name) => readProcFile(`/proc/net/${name}`).catch(() => '')))
  return tables.flatMap((name, index) =>
    parseSockets(name.startsWith('tcp') ? 'tcp' : 'udp', texts[index] ?? ''),
  )
}
