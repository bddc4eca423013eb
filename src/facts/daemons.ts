import { readFile, readlink } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '../system/clock.ts'
import {
  type ProcessEntry,
  readProcesses,
  readProcFile,
  readSocketInodes,
  readSockets,
  readStat,
  type Socket,
} from './procfs.ts'

// The running daemons of portsentry and fail2ban.

export type Service = 'portsentry' | 'fail2ban'

/** What the kernel shows of a running portsentry. */
export interface Liveness {
  /** The letter of its state in /proc/PID/stat: proc(5). */
  readonly state: string
  /** The kernel function in which it waits; null if the kernel does not show it. */
  readonly wchan: string | null
  /** Its sockets in this network namespace, without connections that were accepted; null: only root may read them. */
  readonly sockets: readonly Socket[] | null
  /** Interfaces that are up and have an address, other than loopback, by their index. */
  readonly interfaces: ReadonlyMap<number, string>
}

/** A running daemon: its command line, and when it started (milliseconds since the epoch). */
export interface DaemonProcess {
  readonly service: Service
  readonly pid: number
  readonly args: readonly string[]
  readonly startedMs: number
  /** Only of portsentry; absent if it could not be read. */
  readonly liveness?: Liveness
}

/** The service that a process with these arguments belongs to, or null. fail2ban runs under Python. */
const serviceOf = ({ args }: Pick<ProcessEntry, 'args'>): Service | null => {
  if (args[0] === '/usr/sbin/portsentry') return 'portsentry'
  return args.slice(0, 3).some((word) => word.endsWith('/fail2ban-server')) ? 'fail2ban' : null
}

type RunningProcess = Pick<ProcessEntry, 'pid' | 'args' | 'parent'>

/** A daemon that forks to run a command briefly has a child with the same arguments, which is not a second daemon. */
export const withoutForks = <Running extends RunningProcess>(processes: readonly Running[]): Running[] => {
  const names = new Map(processes.map(({ pid, args }) => [pid, args.join('\0')]))
  return processes.filter(({ parent, args }) => names.get(parent) !== args.join('\0'))
}

/** When this process started, by the present clock. */
const ownStartMs = (): number => Date.now() - process.uptime() * 1000
const FIRST_STARTED_MS = ownStartMs()

/** Clock ticks a second in /proc: fixed at 100 for programs on every Linux architecture of Debian. */
const TICK_MS = 10

/** The sockets of one process among all sockets; null if only root may read them. */
const readOpenSockets = async (pid: number, sockets: readonly Socket[]): Promise<Socket[] | null> => {
  const inodes = await readSocketInodes(pid)
  if (inodes === null) return null
  // That one connection was accepted does not mean that the next one will be.
  return sockets.filter(
    ({ inode, table, state }) => inodes.includes(inode) && (table !== 'tcp' || state === 'listening'),
  )
}

/** Interfaces that are up and have an address. An alias such as eth0:1 is not a separate interface. */
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

/** A process that waits for its disk is briefly in state D; after this time it counts as hanging. */
const DISK_WAIT_MS = 2000
const POLL_MS = 100

/** What the kernel shows of a running portsentry. Throws if the process has ended. */
const readLiveness = async (
  { pid, state: first }: Pick<ProcessEntry, 'pid' | 'state'>,
  sockets: readonly Socket[],
  interfaces: ReadonlyMap<number, string>,
): Promise<Liveness> => {
  const deadline = monotonicMs() + DISK_WAIT_MS
  let state = first
  while (state === 'D' && monotonicMs() < deadline) {
    await sleep(POLL_MS)
    state = (await readStat(pid)).state
  }
  const [wchan, open] = await Promise.all([
    readProcFile(`/proc/${pid}/wchan`).catch(() => ''),
    readOpenSockets(pid, sockets),
  ])
  // A kernel that hides wchan writes 0.
  return { state, wchan: wchan === '' || wchan === '0' ? null : wchan, sockets: open, interfaces }
}

/** The tables in which portsentry's sockets are. */
export const PORTSENTRY_TABLES = ['raw', 'packet', 'tcp', 'udp'] as const

/** The daemons among all processes; those of portsentry with their liveness. fail2ban has a client that can be queried. */
export const findDaemons = async (
  processes: readonly ProcessEntry[],
  sockets: () => Promise<readonly Socket[]>,
  only?: Service,
): Promise<DaemonProcess[]> => {
  // Counted from this process's own start: in some containers /proc/uptime is not the kernel's. Where the clock was
  // set since then, the later of both readings counts: no daemon must seem older than the files that it has read.
  const startedMs = Math.max(FIRST_STARTED_MS, ownStartMs())
  const own = processes.find(({ pid }) => pid === process.pid) ?? (await readStat(process.pid))
  const bootMs = startedMs - own.startTicks * TICK_MS
  const namespace = await readlink('/proc/self/ns/pid').catch(() => null)
  const found = processes.map(async (entry) => {
    const service = serviceOf(entry)
    if (service === null || (only !== undefined && service !== only)) return null
    // Daemons of containers that run on this host are not this host's.
    const its = await readlink(`/proc/${entry.pid}/ns/pid`).catch(() => namespace)
    if (namespace !== null && its !== namespace) return null
    return { ...entry, service, startedMs: bootMs + entry.startTicks * TICK_MS }
  })
  const running = withoutForks((await Promise.all(found)).filter((entry) => entry !== null))
  const isAny = running.some(({ service }) => service === 'portsentry')
  const [open, interfaces] = isAny ? await Promise.all([sockets(), readInterfaces()]) : [[], new Map()]
  return Promise.all(
    running.map(async (entry): Promise<DaemonProcess> => {
      const { service, pid, args, startedMs: started } = entry
      const daemon = { service, pid, args, startedMs: started }
      if (service !== 'portsentry') return daemon
      const liveness = await readLiveness(entry, open, interfaces).catch(() => null)
      return liveness === null ? daemon : { ...daemon, liveness }
    }),
  )
}

/** The running daemons of portsentry and fail2ban, or of one of them. */
export const readDaemons = async (only?: Service): Promise<DaemonProcess[]> =>
  findDaemons(await readProcesses(), () => readSockets(PORTSENTRY_TABLES), only)
