import type { Action, ActionOutcome, Decision, Outcome, Verdict } from '../detector/decision.ts'
import { formatTimestamp, isoTimestamp } from '../system/timestamps.ts'

/** Why a host is ignored: the file, the line (from 1) and its text. */
export interface Exception {
  readonly path: string
  readonly line: number
  readonly text: string
}

/** Texts of files are latin1-decoded bytes, which are usually UTF-8. */
export const readable = (latin1: string): string =>
  /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, 'latin1').toString('utf8') : latin1

const VERDICTS: Record<Exclude<Verdict, 'act'>, string> = {
  'in-use': 'a service has the port',
  ignored: 'ignored',
  'below-trigger': 'below SCAN_TRIGGER',
  'own-address': 'own address',
  'already-blocked': 'already blocked',
  'log-only': 'logged only',
}

/** The outcome of a verdict in a few words: `blocked`, `would be blocked`, `ignored`, … */
export const outcomeOf = ({ decision, outcomes, blocked }: Outcome): string => {
  if (decision.verdict !== 'act') return VERDICTS[decision.verdict]
  if (outcomes.length === 0) return 'logged as blocked, with nothing to do'
  if (blocked !== true) return 'could not be blocked'
  return outcomes.some(({ result }) => result === 'assumed') ? 'would be blocked' : 'blocked'
}

/** What is run or written: `iptables -I INPUT …`. */
const textOf = (action: Action): string =>
  readable(action.kind === 'command' ? action.command : action.kind === 'hosts-deny' ? action.line : '')

const resultOf = ({ result, exitCode, message, action }: ActionOutcome): string => {
  if (result === 'done') return 'done'
  if (result === 'assumed') return action.kind === 'command' ? 'would run' : 'would be written'
  if (result === 'not-run') return `not possible: ${message}`
  return `FAILED${exitCode === null ? '' : ` with exit code ${exitCode}`}${message === '' ? '' : `: ${message}`}`
}

/** `KILL_ROUTE: iptables -I INPUT … - done` */
export const describeOutcome = (outcome: ActionOutcome): string => {
  const text = textOf(outcome.action)
  return `${outcome.action.option}: ${text}${text === '' ? '' : ' - '}${resultOf(outcome)}`
}

/** The kind of scan: `UDP`, `TCP SYN/Normal scan`, and `TCP Connect` where the daemon says only `Connect`. */
export const scanOf = ({ scan, packet }: Decision): string =>
  scan === 'Connect' ? `${packet.protocol.toUpperCase()} ${scan}` : scan

export const describeException = ({ path, line, text }: Exception): string => `by ${path}:${line} (${text})`

/** One event as one line, with the actions taken. */
export const renderEvent = (outcome: Outcome, exception: Exception | null): string => {
  const { decision, outcomes } = outcome
  const { packet, host, port, mode } = decision
  const target = port === packet.port ? `port ${port}` : `port ${packet.port}, reported as ${port}`
  const verdict = `${outcomeOf(outcome)}${exception === null ? '' : ` ${describeException(exception)}`}`
  const event = `${formatTimestamp(packet.timeMs)} ${host} ${scanOf(decision)}, ${target} (${mode}): ${verdict}`
  return `${[event, ...outcomes.map(describeOutcome)].join('; ')}\n`
}

/** Whether an event is shown with --quiet: something was done, or failed. */
export const isImportant = ({ decision, warnings }: Outcome): boolean =>
  decision.verdict === 'act' || warnings.length > 0

const outcomeAsJson = ({ action, result, exitCode, message }: ActionOutcome): object => ({
  option: action.option,
  ...(action.kind === 'command' ? { command: readable(action.command) } : {}),
  ...(action.kind === 'hosts-deny' ? { line: readable(action.line) } : {}),
  result,
  exitCode,
  said: message,
})

/** An event as the fields of its JSON document. */
export const eventAsJson = (outcome: Outcome, exception: Exception | null): object => {
  const { decision, outcomes, blocked, warnings, written } = outcome
  const { log, history } = written()
  const { packet, mode, host, scan, port, verdict } = decision
  return {
    time: isoTimestamp(packet.timeMs),
    mode,
    host,
    protocol: packet.protocol,
    scan,
    port: packet.port,
    reportedPort: port,
    verdict,
    ignoredBy: exception,
    blocked,
    actions: outcomes.map(outcomeAsJson),
    log: log.map(readable),
    history: history === null ? null : readable(history.trimEnd()),
    warnings,
  }
}
