import type { IgnoreList } from '../documents/ignore-list.ts'
import type { LocalTime } from '../time.ts'
import { blockedRecord } from './blocked-hosts.ts'
import type { Configuration } from './configuration.ts'
import type { ActionOutcome, Decision, Outcome } from './decision.ts'
import { historyLine2, historyLine12, scanEvent2 } from './history.ts'
import { logLines2, logLines12 } from './log-lines.ts'

export interface Circumstances {
  /** The host's name by RESOLVE_HOST, or the host itself; 2.x does not print it. */
  readonly name: string
  readonly localTime: (timeMs: number) => LocalTime
  /** Null if the file is missing or unreadable, which 1.2 logs. */
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

/** What the daemon does not log about an action: one line, or none if it succeeded. */
const warnAbout = (outcome: ActionOutcome, blocked: boolean): string[] => {
  const { action, result, exitCode, message } = outcome
  const consequence = blocked ? ' — portsentry logs the host as blocked all the same' : ''
  if (action.kind === 'impossible') return [`${action.option} is skipped, ${action.reason}${consequence}`]
  if (result === 'failed') {
    const ended = exitCode === null ? 'was not carried out' : `ended with exit code ${exitCode}`
    return [`${action.option} ${ended}${message === '' ? '' : `: ${message}`}${consequence}`]
  }
  // Done, but with a problem, such as an entry that was appended to a line without a newline.
  return action.kind === 'hosts-deny' && message !== '' ? [`${action.option}: ${message}`] : []
}

/** Everything that the daemon writes after a decision with these action outcomes; `triggerWarnings` are its trigger's. */
export const finalize = (
  decision: Decision,
  outcomes: readonly ActionOutcome[],
  configuration: Configuration,
  triggerWarnings: readonly string[],
  { name, localTime, ignore }: Circumstances,
): Outcome => {
  const { packet, verdict } = decision
  const blocked = isBlockedNow(decision, outcomes, configuration)
  const isNewlyBlocked = verdict === 'act' && blocked === true
  const warnings = outcomes.flatMap((outcome) => warnAbout(outcome, blocked === true))
  const known = { decision, outcomes, blocked, warnings }
  if (configuration.dialect === '1.2') {
    const line = isNewlyBlocked ? historyLine12(decision, name, localTime(packet.timeMs)) : null
    const notes = [
      ...(ignore === null ? ['attackalert: ERROR: cannot open ignore file. Blocking host anyway.'] : []),
      ...(verdict === 'below-trigger' ? [] : triggerWarnings),
    ]
    const log = logLines12({ ...known, name, notes, block: configuration.block[packet.protocol] })
    // Both files get the same line.
    return { ...known, log, history: line, blockedRecord: line }
  }
  const event = scanEvent2(decision, blocked)
  // The history has every packet whose port is not in use; without BLOCKED_FILE no host is remembered.
  const isRecorded = verdict !== 'in-use' && configuration.historyFile !== null
  const isKept = isNewlyBlocked && configuration.blockedFile !== null
  return {
    ...known,
    log: logLines2(known, event),
    history: isRecorded ? historyLine2(event, localTime(packet.timeMs)) : null,
    blockedRecord: isKept ? blockedRecord(packet.source) : null,
  }
}
