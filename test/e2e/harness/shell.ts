import { posix } from 'node:path'
import { execa } from 'execa'

interface RunOptions {
  /** Return a failed command instead of throwing. */
  allowFailure?: boolean
  stdin?: string | Uint8Array
  env?: Record<string, string>
  timeoutMs?: number
}

/** Output is UTF-8 without its last newline, as `$(…)` gives it; `read` is for bytes. */
interface Result {
  stdout: string
  stderr: string
  exitCode: number
}

export interface Shell {
  /** Runs `sh -c command` as root, in `/`, with a clean environment. Throws with all output if it fails. */
  run(command: string, options?: RunOptions): Promise<Result>
  read(path: string): Promise<Buffer>
  readText(path: string): Promise<string>
  /** Writes a file, making its directories; a mode given is set, else a file's own mode stays. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>
  exists(path: string): Promise<boolean>
}

/** Of every command on a server. */
export const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
}

/** A text as one word of a shell's command. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/**
 * @param entry the command that enters the server and runs there what follows it. Files, too, are read and
 *   written by programs inside: seen from outside an absolute symlink of the server would lead to this machine.
 */
export const createShell = (entry: () => string[]): Shell => {
  const execute = async (command: string, options: RunOptions = {}) => {
    const { allowFailure = false, stdin = '', env = {}, timeoutMs = 280_000 } = options
    const variables = Object.entries({ ...environment, ...env }).map(([key, value]) => `${key}=${value}`)
    const [program = '', ...args] = entry()
    const { stdout, stderr, exitCode, timedOut, shortMessage } = await execa(
      program,
      [...args, '/usr/bin/env', '-i', ...variables, 'sh', '-c', command],
      { encoding: 'buffer', stripFinalNewline: false, input: stdin, reject: false, timeout: timeoutMs },
    )
    if (exitCode === undefined || (exitCode !== 0 && !allowFailure)) {
      const how = exitCode !== undefined ? `exit ${exitCode}` : timedOut ? 'timed out' : shortMessage
      const output = [stdout, stderr].map((bytes) => Buffer.from(bytes).toString())
      throw new Error(`on the server: ${command}\n${how}\n--- stdout\n${output[0]}\n--- stderr\n${output[1]}`)
    }
    return { stdout: Buffer.from(stdout), stderr: Buffer.from(stderr), exitCode }
  }

  const text = (bytes: Buffer) => bytes.toString('utf8').replace(/\n$/, '')
  const read: Shell['read'] = async (path) => (await execute(`cat -- ${quote(path)}`)).stdout

  return {
    read,
    readText: async (path) => (await read(path)).toString('utf8'),
    run: async (command, options) => {
      const { stdout, stderr, exitCode } = await execute(command, options)
      return { stdout: text(stdout), stderr: text(stderr), exitCode }
    },
    write: async (path, content, mode) => {
      const file = quote(path)
      const permit = mode === undefined ? '' : ` && chmod ${mode.toString(8)} ${file}`
      await execute(`mkdir -p ${quote(posix.dirname(path))} && cat >${file}${permit}`, { stdin: content })
    },
    exists: async (path) => (await execute(`test -e ${quote(path)}`, { allowFailure: true })).exitCode === 0,
  }
}
