import type { Action, ActionOutcome } from '../detector/decision.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import { tryRun } from '../system/process.ts'
import { denyHost } from './deny-host.ts'

export interface Response {
  /** hosts.deny is written below this; commands run on this machine in any case. */
  readonly root: string
  /** The generation whose way of writing hosts.deny is followed. */
  readonly dialect: Dialect
  /** How long a command may take. */
  readonly timeoutMs?: number
}

/** The daemon waits without a limit, and sees no packet meanwhile. */
const TIMEOUT_MS = 60_000
/** What a command wrote is in its pipe when it ends; a program that it left behind may hold the pipe open. */
const DRAIN_MS = 50

/**
 * `sh -c COMMAND` as both daemons run it, with 1.2's umask. The command comes as octal escapes, since portsentry.conf
 * is bytes and arguments are UTF-8 here. One pipe for both streams keeps what was said in order.
 */
const SCRIPT = 'umask 077; exec /bin/sh -c "$(printf %b "$1")" 2>&1'

const escapeBytes = (latin1: string): string =>
  [...Buffer.from(latin1, 'latin1')].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')

/** `Try iptables -h` does not say what went wrong. */
const ADVICE = /^(?:Try|See|Usage:) /

/** The last line with anything in it; control characters, which a terminal would obey, as `?`. */
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
): Promise<{ exitCode: number; said: string }> => {
  const { exitCode, stdout, stderr } = await tryRun('/bin/sh', ['-c', SCRIPT, 'sh', escapeBytes(command)], {
    cwd: '/',
    timeoutMs,
    graceMs: DRAIN_MS,
    purpose: command,
  })
  return { exitCode, said: lastLine(stderr || stdout) }
}

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
