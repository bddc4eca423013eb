import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'

interface Mail {
  readonly kind: 'mail'
  readonly to: readonly string[]
  readonly text: string
}

interface Request {
  readonly kind: 'http'
  readonly path: string
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Receives what a server sends, in a namespace beside it: mail on port 25, HTTP on port 80, HTTPS on port 443. */
export interface Receiver {
  mails(): readonly Mail[]
  requests(host: string): readonly Request[]
  /** The certificate of its port 443, for the names that it was started with. */
  readonly certificate: string
  stop(): Promise<void>
}

const PROGRAM = join(import.meta.dirname, 'receiver.py')

/** @param name the host name that its certificate is for */
export const startReceiver = async (namespace: string, name: string): Promise<Receiver> => {
  const directory = await mkdtemp(join(tmpdir(), 'portward-receiver-'))
  const [certificate, key] = [join(directory, 'certificate'), join(directory, 'key')]
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-keyout', key, '-out', certificate],
  ])
  const child = spawn('ip', ['netns', 'exec', namespace, 'python3', '-I', PROGRAM, certificate, key], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const received: (Mail | Request)[] = []
  const lines = createInterface({ input: child.stdout })
  const [first] = await Promise.race([once(lines, 'line'), ended])
  if (first !== 'ready') throw new Error(`no receiver in ${namespace}`)
  lines.on('line', (line) => received.push(JSON.parse(line)))
  return {
    mails: () => received.filter((each) => each.kind === 'mail'),
    requests: (host) => received.filter((each) => each.kind === 'http').filter((each) => each.host === host),
    certificate: await readFile(certificate, 'utf8'),
    stop: async () => {
      child.kill('SIGKILL')
      await ended
      await rm(directory, { recursive: true })
    },
  }
}
