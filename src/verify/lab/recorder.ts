import { once } from 'node:events'
import recordScript from '../../../templates/lab-record.py?raw'
import { readProcFile } from '../../facts/procfs.ts'
import { HostError } from '../../system/host-error.ts'
import { follow } from '../../system/process.ts'

export interface Recorder {
  /** Whether it still has work to do; if not, it has passed on everything that has arrived. */
  readonly isBehind: () => Promise<boolean>
  readonly stop: () => Promise<void>
}

const START_TIMEOUT_MS = 10_000

/**
 * Records, as pcap, what a portsentry in this network namespace would receive: `socket` after the firewall, like 1.2, or
 * `wire`, like 2.x. Returns once it has started to record. Throws HostError.
 */
export const startRecorder = async (
  view: 'socket' | 'wire',
  push: (chunk: Uint8Array) => void,
): Promise<Recorder> => {
  const program = follow('python3', ['-I', '-S', '-c', recordScript, view])
  program.stdout.on('data', push)
  const started = once(program.stdout, 'data', { signal: AbortSignal.timeout(START_TIMEOUT_MS) })
  const stop = async () => {
    program.kill('SIGKILL')
    await program.ended
  }
  const first = await Promise.race([started.catch(() => null), program.ended.then(() => null)])
  if (first === null) {
    await stop()
    throw new HostError(
      `packets cannot be recorded: ${program.stderrTail().trim().split('\n').at(-1)}`,
      'check whether root may open raw sockets',
    )
  }
  return {
    isBehind: async () =>
      / [RD] /.test((await readProcFile(`/proc/${program.pid}/stat`).catch(() => '')).slice(0, 40)),
    stop,
  }
}
