import { readdir, readlink } from 'node:fs/promises'
import { endianness } from 'node:os'
import { type RunningProcess, type Service, serviceOf, withoutForks } from '../policy/daemons.ts'
import type { DaemonProcess } from '../policy/facts.ts'
import {
  findSshClients,
  isSshSession,
  parseSshConnection,
  parseTcpTable,
  type SshConnection,
} from '../policy/ssh-clients.ts'
import { readLiveness } from './liveness.ts'
import { readProcFile } from './proc-file.ts'
import { readSocketInodes } from './socket-inodes.ts'

/** Clock ticks a second in /proc: fixed at 100 for programs on every Linux architecture of Debian. */
const TICK_MS = 10

const readPids = async (): Promise<number[]> =>
  (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)

/** Fields of /proc/PID/stat from the third on: the command name before them, in parentheses, may hold blanks. */
const readStat = async (pid: number): Promise<string[]> => {
  const stat = await readProcFile(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

const readStartTicks = async (pid: number): Promise<number> => Number((await readStat(pid))[19])

const readPid = async (
  pid: number,
  bootMs: number,
  namespace: string | null,
): Promise<RunningProcess | null> => {
  try {
    const args = (await readProcFile(`/proc/${pid}/cmdline`)).split('\0').filter(Boolean)
    if (serviceOf({ args }) === null) return null
    // Daemons of containers that run on this host are not this host's.
    const own = await readlink(`/proc/${pid}/ns/pid`).catch(() => namespace)
    if (namespace !== null && own !== namespace) return null
    const stat = await readStat(pid)
    return { pid, args, parent: Number(stat[1]), startedMs: bootMs + Number(stat[19]) * TICK_MS }
  } catch {
    // It has ended meanwhile, or belongs to somebody whose processes are hidden.
    return null
  }
}

/** With what portsentry shows of itself; fail2ban can be asked. */
const withLiveness = async (daemon: DaemonProcess): Promise<DaemonProcess> => {
  if (serviceOf(daemon) !== 'portsentry') return daemon
  // It has ended meanwhile.
  const liveness = await readLiveness(daemon.pid, daemon.args).catch(() => null)
  return liveness === null ? daemon : { ...daemon, liveness }
}

/** The running daemons of portsentry and fail2ban, or of one of them. */
export const readDaemons = async (only?: Service): Promise<DaemonProcess[]> => {
  // Counted from this process's own start: in some containers /proc/uptime is not the kernel's. Where the clock was
  // set since then, the later of both readings counts: no daemon must seem older than the files that it has read.
  const startedMs = Math.max(performance.timeOrigin, Date.now() - performance.now())
  const bootMs = startedMs - (await readStartTicks(process.pid)) * TICK_MS
  const namespace = await readlink('/proc/self/ns/pid').catch(() => null)
  const pids = await readPids()
  const processes = await Promise.all(pids.map((pid) => readPid(pid, bootMs, namespace)))
  const daemons = withoutForks(processes.filter((process) => process !== null))
  return Promise.all(
    daemons.filter((daemon) => only === undefined || serviceOf(daemon) === only).map(withLiveness),
  )
}

/** SSH_CONNECTION of this process, or, since sudo and su clear it, of an ancestor. Null outside of SSH. */
const readSshConnection = async (): Promise<SshConnection | null> => {
  let pid = process.pid
  for (let generation = 0; pid > 1 && generation < 32; generation += 1) {
    const environment = await readProcFile(`/proc/${pid}/environ`).catch(() => '')
    const connection = parseSshConnection(environment)
    if (connection !== null) return connection
    pid = Number((await readStat(pid).catch(() => []))[1] ?? 0)
  }
  return null
}

/** Inodes of the sockets of a process that is an sshd which takes connections. */
const readSshdSockets = async (pid: number): Promise<string[]> => {
  try {
    if ((await readProcFile(`/proc/${pid}/comm`)) !== 'sshd\n') return []
    if (isSshSession((await readProcFile(`/proc/${pid}/cmdline`)).replaceAll('\0', ' '))) return []
    return (await readSocketInodes(pid)) ?? []
  } catch {
    return []
  }
}

/**
 * Where SSH sessions to this server come from, the one that this process runs in first; loopback left out. Sessions
 * in other network namespaces (containers) have sockets of their own and do not count.
 */
export const readSshClients = async (): Promise<string[]> => {
  const tables = ['tcp', 'tcp6'].map((name) => readProcFile(`/proc/net/${name}`).catch(() => ''))
  const [connection, inodes, ...texts] = await Promise.all([
    readSshConnection(),
    readPids().then((pids) => Promise.all(pids.map(readSshdSockets))),
    ...tables,
  ])
  const sockets = texts.flatMap((text) => parseTcpTable(text, endianness() === 'LE'))
  return findSshClients(connection, sockets, new Set(inodes.flat()))
}
