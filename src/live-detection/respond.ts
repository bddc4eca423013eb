import type { Action, ActionOutcome } from '../detector/decision.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import { tryRun } from '../system/process.ts'
import { denyHost } from './deny-host.ts'

export interface Response {
  /** The root for hosts.deny; commands run on this machine in any case. */
  readonly root: string
  /** The dialect of the daemon, which decides how hosts.deny is written. */
  readonly dialect: Dialect
  /** How long a command may take. */
  readonly timeoutMs?: number
}

/** The daemon waits without a limit, and does not read packets in that time. */
const TIMEOUT_MS = 60_000
/** The output of a command is in the pipe when it ends; a background process that it started may keep the pipe open. */
const DRAIN_MS = 50

/**
 * `sh -c COMMAND` as both daemons run it, with 1.2's umask. The command is passed as octal escapes, since portsentry.conf
 * is bytes and Node's arguments are UTF-8. One pipe for both streams keeps the output in order.
 */
const SCRIPT = 'umask 077; exec /bin/sh -c "$(printf %b "$1")" 2>&1'

const escapeBytes = (latin1: string): string =>
  [...Buffer.from(latin1, 'latin1')].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')

/** Lines such as `Try iptables -h` do not say what went wrong. */
const ADVICE = /^(?:Try|See|Usage:) /

/** The last line that is not empty; control characters, which a terminal would interpret, as `?`. */
const lastLine = (output: string): string =>
  (
    output
      .split(/[\r\n]+/)
      .map((line) => line.trim())
      .findLast((line) => line !== '' && !ADVICE.test(line)) ?? ''
  ).replace(/[\0-\x1f\x7f-\x9f]/g, '?')

/** Runs a command of portsentry.conf (latin1-decoded) in `/`. */
const runCommand = async (
  command: string,
  timeoutMs: number,
): Promise<{ exitCode: number; message: string }> => {
  const { exitCode, stdout, stderr } = await tryRun('/bin/sh', ['-c', SCRIPT, 'sh', escapeBytes(command)], {
    cwd: '/',
    timeoutMs,
    graceMs: DRAIN_MS,
    purpose: command,
  })
  return { exitCode, message: lastLine(stderr || stdout) }
}

/**
 * Does what a daemon would do about a host, and returns the outcome. Never throws. The daemons ignore a command's
 * exit status; here any other than 0 is `failed`, and so is a command that takes longer than `timeoutMs`
 * (137: killed).
 */
export const perform = async (action: Action, response: Response): Promise<ActionOutcome> => {
  const { root, dialect, timeoutMs = TIMEOUT_MS } = response
  if (action.kind === 'impossible') {
    return { action, result: 'not-run', exitCode: null, message: action.reason }
  }
  if (action.kind === 'hosts-deny') {
    const { done, message } = await denyHost(root, action.line, dialect)
    return { action, result: done ? 'done' : 'failed', exitCode: null, message }
  }
  const { exitCode, message } = await runCommand(action.command, timeoutMs)
  return { action, result: exitCode === 0 ? 'done' : 'failed', exitCode, message }
}
