import { type Check, isFailure, type Result } from './check.ts'

const WORDS: Readonly<Record<Result, string>> = { pass: 'pass', warn: 'WARN', fail: 'FAIL', skip: 'skip' }

const renderCheck = ({ result, title, message, hint }: Check): string => {
  const todo = hint === '' || result === 'pass' ? '' : `\n${' '.repeat(6)}→ ${hint}`
  return `${WORDS[result]}  ${title}\n${' '.repeat(6)}${message}${todo}\n`
}

const count = (checks: readonly Check[], result: Result): number =>
  checks.filter((check) => check.result === result).length

/** One line that says how it went. */
const summarize = (checks: readonly Check[]): string => {
  const warnings = count(checks, 'warn')
  const counts = [
    `${count(checks, 'pass')} passed`,
    `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`,
    `${count(checks, 'fail')} failed`,
    ...(count(checks, 'skip') > 0 ? [`${count(checks, 'skip')} could not be done`] : []),
  ]
  const verdict = checks.some(isFailure)
    ? 'this server is NOT protected as config.env asks'
    : count(checks, 'skip') > 0
      ? 'no check failed, but not everything was proven'
      : warnings > 0
        ? 'no check failed, but see the warnings'
        : 'this server bans scanners as config.env asks'
  return `${counts.join(', ')}: ${verdict}`
}

/** The table of checks for a terminal: all of them, or those that failed, and how it went. */
export const renderChecks = (checks: readonly Check[], isBrief = false): string => {
  const shown = isBrief ? checks.filter(isFailure) : checks
  return `${shown.map((check) => renderCheck(check)).join('')}${shown.length > 0 ? '\n' : ''}${summarize(checks)}\n`
}

/** What apply says of them at its end: what needs a second look, and how it went. */
export const renderProof = (checks: readonly Check[]): string => {
  const notable = checks.filter(({ result }) => result !== 'pass')
  return `${notable.map(renderCheck).join('')}verified: ${summarize(checks)}\n`
}
