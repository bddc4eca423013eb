import type { Action } from '../detector/decision.ts'
import type { Prediction } from '../detector/predict.ts'
import type { Section } from '../layout.ts'
import { banTimeInWords } from '../plan/phrases.ts'
import { describeProtector } from '../policy/protection.ts'
import { formatTimestamp } from '../system/timestamps.ts'
import { describeBanner, describePort, namesOf, notesOn } from './ban-table.ts'
import { type Daemons, type Explanation, whyUncertain } from './explanation.ts'

const describeProtection = ({ protectors, protectionUnknown }: Explanation): string[] => {
  if (protectionUnknown !== null) return [`cannot be determined: ${protectionUnknown}`]
  return protectors.length === 0
    ? ['no: nothing in config.env protects it']
    : protectors.map(describeProtector)
}

const describeBans = (explanation: Explanation): string[] => {
  const { ban, stores, lastScan } = explanation
  const where = (ban?.where ?? []).map(({ store, detail, sinceMs, untilMs }) => {
    const since = sinceMs === null ? '' : `, since ${formatTimestamp(sinceMs)}`
    const until = untilMs === null ? '' : `, until ${formatTimestamp(untilMs)}`
    return `in ${namesOf([store])} (${detail})${since}${until}`
  })
  const source =
    ban === null
      ? ['no: not found in any store that could be read']
      : [`${describeBanner(ban)}${ban.port === null ? '' : `, port ${describePort(ban)}`}`]
  const missing = ban === null || ban.missing.length === 0 ? [] : [`MISSING in ${namesOf(ban.missing)}`]
  const scan =
    lastScan === null
      ? []
      : [`its last scan in the history: ${formatTimestamp(lastScan.timeMs)}, port ${describePort(lastScan)}`]
  const unread = stores.filter(({ state }) => state !== 'read')
  return [...source, ...where, ...missing, ...notesOn({ ...explanation, stores: unread }), ...scan]
}

const describeFirewall = ({ firewall: { state, details } }: Explanation): string[] => {
  if (state === 'banned') return [`${details}: drops its packets`]
  return state === 'unknown'
    ? [details]
    : ['no ban is in force; other rules were not checked: portward verify tests them']
}

const describeAction = (action: Action): string => {
  switch (action.kind) {
    case 'hosts-deny':
      return `${action.option} writes: ${action.line}`
    case 'command':
      return `${action.option} runs: ${action.command}`
    case 'impossible':
      return `${action.option} does nothing: ${action.reason}`
  }
}

const describeProtocols = ({ mode, protocols, atPacket }: Prediction): string[] =>
  protocols.flatMap(({ protocol, port, block, actions }) => {
    if (port === null) return [`${mode}, ${protocol}: it does not watch any port`]
    const packet = atPacket === 1 ? 'the first packet' : `packet ${atPacket} (SCAN_TRIGGER)`
    const key = `BLOCK_${protocol.toUpperCase()}=${block}`
    const what = actions.length === 0 ? 'it only writes its log and history' : 'it acts'
    const head = `${mode}, ${protocol}: at ${packet} to a watched port (such as ${port}) ${what} (${key})`
    return [head, ...actions.map((action) => `    ${describeAction(action)}`)]
  })

const describePrediction = (prediction: Prediction, { ignoredBy, dialect }: Daemons): string[] => {
  const { mode, verdict } = prediction
  switch (verdict) {
    case 'unseen':
      return [`${mode}: does not see IPv6`]
    case 'ignored':
      return [`${mode}: ignores it by ${ignoredBy}`]
    case 'already-blocked': {
      const reaction =
        dialect === '1.2' ? 'logs that, and does not write its history' : 'only writes its history'
      return [`${mode}: considers it already blocked: ${reaction}`]
    }
    case 'act':
      return describeProtocols(prediction)
  }
}

/** The condition under which the predictions from the files hold. */
const describeCondition = (daemons: Daemons, isBanned: boolean): string[] => {
  const { isRunning, faults, dialect } = daemons
  if (isRunning === false) return ['IS NOT RUNNING; if it did:']
  if (whyUncertain(daemons) !== null) return ['according to its current files, which it may not have read:']
  if (faults.length > 0) return ['if it started:']
  return dialect === '1.2' && isBanned ? ['does not see packets that the firewall drops; if it did:'] : []
}

const describePortsentry = ({ daemons, firewall }: Explanation): string[] => {
  if (daemons === null) return ['could not be checked']
  const { deaf, faults, stale, predictions } = daemons
  return [
    ...Object.entries(deaf).map(
      ([mode, why]) => `${mode} IS RUNNING, BUT DOES NOT WATCH: ${why}; if it did:`,
    ),
    ...stale,
    ...faults.map((fault) => `would not start: ${fault}`),
    ...describeCondition(daemons, firewall.state === 'banned'),
    ...(predictions.length === 0 ? ['its modes cannot be determined'] : []),
    ...predictions.flatMap((prediction) => describePrediction(prediction, daemons)),
  ]
}

const describeFail2ban = ({ jail, jailFiles }: Explanation): string[] => {
  const { isEnabled, bantime, ignoredBy } = jailFiles
  const unread = (jail ?? jailFiles).ignoreipUnread.map((which) => `not checked: ${which}`)
  const ignores = ignoredBy === null ? [] : [`ignores it by ${ignoredBy}`]
  if (jail === null) {
    const byFiles = isEnabled
      ? `according to its files, it bans the hosts in portsentry's history (bantime ${bantime ?? 'unknown'})`
      : 'according to its files, it has no enabled portsentry jail'
    return [byFiles, ...ignores, ...unread]
  }
  if (jail.jails === null) return ['is not running, or does not answer']
  const bans = jail.bannedBy.map((name) => `the jail ${name} has banned it`)
  if (jail.bantimeS === null) return ['has not loaded a portsentry jail: it bans nobody for a scan', ...bans]
  if (jail.ignoredBy === null)
    return [...bans, `bans the hosts in portsentry's history, ${banTimeInWords(jail.bantimeS)}`, ...unread]
  return [...bans, ...(ignores.length > 0 ? ignores : [`ignores it by ignoreip ${jail.ignoredBy}`])]
}

/** Whether hosts.allow and hosts.deny let the host in to one daemon. */
const describeWrapper = ({ daemon, verdict }: Explanation['wrappers'][number], isNamed: boolean): string => {
  if (verdict === null) {
    // 2.x writes IPv6 addresses without brackets.
    return isNamed
      ? `${daemon}: hosts.deny names it in a form that matches nothing: it is let in`
      : `${daemon}: neither file has a rule for it: it is let in`
  }
  const { outcome, path, line } = verdict
  const says = `${daemon}: ${path}${line === null ? '' : `:${line}`}`
  if (outcome === 'deny') return `${says} refuses it`
  return `${says} lets it in${isNamed ? '; its entry in hosts.deny has no effect' : ''}`
}

const describeWrappers = ({ wrappers, wrapperUnread, wrapped, ban }: Explanation): string[] => {
  if (wrapped?.length === 0) return ['no daemon here is known to use hosts.allow and hosts.deny']
  const isNamed = ban?.where.some(({ store }) => store === 'hosts.deny') === true
  const verdicts =
    wrapperUnread === ''
      ? wrappers.map((each) => describeWrapper(each, isNamed))
      : [`unknown: ${wrapperUnread}`]
  return wrapped === null
    ? [...verdicts, 'a copy of /etc does not show which daemons use these files']
    : verdicts
}

/** All that is known, in the order in which a packet passes it. */
export const describeAll = (explanation: Explanation): Section[] => [
  { topic: 'protected', lines: describeProtection(explanation) },
  { topic: 'banned', lines: describeBans(explanation) },
  { topic: 'firewall', lines: describeFirewall(explanation) },
  { topic: 'portsentry', lines: describePortsentry(explanation) },
  { topic: 'fail2ban', lines: describeFail2ban(explanation) },
  { topic: 'hosts.allow', lines: describeWrappers(explanation) },
]
