import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from './eventually.ts'

export interface ContainerOptions {
  name: string
  root: string
  namespace: string
  cgroups: string[]
  consoleLog: string
  /** true: systemd is process 1. false: nothing runs but a sleep, as on a host without systemd. */
  boot: boolean
  /** The supervisor has it until it is in its control groups. */
  held: Writable
}

export interface Container {
  /** Host process id of the container's process 1. */
  leader: number
  /** Ends the container in order, as `poweroff` does; by force if that takes too long. */
  shutDown(): Promise<void>
}

/** Enters the control groups before `--`, then becomes the command after it. */
const launcher = `
while [ "$1" != -- ]; do mkdir -p "$1" && echo $$ >"$1/cgroup.procs"; shift; done
shift
exec "$@" 3>&-
`

/** The child of the supervisor that is process 1 inside and has finished setting up its mounts. */
const findLeader = async (supervisor: number): Promise<number | undefined> => {
  const children = await readFile(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8')
  for (const child of children.trim().split(' ').filter(Boolean)) {
    const status = await readFile(`/proc/${child}/status`, 'utf8')
    const isInit = /^NSpid:\t\d+\t1$/m.test(status)
    if (isInit && /^Name:\t(systemd|\(sd-stubinit\))$/m.test(status)) return Number(child)
  }
  return undefined
}

/**
 * Starts systemd-nspawn on a root. --register=no and --keep-unit because a build machine may have no system
 * bus; the unified hierarchy because systemd of Debian 13 refuses cgroup v1; the two capabilities because
 * without them all that systemd starts inside gets "Permission denied" from iptables and nft.
 */
export const startContainer = async (options: ContainerOptions): Promise<Container> => {
  const { name, root, namespace, cgroups, consoleLog, boot, held } = options
  const console = openSync(consoleLog, 'a')
  const supervisor = spawn(
    'sh',
    [
      ...['-c', launcher, 'sh', ...cgroups, '--', 'systemd-nspawn', '-q', '-D', root],
      ...['--register=no', '--keep-unit', `--machine=${name}`, '--hostname=server', '--resolv-conf=off'],
      ...['--timezone=off', '--link-journal=no', `--network-namespace-path=/run/netns/${namespace}`],
      '--capability=CAP_NET_ADMIN,CAP_NET_RAW',
      ...(boot ? ['--boot'] : ['--as-pid2', 'sleep', 'infinity']),
    ],
    {
      // A Ctrl-C at the terminal is for the tests; their teardown ends this one.
      detached: true,
      stdio: ['ignore', console, console, held],
      env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
    },
  )
  closeSync(console)
  supervisor.unref()
  const ended = once(supervisor, 'exit')

  const isOver = () => supervisor.pid === undefined || supervisor.exitCode !== null
  const leader = await eventually(
    `container ${name} starts`,
    async () => (isOver() ? 'over' : findLeader(supervisor.pid ?? 0)),
    { intervalMs: 20 },
  )
  if (leader === 'over') throw new Error(`container ${name} ended:\n${await readFile(consoleLog, 'utf8')}`)

  const shutDown = async () => {
    if (isOver()) return
    if (boot) supervisor.kill('SIGTERM')
    else process.kill(leader, 'SIGKILL')
    const patience = new AbortController()
    const late = sleep(60_000, 'late', { signal: patience.signal, ref: false })
    if ((await Promise.race([ended, late])) === 'late') process.kill(leader, 'SIGKILL')
    else patience.abort()
    await Promise.allSettled([ended, late])
  }

  return { leader, shutDown }
}
