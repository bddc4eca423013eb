import type { Action } from '../detector/decision.ts'
import { type BanRow, storesIn } from '../policy/banned.ts'
import { describeProtector } from '../policy/protection.ts'
import type { Style } from '../styled.ts'
import { formatTimestamp } from '../system/timestamps.ts'
import { describeEnd, namesOf } from './ban-table.ts'
import { type Daemons, type Explanation, whyUncertain, wouldJail } from './explanation.ts'

/** The result, for programs. */
type Verdict =
  | 'banned'
  | 'ban-not-in-force'
  | 'protected'
  | 'protected-but-banned'
  | 'protected-but-not-ignored'
  | 'ignored'
  | 'would-be-banned'
  | 'would-be-logged'
  | 'undetected'
  | 'unknown'

/** Green: as it should be; red: it is not; yellow: it may not be. */
export const VERDICT_STYLES: Readonly<Record<Verdict, Style>> = {
  banned: 'green',
  'ban-not-in-force': 'red',
  protected: 'green',
  'protected-but-banned': 'red',
  'protected-but-not-ignored': 'red',
  ignored: 'yellow',
  'would-be-banned': 'green',
  'would-be-logged': 'yellow',
  undetected: 'red',
  unknown: 'yellow',
}

interface Conclusion {
  readonly verdict: Verdict
  readonly text: string
}

const conclude = (verdict: Verdict, text: string): Conclusion => ({ verdict, text })

/** The predictions of the daemons that can detect a scan. */
const detecting = ({ predictions, deaf }: Daemons): Daemons['predictions'] =>
  predictions.filter(({ mode }) => deaf[mode] === undefined)

/** What portsentry does about a scan from the host. */
const actionsIn = (daemons: Daemons): Action[] =>
  detecting(daemons)
    .filter(({ verdict }) => verdict === 'act')
    .flatMap(({ protocols }) => protocols.flatMap(({ actions }) => actions))
    .filter(({ kind }) => kind !== 'impossible')

/** What would ban the host for a new scan, if portsentry is running with its current files. */
const bannersOf = (explanation: Explanation): string[] => {
  const { daemons } = explanation
  if (daemons === null) return []
  // KILL_RUN_CMD may do anything, such as sending a mail.
  const options = new Set(actionsIn(daemons).map(({ option }) => option))
  const portsentry = options.has('KILL_ROUTE')
    ? ['portsentry']
    : options.has('KILL_HOSTS_DENY')
      ? ['portsentry (in hosts.deny only)']
      : []
  // 2.x still writes its history about hosts that it considers blocked, 1.2 does not.
  const isWritten = detecting(daemons).some(
    ({ verdict }) => verdict === 'act' || (verdict === 'already-blocked' && daemons.dialect === '2.x'),
  )
  return [...portsentry, ...(isWritten && wouldJail(explanation) ? ['fail2ban'] : [])]
}

/**
 * What qualifies "not banned": stores that could not be read, and other jails of fail2ban that have banned the host.
 * '' if there are none.
 */
const describeGaps = ({ stores, jail }: Explanation): string => {
  const incomplete = storesIn(stores, 'incomplete')
  const others = (jail?.bannedBy ?? []).filter((name) => name !== 'portsentry')
  return [
    incomplete.length === 0 ? '' : ` where that could be read (not read: ${namesOf(incomplete)})`,
    others.length === 0 ? '' : ` for a scan (but fail2ban's jail ${others.join(' and ')} has banned it)`,
  ].join('')
}

const onProtected = (explanation: Explanation): Conclusion => {
  const { ban, protectors, daemons } = explanation
  const [first] = protectors
  const isProtected = `is protected${first === undefined ? '' : ` (${describeProtector(first)})`}`
  if (ban !== null) {
    const where = namesOf(ban.where.map(({ store }) => store))
    return conclude(
      'protected-but-banned',
      `${isProtected}, BUT BANNED in ${where}: portward apply, or portward unban, releases it`,
    )
  }
  const gaps = describeGaps(explanation)
  if (daemons === null)
    return conclude(
      'unknown',
      `${isProtected}; could not check portsentry, which may not ignore it; no ban found${gaps}`,
    )
  if (bannersOf(explanation).length > 0) {
    const once = isIdle(daemons) ? ' as soon as portsentry runs' : ''
    return conclude(
      'protected-but-not-ignored',
      `${isProtected}, BUT PORTSENTRY DOES NOT IGNORE IT: a scan would get it banned${once}; run portward apply`,
    )
  }
  const uncertain = whyUncertain(daemons)
  // 1.2 reads its ignore list for each packet.
  if (uncertain !== null && daemons.dialect === '2.x')
    return conclude(
      'unknown',
      `${isProtected}; the running portsentry may not ignore it: ${uncertain}; run portward apply`,
    )
  return conclude('protected', `${isProtected}: it may scan and is not banned${gaps}`)
}

/** Whether no portsentry receives packets: it is not running or, in a tree, would not start. */
const isIdle = ({ isRunning, faults }: Daemons): boolean =>
  isRunning === false || (isRunning === null && faults.length > 0)

/** Why a scan is not detected; null if it is. */
const whyUndetected = (daemons: Daemons): string | null => {
  const { isRunning, deaf, faults, predictions } = daemons
  if (isIdle(daemons)) {
    const fault = faults.length === 0 ? '' : ` (${faults[0]})`
    const starts = isRunning === null ? 'WOULD NOT START' : 'IS NOT RUNNING, and would not start'
    return `PORTSENTRY ${fault === '' ? 'IS NOT RUNNING' : `${starts}${fault}`}: a scan is not detected`
  }
  if (detecting(daemons).length === 0)
    return `PORTSENTRY IS RUNNING, BUT DOES NOT WATCH (${[...new Set(Object.values(deaf))].join('; ')}): a scan is not detected`
  return predictions.every(({ verdict }) => verdict === 'unseen')
    ? 'a scan is not detected: portsentry 1.2 does not see IPv6'
    : null
}

/** Why nothing bans the host although a scan is detected. */
const describeLogging = ({ jail }: Explanation, daemons: Daemons): string => {
  // It may be starting or hanging: once it answers again, it reads what was added to the history.
  if (jail !== null && jail.jails === null)
    return 'portsentry logs a scan and does not ban; fail2ban is not running, or does not answer'
  return actionsIn(daemons).some(({ option }) => option === 'KILL_RUN_CMD')
    ? 'a scan is logged and KILL_RUN_CMD runs; nothing else bans it'
    : 'a scan is only logged'
}

/** What a new scan would lead to, for an unprotected host that is not banned. */
const onUnprotected = (explanation: Explanation): Conclusion => {
  const { daemons, jail, protectionUnknown } = explanation
  const notBanned = `is not banned${describeGaps(explanation)}`
  if (daemons === null) return conclude('unknown', `${notBanned}; could not check portsentry`)
  const { dialect, predictions, ignoredBy, isRunning } = daemons
  if (predictions.length === 0)
    return conclude('unknown', `${notBanned}; cannot determine portsentry's modes`)
  const undetected = whyUndetected(daemons)
  if (undetected !== null) return conclude('undetected', `${notBanned}; ${undetected}`)
  const uncertain = whyUncertain(daemons)
  if (uncertain !== null)
    return conclude('unknown', `${notBanned}; cannot determine what a scan would lead to: ${uncertain}`)
  if (dialect === '1.2' && predictions.every(({ verdict }) => verdict === 'already-blocked'))
    return conclude(
      'undetected',
      `${notBanned}; portsentry considers it already blocked: a scan has no effect`,
    )
  if (ignoredBy !== null)
    return conclude('ignored', `${notBanned}, and portsentry ignores it by ${ignoredBy}`)
  const banners = bannersOf(explanation)
  const isUnprotected =
    protectionUnknown === null
      ? `${notBanned} and not protected`
      : `${notBanned}; cannot determine protected hosts`
  if (banners.length === 0)
    return conclude('would-be-logged', `${isUnprotected}: ${describeLogging(explanation, daemons)}`)
  const nth = Math.min(...predictions.map(({ atPacket }) => atPacket))
  const when = nth === 1 ? 'the first packet' : `packet ${nth}`
  const isByFiles = jail === null && isRunning !== null && banners.includes('fail2ban')
  const byFiles = isByFiles ? ' (fail2ban according to its files: the running one was not asked)' : ''
  // 2.x sees packets before any firewall.
  const doubt = dialect === '1.2' ? ', if the firewall lets that packet in, which was not checked' : ''
  return conclude(
    'would-be-banned',
    `${isUnprotected}: ${when} to a watched port gets it banned by ${banners.join(' and ')}${byFiles}${doubt}`,
  )
}

const describeTimes = ({ sinceMs, untilMs }: BanRow): string => {
  const since = `since ${sinceMs === null ? 'an unknown time' : formatTimestamp(sinceMs)}`
  if (untilMs === null) return since
  return `${since}, ${untilMs === 'permanent' ? untilMs : `until ${describeEnd(untilMs)}`}`
}

const onBanned = ({ firewall }: Explanation, ban: BanRow): Conclusion => {
  const { missing, where } = ban
  if (firewall.state === 'open') {
    const stores = namesOf(where.map(({ store }) => store))
    return conclude(
      'ban-not-in-force',
      `is banned in ${stores}, but NOT BLOCKED BY THE FIREWALL; it was banned ${describeTimes(ban)}`,
    )
  }
  const gaps = missing.length === 0 ? '' : `, but MISSING in ${namesOf(missing)}`
  const doubt =
    firewall.state === 'banned'
      ? ''
      : `; cannot determine whether the firewall blocks it (${firewall.details})`
  return conclude('banned', `is banned ${describeTimes(ban)}${gaps}${doubt}`)
}

/** What an administrator wants to know first, as a sentence that follows the address. */
export const concludeFrom = (explanation: Explanation): Conclusion => {
  if (explanation.protectors.length > 0) return onProtected(explanation)
  return explanation.ban === null ? onUnprotected(explanation) : onBanned(explanation, explanation.ban)
}
