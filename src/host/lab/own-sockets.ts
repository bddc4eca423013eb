import { readProcFile } from '../proc-file.ts'
import { readSocketInodes } from '../socket-inodes.ts'

/** Of /proc/net/tcp and its like (proc(5)): the port, and the inode by which a process has the socket. */
const SOCKET = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) (?:\S+ +){7}(\d+)/

/** Ports of a table by the inode of their socket. */
export const parseInodes = (table: string): Map<string, number> =>
  new Map(
    table.split('\n').flatMap((line): [string, number][] => {
      const [, port = '', inode] = SOCKET.exec(line) ?? []
      return inode === undefined ? [] : [[inode, Number.parseInt(port, 16)]]
    }),
  )

/** The ports on which these processes have sockets, as `tcp 7`. Only root learns those of other users. */
export const readPortsOf = async (pids: readonly number[]): Promise<Set<string>> => {
  const own = new Set((await Promise.all(pids.map(readSocketInodes))).flatMap((inodes) => inodes ?? []))
  const tables = await Promise.all(
    ['tcp', 'tcp6', 'udp', 'udp6'].map(async (name) => ({
      protocol: name.slice(0, 3),
      table: parseInodes(await readProcFile(`/proc/net/${name}`).catch(() => '')),
    })),
  )
  return new Set(
    tables.flatMap(({ protocol, table }) =>
      [...table].filter(([inode]) => own.has(inode)).map(([, port]) => `${protocol} ${port}`),
    ),
  )
}
