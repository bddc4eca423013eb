import { spawn } from 'node:child_process'
import { once } from 'node:events'
import recordScript from '../../../templates/lab-record.py?raw'
import { HostError } from '../../host/host-error.ts'
import { readProcFile } from '../../host/proc-file.ts'
import { childEnvironment } from '../../host/process.ts'

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
  const child = spawn('python3', ['-I', '-S', '-c', recordScript, view], {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000)
  })
  child.stdout.on('data', push)
  const ended = once(child, 'exit')
  const started = once(child.stdout, 'data', { signal: AbortSignal.timeout(START_TIMEOUT_MS) })
  const first = await Promise.race([started.catch(() => null), ended.catch(() => null)])
  if (!Buffer.isBuffer(first?.[0])) {
    child.kill('SIGKILL')
    throw new HostError(
      `packets cannot be recorded: ${said.trim().split('\n').at(-1)}`,
      'see whether root may open raw sockets',
    )
  }
  return {
    isBehind: async () =>
      / [RD] /.test((await readProcFile(`/proc/${child.pid}/stat`).catch(() => '')).slice(0, 40)),
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
