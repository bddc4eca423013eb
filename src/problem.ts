import type { ProblemCode } from './problem-codes.ts'

/** A place in a file, or in the process's environment (`path` 'environment', no line). */
export interface SourceLocation {
  readonly path: string
  readonly line?: number
}

/** Trouble that can be expected: a value, collected with its siblings and shown together. */
export interface Problem {
  /** `error` stops the command, `warning` is shown and the command goes on. */
  readonly severity: 'error' | 'warning'
  /** Stable, for tools. */
  readonly code: ProblemCode
  /** What is wrong. */
  readonly message: string
  /** What to do about it. */
  readonly hint: string
  readonly at: SourceLocation
}

/** `path:line: what is wrong — what to do`; the path is there once. */
export const renderProblem = ({ severity, message, hint, at }: Problem): string => {
  const kind = severity === 'warning' ? 'warning: ' : ''
  // Failures of the file system name the path themselves.
  if (message.startsWith('cannot ') && message.includes(at.path)) return `${kind}${message} — ${hint}`
  const place = at.line === undefined ? at.path : `${at.path}:${at.line}`
  return `${place}: ${kind}${message} — ${hint}`
}

/** What has to be known beside "in sync": that it will not last, or that not everything was looked at. */
export const caveatsOf = (problems: readonly Problem[]): string[] =>
  problems
    .filter(({ code }) => code === 'unconfirmed' || code === 'not-looked-at')
    .map(({ message }) => message)

export const isError = (problem: Problem): boolean => problem.severity === 'error'
