import { readdir, readFile, readlink } from 'node:fs/promises'
import { serviceOf } from '../policy/daemons.ts'
import type { DaemonProcess } from '../policy/facts.ts'

/** Clock ticks a second in /proc: fixed at 100 for programs on every Linux architecture of Debian. */
const TICK_MS = 10

/** Fields of /proc/PID/stat from the third on: the command name before them, in parentheses, may hold blanks. */
const readStat = async (pid: number): Promise<string[]> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

const readStartTicks = async (pid: number): Promise<number> => Number((await readStat(pid))[19])

const readPid = async (
  pid: number,
  bootMs: number,
  namespace: string | null,
): Promise<DaemonProcess | null> => {
  try {
    const args = (await readFile(`/proc/${pid}/cmdline`, 'latin1')).split('\0').filter(Boolean)
    if (serviceOf({ args }) === null) return null
    // Daemons of containers that run on this host are not this host's.
    const own = await readlink(`/proc/${pid}/ns/pid`).catch(() => namespace)
    if (namespace !== null && own !== namespace) return null
    return { pid, args, startedMs: bootMs + (await readStartTicks(pid)) * TICK_MS }
  } catch {
    // It has ended meanwhile, or belongs to somebody whose processes are hidden.
    return null
  }
}

/** The running daemons of portsentry and fail2ban. */
export const readDaemons = async (): Promise<DaemonProcess[]> => {
  // Counted from this process's own start: in some containers /proc/uptime is not the kernel's.
  const bootMs = performance.timeOrigin - (await readStartTicks(process.pid)) * TICK_MS
  const namespace = await readlink('/proc/self/ns/pid').catch(() => null)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const processes = await Promise.all(pids.map((pid) => readPid(pid, bootMs, namespace)))
  return processes.filter((process) => process !== null)
}

/**
 * Where the SSH session comes from that this process runs in: from the environment, or, since sudo and su
 * clear it, from that of an ancestor process. Null outside of SSH.
 */
export const readSshClient = async (): Promise<string | null> => {
  let pid = process.pid
  for (let generation = 0; pid > 1 && generation < 32; generation += 1) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    const client = /(?:^|\0)SSH_CONNECTION=([^ \0]+) /.exec(environment)?.[1]
    if (client !== undefined) return client.replace(/%.*$/, '')
    pid = Number((await readStat(pid).catch(() => []))[1] ?? 0)
  }
  return null
}
