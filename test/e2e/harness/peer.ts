import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { execa } from 'execa'

/** What a TCP connect meets: DROP is a timeout; RST or an ICMP error (REJECT) is a refusal. */
type Outcome = 'open' | 'refused' | 'timeout'

interface ConnectOptions {
  /** One of the peer's own addresses to come from. */
  source?: string
  timeoutMs?: number
}

/** A machine on one of the server's networks. */
export interface Peer {
  namespace: string
  connect(address: string, port: number, options?: ConnectOptions): Promise<Outcome>
  /** Connects to each port in turn, as `nmap -sT` would. */
  scan(address: string, ports: number[], options?: ConnectOptions): Promise<Outcome[]>
  sendUdp(address: string, port: number, options?: ConnectOptions): Promise<void>
  /**
   * Does the listener on this port of the server answer with its greeting? A finished handshake is not
   * enough: TARPIT and DELUDE finish it too. A busy machine may be late to answer: only where nobody does is all
   * of the time needed, 10 s unless told.
   */
  reaches(port: number, options?: ConnectOptions & { address?: string }): Promise<boolean>
  /** Runs a program of this machine in the peer's network: `exec('nmap', '-sS', …)`. Returns its output. */
  exec(program: string, ...args: string[]): Promise<string>
}

interface Attempt {
  outcome: Outcome
  greeted: boolean
}

const greeting = 'hello'

const PROGRAM = join(import.meta.dirname, 'peer.py')

/** Starting python3 takes a third of the time that node takes, and tests connect some thousand times. */
const inNamespace = (namespace: string, ...args: string[]): string[] => [
  ...['netns', 'exec', namespace, 'python3', '-I', '-S', PROGRAM, ...args],
]

/** @param serverAddress where this peer finds the server */
export const createPeer = (namespace: string, serverAddress: string): Peer => {
  const attempts = async (
    address: string,
    ports: number[],
    { source, timeoutMs = 1000 }: ConnectOptions,
    expected = '',
  ): Promise<Attempt[]> => {
    const input = JSON.stringify({ address, ports, source, timeoutMs, greeting: expected })
    const { stdout } = await execa('ip', inNamespace(namespace, 'connect', input))
    return JSON.parse(stdout)
  }
  const scan: Peer['scan'] = async (address, ports, options = {}) =>
    (await attempts(address, ports, options)).map(({ outcome }) => outcome)

  return {
    namespace,
    scan,
    connect: async (address, port, options) => (await scan(address, [port], options))[0] ?? 'timeout',
    sendUdp: async (address, port, { source } = {}) => {
      await execa('ip', inNamespace(namespace, 'send', JSON.stringify({ address, port, source })))
    },
    reaches: async (port, { address = serverAddress, timeoutMs = 10_000, ...options } = {}) =>
      (await attempts(address, [port], { ...options, timeoutMs }, greeting)).some(({ greeted }) => greeted),
    exec: async (program, ...args) =>
      (await execa('ip', ['netns', 'exec', namespace, program, ...args])).stdout,
  }
}

/**
 * Listens on a port of a namespace and greets who connects. Runs outside the container, so it is there before
 * the server boots; to the kernel of that namespace it is a listener like any other. Returns its end.
 */
export const startListener = async (namespace: string, port: number): Promise<() => Promise<void>> => {
  const child = spawn('ip', inNamespace(namespace, 'greet', String(port), `${greeting}\n`), {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [first] = await Promise.race([once(child.stdout, 'data'), ended])
  if (!Buffer.isBuffer(first)) throw new Error(`cannot listen on port ${port} in ${namespace}`)
  child.unref()
  return async () => {
    child.kill('SIGKILL')
    await ended
  }
}
