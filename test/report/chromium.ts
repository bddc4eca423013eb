import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** Whether Debian's package chromium is here; if it is not, that is said loudly, and with CI=true it is a failure. */
export const hasChromium = (): boolean => {
  if (spawnSync('chromium', ['--version']).error === undefined) return true
  const report = 'chromium is not installed: apt-get install chromium'
  if (process.env['CI'] === 'true') throw new Error(report)
  process.stderr.write(`\nSKIPPED: ${report}\n\n`)
  return false
}

type Json = Readonly<Record<string, unknown>>

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: Json
  readonly result?: Json
  readonly error?: { readonly message: string }
}

/** One tab, driven by the DevTools protocol. */
export interface Tab {
  readonly send: (method: string, params?: Json) => Promise<Json>
  /** The value of an expression, as JSON has it. */
  readonly evaluate: (expression: string) => Promise<unknown>
  /** Loads a page and waits until it is there. */
  readonly open: (url: string) => Promise<void>
  /** URLs that the page asked for since the start, its own among them. */
  readonly requests: readonly string[]
  /** What the browser complained about, such as a violation of the page's policy. */
  readonly complaints: readonly string[]
  readonly close: () => Promise<void>
}

/** Headless, with a profile of its own. root cannot use its sandbox. */
const OPTIONS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--remote-debugging-pipe',
]

/** Messages are JSON with a zero byte after each. */
const readMessages = (stream: Readable, take: (message: Answer) => void): void => {
  let pending = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const parts = (pending + text).split('\0')
    pending = parts.pop() ?? ''
    for (const part of parts) take(JSON.parse(part))
  })
}

const connect = (child: ChildProcess) => {
  const [, , , input, output] = child.stdio as unknown as [null, null, null, Writable, Readable]
  const waiting = new Map<number, (answer: Answer) => void>()
  const listeners: ((answer: Answer) => void)[] = []
  let last = 0
  readMessages(output, (message) => {
    if (message.id === undefined) for (const listen of listeners) listen(message)
    else waiting.get(message.id)?.(message)
  })
  const send = (method: string, params: Json = {}, sessionId?: string): Promise<Json> =>
    new Promise((resolve, reject) => {
      last += 1
      waiting.set(last, ({ error, result = {} }) =>
        error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`)),
      )
      input.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`)
    })
  return { send, listen: (listener: (answer: Answer) => void) => listeners.push(listener) }
}

/** Starts a browser with one empty tab. */
export const startChromium = async (): Promise<Tab> => {
  const profile = mkdtempSync(join(tmpdir(), 'portward-chromium-'))
  const child = spawn('chromium', [...OPTIONS, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const { send: sendTo, listen } = connect(child)
  const [requests, complaints]: [string[], string[]] = [[], []]
  const { targetId } = await sendTo('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await sendTo('Target.attachToTarget', { targetId, flatten: true })
  const send = (method: string, params: Json = {}) => sendTo(method, params, String(sessionId))
  let loaded = (): void => undefined
  listen(({ method, params = {} }) => {
    if (method === 'Page.loadEventFired') loaded()
    if (method === 'Network.requestWillBeSent')
      requests.push((params as { readonly request: { readonly url: string } }).request.url)
    if (method === 'Log.entryAdded')
      complaints.push((params as { readonly entry: { readonly text: string } }).entry.text)
  })
  for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await send(`${domain}.enable`)
  return {
    send,
    requests,
    complaints,
    evaluate: async (expression) => {
      const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, returnByValue: true })
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
      return (result as Json)['value']
    },
    open: async (url) => {
      const isLoaded = new Promise<void>((resolve) => {
        loaded = resolve
      })
      await send('Page.navigate', { url })
      await isLoaded
    },
    close: async () => {
      await sendTo('Browser.close').catch(() => undefined)
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
