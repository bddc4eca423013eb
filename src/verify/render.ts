import { counted } from '../phrases.ts'
import { type Style, styled } from '../styled.ts'
import type { Ending } from '../system/progress.ts'
import { type Check, isFailure, OBSERVES, type Result } from './check.ts'
import { NETWORKS } from './networks-check.ts'

const WORDS: Readonly<Record<Result, string>> = {
  pass: styled('green', 'pass'),
  warn: styled('yellow', 'WARN'),
  fail: styled('red', 'FAIL'),
  skip: styled('dim', 'skip'),
}

const renderCheck = ({ result, title, message, hint }: Check): string => {
  const todo = hint === '' || result === 'pass' ? '' : `\n${' '.repeat(6)}→ ${hint}`
  return `${WORDS[result]}  ${title}\n${' '.repeat(6)}${message}${todo}\n`
}

const count = (checks: readonly Check[], result: Result): number =>
  checks.filter((check) => check.result === result).length

/** The verdict if all checks have passed: it says that scanners are banned only if one was. */
const describeSuccess = (checks: readonly Check[]): string => {
  const passed = new Set(checks.map(({ code }) => code))
  if (passed.has('cut-off') || passed.has('jail-bans')) return 'this server bans scanners as config.env asks'
  return passed.has(OBSERVES)
    ? 'this server notices scanners and does not ban, as config.env asks'
    : 'no check failed, but no scan was tried'
}

const describeFailure = (failures: readonly Check[]): string =>
  failures.every(({ code }) => code === NETWORKS)
    ? 'config.env does not fit the networks of this server'
    : 'this server is NOT protected as config.env asks'

/** The summary in one line. */
const summarize = (checks: readonly Check[]): string => {
  const warnings = count(checks, 'warn')
  const counts = [
    `${count(checks, 'pass')} passed`,
    counted(warnings, 'warning'),
    `${count(checks, 'fail')} failed`,
    ...(count(checks, 'skip') > 0 ? [`${count(checks, 'skip')} could not be done`] : []),
  ]
  const [style, verdict]: [Style, string] = checks.some(isFailure)
    ? ['red', describeFailure(checks.filter(isFailure))]
    : count(checks, 'skip') > 0
      ? ['yellow', 'no check failed, but not everything was proven']
      : warnings > 0
        ? ['yellow', 'no check failed, but see the warnings']
        : ['green', describeSuccess(checks)]
  return `${counts.join(', ')}: ${styled(style, verdict)}`
}

/** What came of one part of the proof, in a line: `running daemons: 6 passed, 1 warning (the jail bans)`. */
export const summarizePart = (part: string, checks: readonly Check[]): Ending => {
  const titles = (result: Result): string =>
    checks
      .filter((check) => check.result === result)
      .map(({ title }) => title)
      .join('; ')
  const warnings = count(checks, 'warn')
  const counts = [
    `${count(checks, 'pass')} passed`,
    ...(warnings > 0 ? [`${counted(warnings, 'warning')} (${titles('warn')})`] : []),
    ...(count(checks, 'fail') > 0 ? [`${count(checks, 'fail')} failed (${titles('fail')})`] : []),
    ...(count(checks, 'skip') > 0 ? [`${count(checks, 'skip')} could not be done (${titles('skip')})`] : []),
  ]
  const isClean = checks.every(({ result }) => result === 'pass')
  return {
    result: checks.some(isFailure) ? 'failed' : isClean ? 'done' : 'warned',
    outcome: `${part}: ${counts.join(', ')}`,
  }
}

/** The table of checks for a terminal: all of them, or those that failed, and the summary. */
export const renderChecks = (checks: readonly Check[], isBrief = false): string => {
  const shown = isBrief ? checks.filter(isFailure) : checks
  return `${shown.map((check) => renderCheck(check)).join('')}${shown.length > 0 ? '\n' : ''}${summarize(checks)}\n`
}

/** The output of apply: the checks that did not pass, and the summary. */
export const renderProof = (checks: readonly Check[]): string => {
  const notable = checks.filter(({ result }) => result !== 'pass')
  const advice = checks.some(isFailure)
    ? 'the applied changes are kept: correct config.env, then run apply again\n'
    : ''
  return `${notable.map(renderCheck).join('')}verified: ${summarize(checks)}\n${advice}`
}
