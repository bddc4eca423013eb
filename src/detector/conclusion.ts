import type { IgnoreList } from '../documents/ignore-list.ts'
import { blockedRecord } from './blocked-hosts.ts'
import type { Configuration } from './configuration.ts'
import type { ActionOutcome, Decision, Settled, Verdict } from './decision.ts'
import { historyLine2, historyLine12, type LocalTime, scanEvent2 } from './history.ts'
import { logLines2, logLines12 } from './log-lines.ts'
import { remarksOn } from './remarks.ts'

export interface Circumstances {
  /** What RESOLVE_HOST gave for the host, or the host itself; 2.x does not print it. */
  readonly name: string
  readonly localTime: (timeMs: number) => LocalTime
  /** As in `Surroundings`: 1.2 complains where it is null. */
  readonly ignore: IgnoreList | null
}

interface Daemon {
  readonly configuration: Configuration
  /** What its trigger logs at each packet. */
  readonly warnings: readonly string[]
}

/** Whether the action worked in the daemon's eyes, which do not see how a command ended. */
const worked = ({ action, result }: ActionOutcome): boolean =>
  action.kind === 'command' || (action.kind === 'hosts-deny' && (result === 'done' || result === 'assumed'))

const WENT_NOWHERE: ReadonlySet<Verdict> = new Set(['in-use', 'ignored', 'below-trigger'])

/** One action that failed is too many for 1.2; one that worked is enough for 2.x. */
const isBlockedNow = (
  { verdict }: Decision,
  outcomes: readonly ActionOutcome[],
  { dialect }: Configuration,
): boolean | null => {
  if (WENT_NOWHERE.has(verdict)) return null
  if (verdict === 'already-blocked') return true
  if (verdict !== 'act') return false
  return dialect === '1.2' ? outcomes.every(worked) : outcomes.some(worked)
}

type Remains = Pick<Settled, 'log' | 'history' | 'blockedRecord'>

const latin1 = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at)
  return bytes
}

const remains12 = (
  decision: Decision,
  outcomes: readonly ActionOutcome[],
  blocked: boolean | null,
  { configuration, warnings, name, localTime, ignore }: Daemon & Circumstances,
): Remains => {
  const { packet, verdict } = decision
  const writes = verdict === 'act' && blocked === true
  const history = writes ? historyLine12(decision, name, localTime(packet.timeMs)) : null
  const scene = { name, outcomes, blocked, ignoreUnreadable: ignore === null, warnings }
  return {
    log: logLines12(decision, scene, configuration.block[packet.protocol]),
    history,
    blockedRecord: history === null ? null : latin1(history),
  }
}

/** The history has every packet that came as far as the ignore list; without BLOCKED_FILE nobody is remembered. */
const remains2 = (
  decision: Decision,
  outcomes: readonly ActionOutcome[],
  blocked: boolean | null,
  { configuration: { historyFile, blockedFile }, localTime }: Daemon & Circumstances,
): Remains => {
  const { packet, verdict } = decision
  const event = scanEvent2(decision, blocked)
  const isTold = verdict !== 'in-use' && historyFile !== null
  const isKept = verdict === 'act' && blocked === true && blockedFile !== null
  return {
    log: logLines2(decision, outcomes, blocked, event),
    history: isTold ? historyLine2(event, localTime(packet.timeMs)) : null,
    blockedRecord: isKept ? blockedRecord(packet.source) : null,
  }
}

/** What the daemon leaves behind after a decision whose actions ended so. */
export const concludeOn = (
  decision: Decision,
  outcomes: readonly ActionOutcome[],
  daemon: Daemon & Circumstances,
): Settled => {
  const { configuration } = daemon
  const blocked = isBlockedNow(decision, outcomes, configuration)
  const remains = configuration.dialect === '1.2' ? remains12 : remains2
  return {
    decision,
    outcomes,
    blocked,
    ...remains(decision, outcomes, blocked, daemon),
    remarks: remarksOn(outcomes, blocked),
  }
}
