import type { IgnoreList } from '../documents/ignore-list.ts'
import type { LocalTime } from '../time.ts'
import { blockedRecord } from './blocked-hosts.ts'
import type { Configuration } from './configuration.ts'
import type { ActionOutcome, Decision, Outcome, Written } from './decision.ts'
import { historyLine2, historyLine12, scanEvent2 } from './history.ts'
import { logLines2, logLines12 } from './log-lines.ts'

export interface Circumstances {
  /** The host's name by RESOLVE_HOST, or the host itself; 2.x does not print it. */
  readonly name: string
  readonly localTime: (timeMs: number) => LocalTime
  /** The list at the time of the decision. Null if the file is missing or unreadable, which 1.2 logs. */
  readonly ignore: IgnoreList | null
}

/** Whether the daemon considers the action successful: it ignores the exit status of commands. */
const worked = ({ action, result }: ActionOutcome): boolean =>
  action.kind === 'command' || (action.kind === 'hosts-deny' && (result === 'done' || result === 'assumed'))

/** For 1.2 all actions have to succeed, for 2.x one of them. */
const isBlockedNow = (
  { verdict }: Decision,
  outcomes: readonly ActionOutcome[],
  { dialect }: Configuration,
): boolean | null => {
  switch (verdict) {
    case 'in-use':
    case 'ignored':
    case 'below-trigger':
      return null
    case 'already-blocked':
      return true
    case 'act':
      return dialect === '1.2' ? outcomes.every(worked) : outcomes.some(worked)
    default:
      return false
  }
}

/** Whether the daemon adds the host to those that it considers blocked. 2.x has none without BLOCKED_FILE. */
export const isAdded = ({ decision, blocked }: Outcome, { dialect, blockedFile }: Configuration): boolean =>
  decision.verdict === 'act' && blocked === true && (dialect === '1.2' || blockedFile !== null)

/** What the daemon does not log about an action; null if it succeeded. */
const warnAbout = (outcome: ActionOutcome, blocked: boolean): string | null => {
  const { action, result, exitCode, message } = outcome
  const consequence = blocked ? ' — portsentry logs the host as blocked all the same' : ''
  if (action.kind === 'impossible') return `${action.option} is skipped, ${action.reason}${consequence}`
  if (result === 'failed') {
    const ended = exitCode === null ? 'was not carried out' : `ended with exit code ${exitCode}`
    return `${action.option} ${ended}${message === '' ? '' : `: ${message}`}${consequence}`
  }
  // Done, but with a problem, such as an entry that was appended to a line without a newline.
  return action.kind === 'hosts-deny' && message !== '' ? `${action.option}: ${message}` : null
}

const write12 = (
  outcome: Outcome,
  configuration: Configuration,
  triggerWarnings: readonly string[],
  { name, localTime, ignore }: Circumstances,
): Written => {
  const { decision } = outcome
  const { packet, verdict } = decision
  const line = isAdded(outcome, configuration)
    ? historyLine12(decision, name, localTime(packet.timeMs))
    : null
  const notes = [
    ...(ignore === null ? ['attackalert: ERROR: cannot open ignore file. Blocking host anyway.'] : []),
    ...(verdict === 'below-trigger' ? [] : triggerWarnings),
  ]
  const log = logLines12({ ...outcome, name, notes, block: configuration.block[packet.protocol] })
  // Both files get the same line.
  return { log, history: line, blockedRecord: line }
}

const write2 = (outcome: Outcome, configuration: Configuration, { localTime }: Circumstances): Written => {
  const { decision, blocked } = outcome
  const { packet, verdict } = decision
  const event = scanEvent2(decision, blocked)
  // The history has every packet whose port is not in use.
  const isRecorded = verdict !== 'in-use' && configuration.historyFile !== null
  return {
    log: logLines2(outcome, event),
    history: isRecorded ? historyLine2(event, localTime(packet.timeMs)) : null,
    blockedRecord: isAdded(outcome, configuration) ? blockedRecord(packet.source) : null,
  }
}

/** The outcome of a decision with these action outcomes; `triggerWarnings` are its trigger's. */
export const finalize = (
  decision: Decision,
  outcomes: readonly ActionOutcome[],
  configuration: Configuration,
  triggerWarnings: readonly string[],
  circumstances: Circumstances,
): Outcome => {
  const blocked = isBlockedNow(decision, outcomes, configuration)
  const warnings: string[] = []
  for (const each of outcomes) {
    const warning = warnAbout(each, blocked === true)
    if (warning !== null) warnings.push(warning)
  }
  const outcome: Outcome = {
    decision,
    outcomes,
    blocked,
    warnings,
    written: () =>
      configuration.dialect === '1.2'
        ? write12(outcome, configuration, triggerWarnings, circumstances)
        : write2(outcome, configuration, circumstances),
  }
  return outcome
}
