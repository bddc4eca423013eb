import { once } from 'node:events'
import recordScript from '../../../templates/lab-record.py?raw'
import { readProcFile } from '../../facts/procfs.ts'
import { HostError } from '../../system/host-error.ts'
import { follow } from '../../system/process.ts'

export interface Recorder {
  /** Whether it has work that this machine has not let it do yet; where not, it has handed over what has come in. */
  readonly isBehind: () => Promise<boolean>
  readonly stop: () => Promise<void>
}

const START_TIMEOUT_MS = 10_000

/**
 * Hands over, as pcap, what a portsentry in this network namespace would be shown: `socket` behind the firewall, as
 * 1.2, or `wire`, as 2.x. Returns once nothing can be missed any more. Throws HostError.
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
      `packets cannot be recorded: ${program.said().trim().split('\n').at(-1)}`,
      'see whether root may open raw sockets',
    )
  }
  return {
    isBehind: async () =>
      / [RD] /.test((await readProcFile(`/proc/${program.pid}/stat`).catch(() => '')).slice(0, 40)),
    stop,
  }
}
