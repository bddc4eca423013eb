import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { basename } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { errnoOf, HostError } from './host-error.ts'
import { waitingFor } from './progress.ts'

export interface RunOptions {
  readonly input?: string
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  /** What the program is run for, reported if it takes long; by default the program's name. */
  readonly purpose?: string
  /** How long to wait for the rest of its output after it has ended. */
  readonly graceMs?: number
  /** A file or directory that is locked until the program has ended, even if this process is killed before. */
  readonly lock?: string
  /** An open file that the program gets as its descriptor 3. */
  readonly descriptor?: number
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
const childEnvironment = (): Record<string, string> => ({ ...ENVIRONMENT, ...proxies() })

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

/** The program, and its subcommand if it has one: `systemctl restart`. Other arguments say little in a line of progress. */
export const describeCommand = (file: string, [first = '']: readonly string[]): string =>
  /^[a-z][a-z-]{1,20}$/.test(first) ? `${basename(file)} ${first}` : basename(file)

/** As a shell reports it: a signal is 128 and its number, a program that could not be started 127. */
const exitCodeOf = (exitCode: number | null, signal: NodeJS.Signals | null): number =>
  exitCode ?? (signal ? 128 + constants.signals[signal] : NOT_STARTED)

/** How a program ended. */
interface Ending {
  readonly exitCode: number
  /** Why it has no exit code of its own: it could not be started, or was killed. */
  readonly reason: string | null
}

/**
 * Starts a program without a shell, in a separate process group: Ctrl-C goes to portward, which stops in order, and not to a
 * running dpkg. `ended` settles when it has ended and its output is closed, and never rejects.
 */
const start = (
  file: string,
  args: readonly string[],
  { environment, cwd, descriptor }: Pick<RunOptions, 'environment' | 'cwd' | 'descriptor'> = {},
): { child: ChildProcessWithoutNullStreams; ended: Promise<Ending> } => {
  const env = { ...childEnvironment(), ...environment }
  const child = spawn(file, args, {
    env,
    stdio: ['pipe', 'pipe', 'pipe', ...(descriptor === undefined ? [] : [descriptor])],
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
  }) as ChildProcessWithoutNullStreams
  // A program may end without having read its input.
  child.stdin.on('error', () => undefined)
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => resolve({ exitCode: NOT_STARTED, reason: error.message }))
    child.once('close', (code, signal) =>
      resolve({ exitCode: exitCodeOf(code, signal), reason: signal && `killed by ${signal}` }),
    )
  })
  return { child, ended }
}

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
  const [program = '', ...words] =
    lock === undefined ? [file, ...args] : ['flock', '--close', lock, file, ...args]
  let stdout = ''
  let stderr = ''
  let late = false
  let grace: NodeJS.Timeout | undefined
  const { child, ended } = start(program, words, options)
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.end(options.input)
  child.once('exit', () => {
    grace = setTimeout(() => {
      child.stdout.destroy()
      child.stderr.destroy()
    }, graceMs)
  })
  const patience = setTimeout(() => {
    late = true
    if (child.pid !== undefined) killGroup(child.pid)
  }, timeoutMs)
  const { exitCode, reason } = await waitingFor(purpose, timeoutMs, () => ended)
  clearTimeout(patience)
  clearTimeout(grace)
  const failure = late ? `did not end within ${timeoutMs / 1000} s` : reason
  return { exitCode, stdout, stderr: failure ?? stderr }
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

/** Starts a program whose output is read as it comes. */
export const follow = (file: string, args: readonly string[]): Followed => {
  const { child, ended } = start(file, args)
  let tail = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-MAX_STDERR)
  })
  const { pid, stdin, stdout, stderr } = child
  return {
    ...{ pid, stdin, stdout, stderr },
    stderrTail: () => tail,
    ended: ended.then(({ exitCode, reason }) => ({ exitCode, stderr: tail.trim() || (reason ?? '') })),
    kill: (signal: NodeJS.Signals = 'SIGTERM') => void child.kill(signal),
  }
}
