import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { endianness } from 'node:os'
import { isLoopback, unmappedAddress } from '../network.ts'
import { errnoOf } from '../system/host-error.ts'

// What /proc shows of processes and sockets: proc(5).

const CHUNK_BYTES = 64 * 1024
/** One for all files: each of some hundred is read at once, without a pause. */
const chunk = Buffer.alloc(CHUNK_BYTES)

/**
 * Reads a file of /proc whole (latin1-decoded). The kernel hands those over a page at a time, and readFile of Node 18,
 * Debian 12's, takes the first short read for the end: of a long /proc/net/tcp it returns the first 4 KiB.
 */
export const readProcFile = async (path: string): Promise<string> => {
  const file = openSync(path, 'r')
  try {
    let text = ''
    for (;;) {
      const length = readSync(file, chunk)
      if (length === 0) return text
      text += chunk.toString('latin1', 0, length)
    }
  } finally {
    closeSync(file)
  }
}

export interface ProcessStat {
  /** The name of its program, at most 15 characters. */
  readonly name: string
  /** The letter of its state. */
  readonly state: string
  /** Process id. */
  readonly parent: number
  /** When it started, in clock ticks (1/100 s) since the kernel did. */
  readonly startTicks: number
}

export interface ProcessEntry extends ProcessStat {
  readonly pid: number
  readonly args: readonly string[]
}

/** The text of /proc/PID/stat: the name, in parentheses, may hold blanks and parentheses itself. */
export const parseStat = (text: string): ProcessStat => {
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ')
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    startTicks: Number(fields[19]),
  }
}

export const readStat = async (pid: number): Promise<ProcessStat> =>
  parseStat(await readProcFile(`/proc/${pid}/stat`))

const readEntry = async (pid: number): Promise<ProcessEntry | null> => {
  try {
    const [stat, commandLine] = await Promise.all([readStat(pid), readProcFile(`/proc/${pid}/cmdline`)])
    return { pid, ...stat, args: commandLine.split('\0').filter(Boolean) }
  } catch {
    // The process has ended, or belongs to a user whose processes are hidden.
    return null
  }
}

/** All processes that are visible to this user. */
export const readProcesses = async (): Promise<ProcessEntry[]> => {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return (await Promise.all(pids.map(readEntry))).filter((entry) => entry !== null)
}

/** Where a link leads; '' if it is gone. */
const readLink = (path: string): string => {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** Inodes of the sockets that a process holds, none where it has ended; null where only root may look. */
export const readSocketInodes = async (pid: number): Promise<string[] | null> => {
  const directory = `/proc/${pid}/fd`
  try {
    return readdirSync(directory).flatMap(
      (name) => /^socket:\[(\d+)\]$/.exec(readLink(`${directory}/${name}`))?.[1] ?? [],
    )
  } catch (error) {
    return errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM' ? null : []
  }
}

export type SocketTable = 'tcp' | 'udp' | 'raw' | 'packet'

/** A socket that is open. */
export interface Socket {
  readonly table: SocketTable
  /** tcp, udp: the port that it is bound to. raw: the IP protocol. packet: the index of the interface, 0 for all of them. */
  readonly number: number
  /** Its own address and its peer's: 4 or 16 bytes in network order, all zero where there is none; none for packet. */
  readonly address: readonly number[]
  readonly peer: readonly number[]
  readonly state: 'listening' | 'established' | 'unconnected' | 'other'
  readonly inode: string
}

/** The kernel's numbers of TCP's states, which it uses for all of them: include/net/tcp_states.h. */
const STATES: Readonly<Record<string, Socket['state']>> = {
  '01': 'established',
  '07': 'unconnected',
  '0A': 'listening',
}

/** Local and remote address, state, and the inode. */
const INET_ROW = /^\s*\d+: ([\dA-F]+):([\dA-F]{4}) ([\dA-F]+):[\dA-F]{4} ([\dA-F]{2}) (?:\S+ +){5}(\d+)/

/** The kernel prints an address as words of 32 bits, each in the machine's own byte order. */
const readBytes = (hexadecimal: string, isLittleEndian: boolean): number[] =>
  (hexadecimal.match(/.{8}/g) ?? []).flatMap((word) => {
    const bytes = (word.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16))
    return isLittleEndian ? bytes.reverse() : bytes
  })

/** Sockets in the text of /proc/net/TABLE, or TABLE6. Other lines are skipped. */
export const parseSockets = (
  table: SocketTable,
  text: string,
  isLittleEndian = endianness() === 'LE',
): Socket[] =>
  text.split('\n').flatMap((line): Socket[] => {
    if (table === 'packet') {
      // sk RefCnt Type Proto Iface R Rmem User Inode
      const [, , , , index, , , , inode = ''] = line.trim().split(/\s+/)
      const none = { address: [], peer: [], state: 'other' } as const
      return /^\d+$/.test(inode) ? [{ table, number: Number(index), ...none, inode }] : []
    }
    const [, address = '', number = '', peer = '', state = '', inode] = INET_ROW.exec(line) ?? []
    if (inode === undefined) return []
    return [
      {
        table,
        number: Number.parseInt(number, 16),
        address: readBytes(address, isLittleEndian),
        peer: readBytes(peer, isLittleEndian),
        state: STATES[state] ?? 'other',
        inode,
      },
    ]
  })

/** Sockets of IPv4 and IPv6 in the network namespace of a process; by default of this one. */
export const readSockets = async (
  tables: readonly SocketTable[],
  pid: number | 'self' = 'self',
): Promise<Socket[]> => {
  const files = tables.flatMap((table) =>
    (table === 'packet' ? [table] : [table, `${table}6`]).map((name) => ({ table, name })),
  )
  const found = await Promise.all(
    files.map(async ({ table, name }) =>
      parseSockets(table, await readProcFile(`/proc/${pid}/net/${name}`).catch(() => '')),
    ),
  )
  return found.flat()
}

/** TCP sockets that listen, and UDP sockets that are bound and have no peer: the ports that services use. */
export const boundSockets = (sockets: readonly Socket[]): Socket[] =>
  sockets.filter(
    ({ table, state }) =>
      (table === 'tcp' && state === 'listening') || (table === 'udp' && state === 'unconnected'),
  )

/** Whether only this machine itself can reach it. */
export const isOnLoopback = ({ address }: Socket): boolean => isLoopback(unmappedAddress(address))
