import { createInterface } from 'node:readline'
import peerScript from '../../../templates/lab-peer.py?raw'
import { HostError } from '../../system/host-error.ts'
import { follow } from '../../system/process.ts'
import type { Probe } from './specification.ts'

interface Attempt {
  readonly source: string
  readonly destination: string
  readonly port: number
}

/** The hosts behind one of the server's interfaces: a process in a network namespace of its own, which ends with the lab. */
export interface Peer {
  readonly pid: number
  /** Sends the probes one after the other. */
  readonly send: (probes: readonly (Attempt & Probe)[]) => Promise<void>
  /** Begins connections: when it returns, their first packets have been sent. */
  readonly begin: (connects: readonly Attempt[]) => Promise<void>
  /** Waits for greetings on the connections that were begun, each no longer than that. Returns whether each was read. */
  readonly finish: (seconds: number) => Promise<boolean[]>
}

/** Starts the process, and returns once it is in its namespace. Throws HostError, as its functions do. */
export const startPeer = async (): Promise<Peer> => {
  const program = follow('unshare', ['--net', '--', 'python3', '-I', '-S', '-c', peerScript])
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { done, value } = await lines.next()
    if (done !== true) return JSON.parse(value)
    const { stderr } = await program.ended
    throw new HostError(
      `probes cannot be sent: ${stderr.split('\n').at(-1)}`,
      'portward verify sends its probes with python3',
    )
  }
  const ask = (request: object) => {
    program.stdin.write(`${JSON.stringify(request)}\n`)
    return answer()
  }
  await answer()
  return {
    pid: program.pid ?? 0,
    send: (probes) => ask({ probes }),
    begin: (connects) => ask({ connects }),
    finish: (seconds) => ask({ seconds }),
  }
}
