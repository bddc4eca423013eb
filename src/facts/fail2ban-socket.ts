import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Parser } from 'pickleparser'
import { monotonicMs } from '../system/clock.ts'
import { errnoOf } from '../system/host-error.ts'

// fail2ban's own protocol (server/asyncserver.py): the words of a command as a Python pickle, and an end mark; the answer
// likewise, a pair of a code, 0 for success, and a value. Its own client takes 0.2 s of processor time to load.

const END = Buffer.from('<F2B_END_COMMAND>')

/** A list of words as Python's pickle, protocol 2. */
const pickle = (words: readonly string[]): Buffer =>
  Buffer.concat([
    Buffer.from('\x80\x02](', 'latin1'),
    ...words.flatMap((word) => {
      const bytes = Buffer.from(word)
      const head = Buffer.from('X\0\0\0\0')
      head.writeUInt32LE(bytes.length, 1)
      return [head, bytes]
    }),
    Buffer.from('e.'),
  ])

/** Since 1.1.1 an entry of ignoreip may be a set that fail2ban reads from a file. */
const fileOf = (element: unknown): string | null => {
  const { fileName } = element as { readonly fileName?: unknown }
  return typeof fileName === 'string' ? `file:${fileName}` : null
}

/** Lines as fail2ban's client prints a value: one for each element of a list, and a pair with a colon between. */
const linesOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).map((element) =>
    Array.isArray(element) ? (fileOf(element) ?? element.join(': ')) : String(element),
  )

/** Objects of Python become what they were made of: fail2ban's own strings a string, an exception its message. */
const nameResolver = { resolve: () => (first: unknown) => first }

/** The value in an answer; null if fail2ban refuses the command: then it sends an exception. */
const readValue = (answer: Buffer): string[] | null => {
  const [code, value] = new Parser({ nameResolver }).parse<readonly [unknown, unknown]>(answer)
  return code === 0 ? linesOf(value) : null
}

/** How an attempt to ask fail2ban ended. */
export type Answer =
  | { readonly kind: 'answered'; readonly lines: readonly string[] }
  | { readonly kind: 'refused' }
  /** No server listens at this socket. */
  | { readonly kind: 'absent' }

/** The kernel lets only a few connections wait for a server to accept them, and refuses the next one at once. */
interface Busy {
  readonly kind: 'busy'
}

const RETRY_MS = 10

const askOnce = (path: string, words: readonly string[], timeoutMs: number): Promise<Answer | Busy> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(path)
    const finish = (answer: Answer | Busy): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => finish({ kind: 'refused' }))
    socket.on('connect', () => socket.write(Buffer.concat([pickle(words), END])))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      // Only the last bytes are looked at, as long as the answer is not complete.
      if (!Buffer.concat(chunks.slice(-2)).subarray(-END.length).equals(END)) return
      const lines = readValue(Buffer.concat(chunks).subarray(0, -END.length))
      finish(lines === null ? { kind: 'refused' } : { kind: 'answered', lines })
    })
    socket.on('error', (error) => {
      const errno = errnoOf(error) ?? ''
      const isAbsent = ['ENOENT', 'ECONNREFUSED', 'EACCES'].includes(errno)
      finish({ kind: isAbsent ? 'absent' : errno === 'EAGAIN' ? 'busy' : 'refused' })
    })
    socket.on('close', () => finish({ kind: 'refused' }))
  })

/** Sends one command to the fail2ban that listens at a socket. Takes up to `timeoutMs`; never rejects. */
export const askAtSocket = async (
  path: string,
  words: readonly string[],
  timeoutMs: number,
): Promise<Answer> => {
  const deadline = monotonicMs() + timeoutMs
  let answer = await askOnce(path, words, timeoutMs)
  while (answer.kind === 'busy' && monotonicMs() < deadline) {
    await sleep(RETRY_MS)
    answer = await askOnce(path, words, Math.max(1, deadline - monotonicMs()))
  }
  return answer.kind === 'busy' ? { kind: 'refused' } : answer
}
