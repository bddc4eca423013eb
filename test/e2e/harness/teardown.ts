import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { endWithRunner } from './orphan.ts'

/**
 * Removes all of one server: sh -c SCRIPT sh NAME DIRECTORY CGROUP... Ends only processes inside the server's
 * own namespaces and control groups, then its supervisor, which follows its container. Waits for standard
 * input to close first, so it also runs when the test process is killed. Every step may find its work done.
 */
const script = `
trap '' PIPE HUP INT TERM
cat >/dev/null
name=$1 directory=$2; shift 2

members() {
  for role in server attacker lan; do ip netns pids "$name-$role" 2>/dev/null; done
  for group in "$@"; do
    [ ! -d "$group" ] || find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null | grep -vx 0
  done
}
tries=0
while pids=$(members "$@"); [ -n "$pids" ] && [ "$tries" -lt 100 ]; do
  # the supervisor tidies up after its container: it is ended only if it does not follow by itself
  for pid in $pids; do
    [ "$tries" -lt 40 ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = systemd-nspawn ] && continue
    kill -KILL "$pid" 2>/dev/null
  done
  tries=$((tries + 1))
  sleep 0.05
done
if mountpoint -q "$directory/root"; then umount "$directory/root" || umount -l "$directory/root"; fi
for role in server attacker lan; do
  [ ! -e "/run/netns/$name-$role" ] || ip netns delete "$name-$role"
done
for group in "$@"; do
  [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} \\;
done
rm -rf "/run/systemd/nspawn/propagate/$name"
rm -rf --one-file-system "$directory"
[ ! -e "$directory" ]
`

export interface Teardown {
  /** Tears the server down and settles when nothing of it is left. */
  tearDown(): Promise<void>
  /** For the standard streams of programs that make a part of it: where this process dies, they are waited for. */
  readonly held: Writable
}

/**
 * Arms the teardown of a server before anything of it exists. The waiting shell holds the other end of a
 * pipe: `tearDown` closes it, and so does the end of this process, however it comes.
 */
export const armTeardown = (name: string, directory: string, cgroups: string[]): Teardown => {
  endWithRunner()
  const shell = spawn('sh', ['-c', script, 'sh', name, directory, ...cgroups], {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let complaints = ''
  shell.stderr.on('data', (chunk) => {
    complaints += String(chunk)
  })
  const closed = once(shell, 'close')
  // It must not keep the test process alive: the end of that process is its signal.
  shell.unref()
  for (const stream of [shell.stdin, shell.stderr]) (stream as Socket).unref()

  const tearDown = async () => {
    shell.ref()
    shell.stdin.end()
    const [status] = await closed
    if (status !== 0) throw new Error(`teardown of ${name} left something behind:\n${complaints}`)
  }
  return { tearDown, held: shell.stdin }
}
