import type { Action } from '../detector/decision.ts'
import type { Prediction } from '../detector/predict.ts'
import { isRead } from '../policy/ban-view.ts'
import { describeProtector } from './ban-state.ts'
import { describePort, describeSource, PLACE_TITLES, titlesOf } from './ban-table.ts'
import { type Daemons, type Explanation, whyOtherwise } from './explanation.ts'
import { formatTimestamp } from './timestamps.ts'

/** A topic and what there is to say of it, a line each. */
export interface Section {
  readonly topic: string
  readonly lines: readonly string[]
}

const protection = ({ protectors, protectionUnknown }: Explanation): string[] => {
  if (protectionUnknown !== null) return [`not known: ${protectionUnknown}`]
  return protectors.length === 0 ? ['by nothing in config.env'] : protectors.map(describeProtector)
}

const banned = ({ ban, readings, lastScan, historyUnread }: Explanation): string[] => {
  const places = (ban?.places ?? []).map(({ place, where, sinceMs, untilMs }) => {
    const since = sinceMs === null ? '' : `, since ${formatTimestamp(sinceMs)}`
    const until = untilMs === null ? '' : `, until ${formatTimestamp(untilMs)}`
    return `in ${PLACE_TITLES[place]} (${where})${since}${until}`
  })
  const cause =
    ban === null ? [] : [`by ${describeSource(ban)}${ban.port === null ? '' : `, port ${describePort(ban)}`}`]
  const missing = ban === null || ban.missing.length === 0 ? [] : [`MISSING in ${titlesOf(ban.missing)}`]
  const unread = readings
    .filter((reading) => !isRead(reading))
    .map(
      ({ place, bans, remark }) =>
        `${PLACE_TITLES[place]} was not ${bans === null ? 'looked at' : 'read to the end'}: ${remark}`,
    )
  const scan =
    lastScan === null
      ? []
      : [`its last scan in the history: ${formatTimestamp(lastScan.timeMs)}, port ${describePort(lastScan)}`]
  return [
    ...(ban === null ? ['nowhere that was looked at'] : [...cause, ...places, ...missing]),
    ...unread,
    ...scan,
    ...(historyUnread === '' ? [] : [`the history was not read: ${historyUnread}`]),
  ]
}

const firewall = ({ firewall: { state, details } }: Explanation): string[] => {
  if (state === 'banned') return [`${details}: drops what it sends`]
  return state === 'unknown'
    ? [details]
    : ['no ban is in force; other rules were not looked at: portward verify, as root, asks the kernel']
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

const describeProtocols = ({ protocols, atPacket }: Prediction): string[] =>
  protocols.flatMap(({ protocol, port, block, actions }) => {
    if (port === null) return [`${protocol}: it watches no port`]
    const packet = atPacket === 1 ? 'the first packet' : `packet ${atPacket} (SCAN_TRIGGER)`
    const key = `BLOCK_${protocol.toUpperCase()}=${block}`
    const what = actions.length === 0 ? 'it writes its log and history, and does nothing else' : 'it acts'
    const head = `${protocol}: at ${packet} to a watched port, such as ${port}, ${what} (${key})`
    return [head, ...actions.map((action) => `    ${describeAction(action)}`)]
  })

const describeProspect = (prospect: Prediction, { ignoredBy, dialect }: Daemons): string[] => {
  const { mode, verdict } = prospect
  switch (verdict) {
    case 'unseen':
      return [`${mode}: sees no IPv6`]
    case 'ignored':
      return [`${mode}: ignores it by ${ignoredBy}`]
    case 'already-blocked': {
      const goesOn =
        dialect === '1.2' ? 'logs so, and writes no history' : 'writes its history, and does nothing else'
      return [`${mode}: takes it for blocked already: ${goesOn}`]
    }
    case 'act':
      return describeProtocols(prospect).map((line) => (line.startsWith(' ') ? line : `${mode}: ${line}`))
  }
}

/** Under which condition the files tell what portsentry does; null where there is none. */
const conditionOf = (daemons: Daemons): string | null => {
  if (daemons.isRunning === false) return 'DOES NOT RUN; if it did:'
  if (whyOtherwise(daemons) !== null) return 'what it does now is not known; by the files as they are now:'
  return daemons.faults.length > 0 ? 'if it started:' : null
}

const portsentry = (explanation: Explanation): string[] => {
  const { daemons } = explanation
  if (daemons === null) return ['could not be looked at']
  const { deaf, faults, otherConfs, changedSince, prospects, dialect } = daemons
  const condition = conditionOf(daemons)
  const isHidden = dialect === '1.2' && explanation.firewall.state === 'banned'
  return [
    ...Object.entries(deaf).map(([mode, why]) => `${mode} RUNS, BUT DOES NOT WATCH: ${why}; if it did:`),
    ...otherConfs.map((path) => `was told to read ${path}`),
    ...changedSince.map((path) => `was started before ${path} changed: restart it`),
    ...faults.map((fault) => `would not start: ${fault}`),
    ...(condition === null ? [] : [condition]),
    ...(isHidden ? ['does not see what the firewall keeps out; if it did:'] : []),
    ...(prospects.length === 0 ? ['in which modes it should run is not known'] : []),
    ...prospects.flatMap((prospect) => describeProspect(prospect, daemons)),
  ]
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

/** As fail2ban's own files say it. */
const formatBantime = (seconds: number | null): string => {
  if (seconds === null) return 'for a time that it does not tell'
  if (seconds < 0) return 'for ever'
  const [unit, size] = UNITS.find(([, length]) => seconds % length === 0) ?? ['s', 1]
  return `for ${seconds / size}${unit}`
}

const fail2ban = ({ jail, jailFiles }: Explanation): string[] => {
  const files =
    jailFiles?.ignoredBy === null || jailFiles === null ? [] : [`spares it by ${jailFiles.ignoredBy}`]
  if (jail === null) {
    if (jailFiles === null) return ['was not looked at']
    const { isEnabled, bantime } = jailFiles
    return [
      isEnabled
        ? `by its files, bans by what the history has, bantime ${bantime ?? '?'}`
        : 'by its files, has no portsentry jail that is enabled',
      ...files,
    ]
  }
  if (jail.jails === null) return ['does not run, or does not answer']
  const held = jail.holders.map((holder) => `the jail ${holder} holds it now`)
  if (!jail.isLoaded) return ['has no portsentry jail loaded: it bans nobody for a scan', ...held]
  if (jail.ignoredBy !== null)
    return [...held, ...(files.length > 0 ? files : [`spares it by ignoreip ${jail.ignoredBy}`])]
  return [...held, `bans by what the history has, ${formatBantime(jail.bantimeS)}`]
}

/** What hosts.allow and hosts.deny tell one daemon of the host. */
const describeWrapper = ({ daemon, verdict }: Explanation['wrappers'][number], isNamed: boolean): string => {
  if (verdict === null) {
    // 2.x writes IPv6 addresses without brackets.
    return isNamed
      ? `${daemon}: hosts.deny names it in a form that matches nobody: it is let in`
      : `${daemon}: neither file has a rule for it: it is let in`
  }
  const { outcome, path, line } = verdict
  const says = `${daemon}: ${path}${line === null ? '' : `:${line}`}`
  if (outcome === 'deny') return `${says} refuses it`
  return isNamed ? `${says} lets it in; its entry in hosts.deny has no effect` : `${says} lets it in`
}

const wrappers = ({ wrappers: judged, wrapperUnread, wrapped, ban }: Explanation): string[] => {
  const isNamed = ban?.places.some(({ place }) => place === 'hosts.deny') === true
  const verdicts =
    wrapperUnread === ''
      ? judged.map((each) => describeWrapper(each, isNamed))
      : [`not known: ${wrapperUnread}`]
  if (wrapped === null) return [...verdicts, 'a copy of /etc does not show which daemons ask these files']
  return wrapped.length === 0 ? ['no daemon here is known to ask hosts.allow and hosts.deny'] : verdicts
}

/** All that is known, in the order in which a packet meets it. */
export const describeAll = (explanation: Explanation): Section[] => [
  { topic: 'protected', lines: protection(explanation) },
  { topic: 'banned', lines: banned(explanation) },
  { topic: 'firewall', lines: firewall(explanation) },
  { topic: 'portsentry', lines: portsentry(explanation) },
  { topic: 'fail2ban', lines: fail2ban(explanation) },
  { topic: 'wrappers', lines: wrappers(explanation) },
]

const WIDTH = 12

export const renderSections = (sections: readonly Section[]): string =>
  sections
    .flatMap(({ topic, lines }) =>
      lines.map((line, index) => (index === 0 ? topic : '').padEnd(WIDTH) + line),
    )
    .map((line) => `${line}\n`)
    .join('')
