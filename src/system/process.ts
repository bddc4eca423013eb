import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { type ExecaError, execa } from 'execa'
import { errnoOf, HostError } from './host-error.ts'
import { waitingFor } from './waiting.ts'

export interface RunOptions {
  readonly input?: string
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  /** What the program is run for, reported if it takes long; by default its command line. */
  readonly purpose?: string
  /** How long to wait for the rest of its output after it has ended. */
  readonly graceMs?: number
  /** A file or directory that is locked until the program has ended, even if this process is killed before. */
  readonly lock?: string
}

export interface RunResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Programs are searched in Debian's directories, whatever the caller's PATH is (su without `-` lacks sbin). */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  HOME: '/root',
}

/** apt uses the administrator's proxies. */
const PROXIES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy'].flatMap((name) => [
  name,
  name.toUpperCase(),
])

const proxies = (): Record<string, string> =>
  Object.fromEntries(PROXIES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))

/** The environment of every program; nothing else is inherited from the caller. */
export const childEnvironment = (): Record<string, string> => ({ ...ENVIRONMENT, ...proxies() })

/** Exit code of a shell for a program that could not be started. */
const NOT_STARTED = 127

const TIMEOUT_MS = 120_000
/** How long to wait for the output of a program that has ended: its children may keep the pipe open. */
const OUTPUT_GRACE_MS = 2_000

/** Kills a program and those of its children that are still in its process group. */
const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}

const MAX_SHOWN = 80

const describeCommand = (file: string, args: readonly string[]): string => {
  const command = [file, ...args].join(' ')
  return command.length > MAX_SHOWN ? `${command.slice(0, MAX_SHOWN)}…` : command
}

/** As a shell reports it: a signal is 128 and its number, a program that could not be started 127. */
const exitCodeOf = (exitCode: number | null | undefined, signal: NodeJS.Signals | null | undefined): number =>
  exitCode ?? (signal ? 128 + constants.signals[signal] : NOT_STARTED)

/**
 * Runs a program without a shell and waits for it. Never throws: the exit code is 127 if it cannot be started, and 128 plus
 * the signal's number if it is killed or times out, with the reason in `stderr`.
 */
export const tryRun = async (
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> => {
  const {
    timeoutMs = TIMEOUT_MS,
    graceMs = OUTPUT_GRACE_MS,
    lock,
    purpose = describeCommand(file, args),
  } = options
  const [program, ...words] = lock === undefined ? [file, ...args] : ['flock', '--close', lock, file, ...args]
  const subprocess = execa(program, words, {
    env: { ...childEnvironment(), ...options.environment },
    extendEnv: false,
    reject: false,
    // In a separate process group: Ctrl-C goes to portward, which stops in order, and not to a running dpkg.
    detached: true,
    stripFinalNewline: false,
    input: options.input ?? '',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  let late = false
  const patience = setTimeout(() => {
    late = true
    if (subprocess.pid !== undefined) killGroup(subprocess.pid)
  }, timeoutMs)
  let grace: NodeJS.Timeout | undefined
  subprocess.once('exit', () => {
    grace = setTimeout(() => {
      subprocess.stdout.destroy()
      subprocess.stderr.destroy()
    }, graceMs)
  })
  const result = await waitingFor(purpose, timeoutMs, async () => subprocess)
  clearTimeout(patience)
  clearTimeout(grace)
  const killed = result.signal ? `killed by ${result.signal}` : (result as ExecaError).shortMessage
  const reason = late ? `did not end within ${timeoutMs / 1000} s` : killed
  return {
    exitCode: exitCodeOf(result.exitCode, result.signal),
    stdout: result.stdout ?? '',
    stderr: String((result.exitCode === undefined ? reason : result.stderr) ?? ''),
  }
}

/** Runs a program that must succeed; otherwise throws HostError with the end of its output. */
export const run = async (
  file: string,
  args: readonly string[],
  hint: string,
  options: RunOptions = {},
): Promise<string> => {
  const { exitCode, stdout, stderr } = await tryRun(file, args, options)
  if (exitCode === 0) return stdout
  const output = (stderr.trim() || stdout.trim()).split('\n').slice(-8).join('\n')
  throw new HostError(`${[file, ...args].join(' ')} failed with exit code ${exitCode}: ${output}`, hint)
}

/** A running program whose output is read as it comes. */
export interface Followed {
  readonly pid: number | undefined
  /** What is written after the program has ended is discarded without an error. */
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** The end of what it has written to stderr so far. */
  readonly stderrTail: () => string
  /** Settles when it has ended and its output has been read; never rejects. Exit codes as those of `tryRun`. */
  readonly ended: Promise<{ readonly exitCode: number; readonly stderr: string }>
  readonly kill: (signal?: NodeJS.Signals) => void
}

/** Its first and last words fit. */
const MAX_STDERR = 8192

/** Starts a program without a shell, in a separate process group: Ctrl-C at a terminal does not kill it prematurely. */
export const follow = (file: string, args: readonly string[]): Followed => {
  const child = spawn(file, args, { env: childEnvironment(), stdio: 'pipe', detached: true })
  let tail = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-MAX_STDERR)
  })
  child.stdin.on('error', () => undefined)
  const ended = new Promise<Awaited<Followed['ended']>>((resolve) => {
    child.once('error', (error) => resolve({ exitCode: NOT_STARTED, stderr: error.message }))
    child.once('close', (code, signal) =>
      resolve({ exitCode: exitCodeOf(code, signal), stderr: tail.trim() }),
    )
  })
  const { pid, stdin, stdout, stderr } = child
  const kill = (signal: NodeJS.Signals = 'SIGTERM'): void => void child.kill(signal)
  return { pid, stdin, stdout, stderr, stderrTail: () => tail, ended, kill }
}
