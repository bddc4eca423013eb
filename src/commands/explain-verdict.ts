import type { Action } from '../detector/decision.ts'
import type { Prediction } from '../detector/predict.ts'
import { type BanRow, unreadPlaces } from '../policy/ban-view.ts'
import { describeProtector } from './ban-state.ts'
import { titlesOf } from './ban-table.ts'
import { type Daemons, type Explanation, whyOtherwise } from './explanation.ts'
import { formatTimestamp } from './timestamps.ts'

/** What it comes to, for tools. */
type Verdict =
  | 'banned'
  | 'banned-in-name'
  | 'protected'
  | 'protected-but-banned'
  | 'protected-in-vain'
  | 'ignored'
  | 'would-be-banned'
  | 'would-be-logged'
  | 'unnoticed'
  | 'unknown'

interface Said {
  readonly verdict: Verdict
  readonly text: string
}

/** Whether an action keeps a host out: KILL_RUN_CMD may do anything, such as sending a mail. */
const isBan = ({ kind, option }: Action): boolean => kind !== 'impossible' && option !== 'KILL_RUN_CMD'

/** What of this portsentry would act on the host, as `tcp` or `udp`, and what would not. */
const protocolsOf = (prospects: readonly Prediction[], bans: boolean): string[] => [
  ...new Set(
    prospects
      .filter(({ verdict }) => verdict === 'act')
      .flatMap(({ protocols }) => protocols)
      .filter(({ port, actions }) => port !== null && actions.some(isBan) === bans)
      .map(({ protocol }) => protocol.toUpperCase()),
  ),
]

const runsCommand = (prospects: readonly Prediction[]): boolean =>
  prospects.some(
    ({ verdict, protocols }) =>
      verdict === 'act' &&
      protocols.some(({ actions }) =>
        actions.some(({ kind, option }) => kind === 'command' && option === 'KILL_RUN_CMD'),
      ),
  )

/** Who would ban the host for a new scan, where portsentry runs with its files as they are now. */
const bannersOf = ({ daemons, jail, jailFiles }: Explanation): string[] => {
  const prospects = (daemons?.prospects ?? []).filter(({ mode }) => daemons?.deaf[mode] === undefined)
  const acting = protocolsOf(prospects, true)
  const isPartial = protocolsOf(prospects, false).length > 0
  const hasRoute = prospects.some(({ protocols }) =>
    protocols.some(({ actions }) =>
      actions.some((action) => isBan(action) && action.option === 'KILL_ROUTE'),
    ),
  )
  const limits = [
    ...(isPartial ? [`for ${acting.join(' and ')} only`] : []),
    ...(hasRoute ? [] : ['in hosts.deny only']),
  ]
  const only = limits.length === 0 ? '' : ` (${limits.join(', ')})`
  // 2.x goes on to write its history about hosts that it takes for blocked, 1.2 does not.
  const isWritten = prospects.some(
    ({ verdict }) => verdict === 'act' || (verdict === 'already-blocked' && daemons?.dialect === '2.x'),
  )
  const isJailed =
    jail === null
      ? jailFiles?.isEnabled === true && jailFiles.ignoredBy === null
      : jail.isLoaded && jail.ignoredBy === null
  return [...(acting.length > 0 ? [`portsentry${only}`] : []), ...(isWritten && isJailed ? ['fail2ban'] : [])]
}

const describeBan = ({ ban }: Explanation): string => {
  if (ban === null) return ''
  const since = ban.sinceMs === null ? 'an unknown time' : formatTimestamp(ban.sinceMs)
  if (ban.untilMs === null) return `since ${since}`
  return `since ${since}, ${ban.untilMs === 'for ever' ? ban.untilMs : `until ${formatTimestamp(ban.untilMs)}`}`
}

/**
 * What "not banned" leaves open: places whose bans could not be read, and other jails of fail2ban that hold the host.
 * '' where there is nothing of that.
 */
const describeUnread = ({ readings, jail }: Explanation): string => {
  const unread = unreadPlaces(readings).map(({ place }) => place)
  const holders = (jail?.holders ?? []).filter((name) => name !== 'portsentry')
  return [
    unread.length === 0 ? '' : ` where that could be read (not read: ${titlesOf(unread)})`,
    holders.length === 0 ? '' : ` for a scan (but fail2ban's jail ${holders.join(' and ')} holds it)`,
  ].join('')
}

const onProtected = (explanation: Explanation): Said => {
  const { ban, protectors } = explanation
  const [first] = protectors
  const by = first === undefined ? '' : ` (${describeProtector(first)})`
  if (ban !== null) {
    const places = titlesOf(ban.places.map(({ place }) => place))
    const text = `is protected${by}, AND YET BANNED in ${places}: portward apply, or portward unban, releases it`
    return { verdict: 'protected-but-banned', text }
  }
  const { daemons } = explanation
  const isStopped = daemons !== null && isIdle(daemons)
  if (bannersOf(explanation).length > 0) {
    const once = isStopped ? ' as soon as portsentry runs' : ''
    const text = `is protected${by}, BUT PORTSENTRY DOES NOT IGNORE IT: a scan would get it banned${once}; run portward apply`
    return { verdict: 'protected-in-vain', text }
  }
  if (daemons === null) {
    const text = `is protected${by}, but whether portsentry ignores it is not known: it could not be looked at; no ban was found${describeUnread(explanation)}`
    return { verdict: 'unknown', text }
  }
  const otherwise = whyOtherwise(daemons)
  // 1.2 looks into its ignore list at each packet.
  if (otherwise !== null && daemons.dialect === '2.x') {
    const text = `is protected${by}, but whether the running portsentry ignores it is not known: ${otherwise}; run portward apply`
    return { verdict: 'unknown', text }
  }
  return {
    verdict: 'protected',
    text: `is protected${by}: it may scan and is not banned${describeUnread(explanation)}`,
  }
}

/** Whether no portsentry looks at packets: it does not run, or, in a tree, would not start. */
const isIdle = ({ isRunning, faults }: Daemons): boolean =>
  isRunning === false || (isRunning === null && faults.length > 0)

/** Why nobody would notice a scan, if nobody would. */
const whyUnnoticed = ({ isRunning, deaf, faults, prospects }: Daemons): string | null => {
  const [fault] = faults
  const start = fault === undefined ? '' : `, and would not start (${fault})`
  if (isRunning === false) return `PORTSENTRY DOES NOT RUN${start}: nobody notices a scan`
  if (isRunning === null && fault !== undefined) {
    return `PORTSENTRY WOULD NOT START (${fault}): nobody would notice a scan`
  }
  if (prospects.every(({ mode }) => deaf[mode] !== undefined))
    return `PORTSENTRY RUNS, BUT DOES NOT WATCH (${[...new Set(Object.values(deaf))].join('; ')}): nobody notices a scan`
  if (prospects.every(({ verdict }) => verdict === 'unseen')) {
    return 'a scan is not noticed: portsentry 1.2 sees no IPv6'
  }
  return null
}

/** What a new scan would lead to, for a host that nothing in config.env protects and no place bans. */
const onStranger = (explanation: Explanation): Said => {
  const { daemons } = explanation
  const unread = describeUnread(explanation)
  const isFree = `is not banned${unread}`
  const isStranger =
    explanation.protectionUnknown !== null
      ? `${isFree}; whether config.env protects it is not known`
      : unread === ''
        ? 'is neither banned nor protected'
        : `${isFree}, and not protected`
  if (daemons === null || daemons.prospects.length === 0) {
    const what =
      daemons === null
        ? 'portsentry could not be looked at'
        : 'in which modes portsentry should run is not known'
    return { verdict: 'unknown', text: `${isFree}; ${what}` }
  }
  const unnoticed = whyUnnoticed(daemons)
  if (unnoticed !== null) return { verdict: 'unnoticed', text: `${isFree}; ${unnoticed}` }
  const otherwise = whyOtherwise(daemons)
  if (otherwise !== null) {
    const text = `${isFree}; what a scan would lead to is not known: ${otherwise}`
    return { verdict: 'unknown', text }
  }
  const { dialect, prospects } = daemons
  if (dialect === '1.2' && prospects.every(({ verdict }) => verdict === 'already-blocked')) {
    const text = `${isFree}; portsentry takes it for blocked already: a scan leads to nothing`
    return { verdict: 'unnoticed', text }
  }
  if (daemons.ignoredBy !== null) {
    return { verdict: 'ignored', text: `${isFree}, and portsentry ignores it by ${daemons.ignoredBy}` }
  }
  const banners = bannersOf(explanation)
  if (banners.length === 0) {
    // It may be starting, or hang: once it answers again, it reads what the history has meanwhile.
    const isSilent = explanation.jail !== null && explanation.jail.jails === null
    const what = isSilent
      ? 'portsentry logs a scan and bans nobody; fail2ban does not run, or does not answer'
      : runsCommand(prospects)
        ? 'a scan is logged and KILL_RUN_CMD runs; nothing else bans it'
        : 'a scan is logged, and nothing else'
    return { verdict: 'would-be-logged', text: `${isStranger}: ${what}` }
  }
  const nth = Math.min(...daemons.prospects.map(({ atPacket }) => atPacket))
  // 2.x sees packets before any firewall.
  const doubt =
    daemons.dialect === '1.2' ? ', if the firewall lets that packet in, which was not looked at' : ''
  const when = nth === 1 ? 'the first packet' : `packet ${nth}`
  const byFiles =
    explanation.jail === null && daemons.isRunning !== null && banners.includes('fail2ban')
      ? ' (fail2ban by its files: it was not asked)'
      : ''
  const text = `${isStranger}: ${when} to a watched port gets it banned by ${banners.join(' and ')}${byFiles}${doubt}`
  return { verdict: 'would-be-banned', text }
}

const onBanned = (explanation: Explanation, { missing, places }: BanRow): Said => {
  const { firewall } = explanation
  const since = describeBan(explanation)
  if (firewall.state === 'open') {
    const held = titlesOf(places.map(({ place }) => place))
    const text = `is banned in name (${held}), but NO BAN IN THE FIREWALL KEEPS IT OUT; it was banned ${since}`
    return { verdict: 'banned-in-name', text }
  }
  const gaps = missing.length === 0 ? '' : `, but it is MISSING in ${titlesOf(missing)}`
  const doubt =
    firewall.state === 'banned' ? '' : `; whether the firewall keeps it out is not known: ${firewall.details}`
  return { verdict: 'banned', text: `is banned ${since}${gaps}${doubt}` }
}

/** In a sentence, what an administrator wants to know first; without the address before it. */
export const concludeOn = (explanation: Explanation): Said => {
  if (explanation.protectors.length > 0) return onProtected(explanation)
  return explanation.ban === null ? onStranger(explanation) : onBanned(explanation, explanation.ban)
}
