import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Liveness, type OpenSocket, tablesOf } from '../policy/liveness.ts'
import { readSocketInodes } from './socket-inodes.ts'

/** Of /proc/net/raw, tcp, udp and their like for IPv6: the port or IP protocol, the state, and the inode. */
const INET_SOCKET = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ ([0-9A-F]{2}) (?:\S+ +){5}(\d+)/
const LISTENING = '0A'

const parseInet = (table: 'raw' | 'tcp' | 'udp', text: string): [inode: string, socket: OpenSocket][] =>
  text.split('\n').flatMap((line) => {
    const [, number = '', state, inode] = INET_SOCKET.exec(line) ?? []
    // A connection that was accepted is no sign that the next one will be.
    if (inode === undefined || (table === 'tcp' && state !== LISTENING)) return []
    return [[inode, { table, number: Number.parseInt(number, 16) }]]
  })

/** Of /proc/net/packet: `sk RefCnt Type Proto Iface R Rmem User Inode`. */
const parsePacket = (text: string): [inode: string, socket: OpenSocket][] =>
  text.split('\n').flatMap((line) => {
    const [, , , , index, , , , inode] = line.trim().split(/\s+/)
    return inode === undefined || !/^\d+$/.test(inode)
      ? []
      : [[inode, { table: 'packet', number: Number(index) }]]
  })

/** The sockets of one table of /proc/net by their inodes. */
export const parseTable = (table: OpenSocket['table'], text: string): Map<string, OpenSocket> =>
  new Map(table === 'packet' ? parsePacket(text) : parseInet(table, text))

const readSockets = async (pid: number, args: readonly string[]): Promise<OpenSocket[] | null> => {
  const inodes = await readSocketInodes(pid)
  if (inodes === null) return null
  const names = (table: OpenSocket['table']) => (table === 'packet' ? [table] : [table, `${table}6`])
  const tables = tablesOf(args).flatMap((table) => names(table).map((name) => ({ table, name })))
  const found = await Promise.all(
    tables.map(async ({ table, name }) =>
      parseTable(table, await readFile(`/proc/${pid}/net/${name}`, 'latin1').catch(() => '')),
    ),
  )
  return found.flatMap((sockets) => inodes.flatMap((inode) => sockets.get(inode) ?? []))
}

/** Interfaces that are up and have an address. An alias such as eth0:1 is no interface of its own. */
const readInterfaces = async (): Promise<Map<number, string>> => {
  const names = Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ internal }) => !internal))
    .map(([name]) => name.replace(/:.*$/, ''))
  const indexes = await Promise.all(
    [...new Set(names)].map(async (name) => {
      const text = await readFile(`/sys/class/net/${name}/ifindex`, 'latin1').catch(() => '')
      return [Number(text), name] as const
    }),
  )
  return new Map(indexes.filter(([index]) => index > 0))
}

/** A process that waits for its disk is in state D for a moment: it hangs where it stays so. */
const DISK_WAIT_MS = 2000
const POLL_MS = 100

const readState = async (pid: number): Promise<string> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  return stat[stat.lastIndexOf(')') + 2] ?? ''
}

/** What the kernel shows of a running portsentry. Throws where it has ended meanwhile. */
export const readLiveness = async (pid: number, args: readonly string[]): Promise<Liveness> => {
  const deadline = performance.now() + DISK_WAIT_MS
  let state = await readState(pid)
  while (state === 'D' && performance.now() < deadline) {
    await sleep(POLL_MS)
    state = await readState(pid)
  }
  const [wchan, sockets, interfaces] = await Promise.all([
    readFile(`/proc/${pid}/wchan`, 'latin1').catch(() => ''),
    readSockets(pid, args),
    readInterfaces(),
  ])
  // A kernel that does not say it writes 0.
  return { state, wchan: wchan === '' || wchan === '0' ? null : wchan, sockets, interfaces }
}
