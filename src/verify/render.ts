import type { Settings } from '../settings/settings.ts'
import { type Check, isFailure, type Result } from './check.ts'
import { NETWORKS } from './networks-check.ts'

const WORDS: Readonly<Record<Result, string>> = { pass: 'pass', warn: 'WARN', fail: 'FAIL', skip: 'skip' }

const renderCheck = ({ result, title, message, hint }: Check): string => {
  const todo = hint === '' || result === 'pass' ? '' : `\n${' '.repeat(6)}→ ${hint}`
  return `${WORDS[result]}  ${title}\n${' '.repeat(6)}${message}${todo}\n`
}

const count = (checks: readonly Check[], result: Result): number =>
  checks.filter((check) => check.result === result).length

export type Aim = Pick<Settings, 'observeOnly' | 'banBackend' | 'killRoute' | 'banaction'>

/** What a server does of which every check has passed. */
const describeAim = ({ observeOnly, banBackend, killRoute, banaction }: Aim): string => {
  if (observeOnly) return 'this server notices scanners and bans nobody, as config.env asks'
  return banBackend === 'none' && killRoute === undefined && banaction === undefined
    ? 'this server notices scanners and leaves the firewall alone, as config.env asks'
    : 'this server bans scanners as config.env asks'
}

const describeFailure = (failures: readonly Check[]): string =>
  failures.every(({ code }) => code === NETWORKS)
    ? 'config.env does not fit the networks of this server'
    : 'this server is NOT protected as config.env asks'

/** One line that says how it went. */
const summarize = (checks: readonly Check[], aim: Aim): string => {
  const warnings = count(checks, 'warn')
  const counts = [
    `${count(checks, 'pass')} passed`,
    `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`,
    `${count(checks, 'fail')} failed`,
    ...(count(checks, 'skip') > 0 ? [`${count(checks, 'skip')} could not be done`] : []),
  ]
  const verdict = checks.some(isFailure)
    ? describeFailure(checks.filter(isFailure))
    : count(checks, 'skip') > 0
      ? 'no check failed, but not everything was proven'
      : warnings > 0
        ? 'no check failed, but see the warnings'
        : describeAim(aim)
  return `${counts.join(', ')}: ${verdict}`
}

/** The table of checks for a terminal: all of them, or those that failed, and how it went. */
export const renderChecks = (checks: readonly Check[], aim: Aim, isBrief = false): string => {
  const shown = isBrief ? checks.filter(isFailure) : checks
  return `${shown.map((check) => renderCheck(check)).join('')}${shown.length > 0 ? '\n' : ''}${summarize(checks, aim)}\n`
}

/** What apply says of them at its end: what needs a second look, and how it went. */
export const renderProof = (checks: readonly Check[], aim: Aim): string => {
  const notable = checks.filter(({ result }) => result !== 'pass')
  const stays = checks.some(isFailure) ? 'what was applied stays: correct config.env, then apply again\n' : ''
  return `${notable.map(renderCheck).join('')}verified: ${summarize(checks, aim)}\n${stays}`
}
