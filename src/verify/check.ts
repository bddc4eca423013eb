import { CHECK_CODES, type CheckCode } from './check-codes.ts'

export type Result = 'pass' | 'warn' | 'fail' | 'skip'

/** The result of one check. `skip`: it could not be done, and `message` says why. */
export interface Check {
  /** Stable, for tools. */
  readonly code: CheckCode
  /** What is checked, in a few words. */
  readonly title: string
  readonly result: Result
  /** What was found. */
  readonly message: string
  /** What to do about it; '' where there is nothing to do. */
  readonly hint: string
}

type Say = (message: string, hint?: string) => Check

/** The ways in which one check can end. */
export const checkFor = (code: CheckCode): Readonly<Record<Result, Say>> => {
  const { title } = CHECK_CODES[code]
  const say =
    (result: Result): Say =>
    (message, hint = '') => ({ code, title, result, message, hint })
  return { pass: say('pass'), warn: say('warn'), fail: say('fail'), skip: say('skip') }
}

/** The code of the check that replaces `cut-off` if portsentry should not ban. */
export const OBSERVES = 'observes'

export const isFailure = ({ result }: Check): boolean => result === 'fail'
