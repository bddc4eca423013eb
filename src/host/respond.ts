import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Action, ActionOutcome } from '../detector/decision.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import { denyHost } from './deny-host.ts'
import { errnoOf, messageOf } from './host-error.ts'
import { childEnvironment } from './process.ts'

export interface Response {
  /** hosts.deny is written below this; commands run on this machine in any case. */
  readonly root: string
  /** Whose way of writing hosts.deny. */
  readonly dialect: Dialect
  /** How long a command may take. */
  readonly timeoutMs?: number
}

/** The daemon waits for ever, and sees no packet meanwhile. */
const TIMEOUT_MS = 60_000
/** What is kept of a command's output: enough for its last line. */
const MAX_OUTPUT = 4096
/** What a command wrote is in its pipe when it ends; a program that it left behind may hold the pipe open. */
const DRAIN_MS = 50

/**
 * `sh -c COMMAND` as both daemons run it, with 1.2's umask. The command comes as octal escapes, since portsentry.conf
 * is bytes and arguments are UTF-8 here. One pipe for both streams keeps what was said in order.
 */
const SCRIPT = 'umask 077; exec /bin/sh -c "$(printf %b "$1")" 2>&1'

const escapeBytes = (latin1: string): string =>
  [...Buffer.from(latin1, 'latin1')].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')

/** `Try iptables -h` says nothing of what went wrong. */
const ADVICE = /^(?:Try|See|Usage:) /

/** The last line with anything in it; control characters, which a terminal would obey, as `?`. */
const lastLine = (output: string): string =>
  (
    output
      .split(/[\r\n]+/)
      .map((line) => line.trim())
      .findLast((line) => line !== '' && !ADVICE.test(line)) ?? ''
  ).replace(/[\0-\x1f\x7f-\x9f]/g, '?')

/** The end of what a stream says, as it comes; as UTF-8, whatever of it is. */
const collectTail = (stream: Readable): (() => string) => {
  let tail = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-MAX_OUTPUT)
  })
  stream.on('error', () => undefined)
  return () => tail
}

/** The exit code as a shell tells it: a signal is 128 and its number. */
interface Ending {
  readonly exitCode: number | null
  readonly said: string
}

const KILLED = 128 + 9
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
}

/**
 * Runs a command of portsentry.conf (latin1-decoded) in `/` and in a process group of its own, which is ended
 * with it when the time is up. Never throws: 127 is a program that is not there.
 */
const runCommand = (command: string, timeoutMs: number): Promise<Ending> =>
  new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', escapeBytes(command)], {
      cwd: '/',
      env: childEnvironment(),
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    const output = collectTail(child.stdout)
    const closed = new Promise((close) => child.stdout.once('close', close))
    let isLate = false
    const timer = setTimeout(() => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
        isLate = true
      } catch (error) {
        if (errnoOf(error) !== 'ESRCH') throw error
      }
    }, timeoutMs)
    child.once('error', (error) => {
      clearTimeout(timer)
      resolve({ exitCode: null, said: messageOf(error) })
    })
    child.once('exit', async (code, signal) => {
      clearTimeout(timer)
      await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })])
      // What is left behind may go on writing; it must not keep this process.
      if ('unref' in child.stdout && typeof child.stdout.unref === 'function') child.stdout.unref()
      // It may have ended by itself in that moment.
      if (isLate && signal === 'SIGKILL')
        resolve({ exitCode: KILLED, said: `did not end within ${timeoutMs / 1000} s, and was killed` })
      else resolve({ exitCode: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0), said: lastLine(output()) })
    })
  })

/**
 * Does what a daemon would do about a host, and says what came of it. Never throws. The daemons pass over a command's
 * exit status; here any other than 0 is `failed`, and so is a command that takes longer than `timeoutMs`
 * (137, as of one that was killed).
 */
export const perform = async (action: Action, response: Response): Promise<ActionOutcome> => {
  const { root, dialect, timeoutMs = TIMEOUT_MS } = response
  if (action.kind === 'impossible') {
    return { action, result: 'not-run', exitCode: null, said: action.reason }
  }
  if (action.kind === 'hosts-deny') {
    const { done, said } = await denyHost(root, action.line, dialect)
    return { action, result: done ? 'done' : 'failed', exitCode: null, said }
  }
  const { exitCode, said } = await runCommand(action.command, timeoutMs)
  return { action, result: exitCode === 0 ? 'done' : 'failed', exitCode, said }
}
