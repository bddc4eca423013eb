import { spawn } from 'node:child_process'
import { once } from 'node:events'
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

/** Connects to ports one after the other. Child programs are CommonJS text for `node -e`. */
const connector = `
const net = require('node:net')
const { address, ports, source, timeoutMs, greeting } = JSON.parse(process.argv[1])
const refusals = ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EPERM']
const attempt = (port) => new Promise((resolve, reject) => {
  const socket = net.connect({ host: address, port, localAddress: source })
  let outcome = 'timeout', heard = '', isOver = false, isLate = false
  const end = () => { isOver = true; clearTimeout(timer); socket.destroy(); resolve({ outcome, greeted: heard.startsWith(greeting) }) }
  // What has come in meanwhile is read first. Who has finished the handshake may be late with the greeting.
  const expire = () => setImmediate(() => {
    if (isOver) return
    if (isLate || outcome !== 'open' || !greeting) return end()
    isLate = true
    timer = setTimeout(expire, 10_000)
  })
  let timer = setTimeout(expire, timeoutMs)
  socket.on('connect', () => { outcome = 'open'; if (!greeting) end() })
  socket.on('data', (chunk) => { heard += chunk; if (heard.startsWith(greeting)) end() })
  socket.on('end', end)
  socket.on('error', (error) => {
    if (outcome === 'open') return end()
    if (error.code === 'ETIMEDOUT') return end()
    if (!refusals.includes(error.code)) return reject(error)
    outcome = 'refused'
    end()
  })
})
;(async () => {
  const attempts = []
  for (const port of ports) attempts.push(await attempt(port))
  console.log(JSON.stringify(attempts))
})()
`

const sender = `
const { address, port, source } = JSON.parse(process.argv[1])
const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4')
socket.bind(0, source, () => socket.send('probe', port, address, (error) => {
  socket.close()
  if (error) throw error
}))
`

const greeter = `
const server = require('node:net').createServer((socket) => {
  socket.on('error', () => {})
  socket.end(${JSON.stringify(`${greeting}\n`)})
})
server.listen(Number(process.argv[1]), '::', () => console.log('ready'))
`

const inNamespace = (namespace: string, program: string, input: string): string[] => [
  ...['netns', 'exec', namespace, process.execPath, '-e', program, input],
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
    const { stdout } = await execa('ip', inNamespace(namespace, connector, input))
    return JSON.parse(stdout)
  }
  const scan: Peer['scan'] = async (address, ports, options = {}) =>
    (await attempts(address, ports, options)).map(({ outcome }) => outcome)

  return {
    namespace,
    scan,
    connect: async (address, port, options) => (await scan(address, [port], options))[0] ?? 'timeout',
    sendUdp: async (address, port, { source } = {}) => {
      await execa('ip', inNamespace(namespace, sender, JSON.stringify({ address, port, source })))
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
  const child = spawn('ip', inNamespace(namespace, greeter, String(port)), {
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
