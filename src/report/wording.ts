import type { LocalClock } from './buckets.ts'
import { momentOf } from './moments.ts'
import type { AtLeast, PortCount, Report, Sources } from './report.ts'

/** `1,024` */
export const count = (number: number): string => number.toLocaleString('en')

/** `3`, or `≥ 3` where some were not counted. */
export const atLeast = ({ count: known, missed }: AtLeast): string =>
  missed === 0 ? count(known) : `≥ ${count(known)}`

/** `1 host`, `1,024 hosts`. */
export const plural = (number: number, word: string): string =>
  `${count(number)} ${word}${number === 1 ? '' : 's'}`

export const portName = ({ port, protocol, service }: PortCount): string =>
  `${port}/${protocol}${service === null ? '' : ` ${service}`}`

const noScan = ({ sinceMs }: Report, { history }: Sources, local: LocalClock): string => {
  const { state, note, files } = history
  if (state === 'unknown') return `Scans: not checked: ${note}.`
  if (state === 'absent') return `No scan was recorded: ${note}.`
  if (state === 'read') return `No scan was recorded since ${momentOf(sinceMs, local)}.`
  const reasons = files.flatMap((file) => (file.note === '' ? [] : [`${file.path}: ${file.note}`]))
  return `Scans: not checked: ${[note, ...reasons].filter(Boolean).join('; ')}.`
}

const scanLine = (report: Report, sources: Sources, local: LocalClock): string => {
  const { totals, isExact } = report
  const { scans, hosts, ports, records, firstMs, lastMs } = totals
  if (firstMs === null || lastMs === null) return noScan(report, sources, local)
  const about = isExact ? '' : 'about '
  const what = `${about}${plural(scans, 'scan')} by ${about}${plural(hosts, 'host')} on ${plural(ports, 'port')}, in ${plural(records, 'record')}`
  return `${what}; the first ${momentOf(firstMs, local)}, the last ${momentOf(lastMs, local)}.`
}

/** Whether there is anything to say of scans, and of bans: none that were found where not all could be read are not none. */
export const isKnown = ({ totals }: Report, { history, database }: Sources) => ({
  scans: history.files.length > 0 && (history.state === 'read' || totals.scans > 0),
  bans:
    database.state === 'read' || (database.state === 'incomplete' && totals.bans + totals.bannedHosts > 0),
})

const banLine = (report: Report, sources: Sources): string => {
  const { totals } = report
  const { database } = sources
  if (!isKnown(report, sources).bans) return `Bans: not checked: ${database.note}.`
  const gap = database.state === 'incomplete' ? ` (not all were read: ${database.note})` : ''
  const now = `${plural(totals.bannedHosts, 'host')} still banned at the end of it`
  return totals.bans === 0
    ? `No ban was recorded in this time; ${now}${gap}.`
    : `${plural(totals.bans, 'ban')} in this time; ${now}${gap}.`
}

const otherLine = ({ totals }: Report): string[] => {
  const parts = [
    ...(totals.ignored === 0 ? [] : [`${plural(totals.ignored, 'record')} of hosts that portsentry ignores`]),
    ...(totals.belowTrigger === 0 ? [] : [`${plural(totals.belowTrigger, 'record')} below SCAN_TRIGGER`]),
  ]
  return parts.length === 0 ? [] : [`Not counted: ${parts.join(', ')}.`]
}

/** The head and the rows of the repeat offenders, without a column for what was not looked at. */
export const offenderTable = (
  offenders: Report['offenders'],
  { history, database }: Sources,
  local: LocalClock,
): { readonly head: string[]; readonly rows: string[][] } => {
  const [hasScans, hasBans] = [history.files.length > 0, database.state !== 'absent']
  const pick = (address: string, scans: string, bans: string, last: string): string[] => [
    address,
    ...(hasScans ? [scans] : []),
    ...(hasBans ? [bans] : []),
    last,
  ]
  return {
    head: pick('Host', 'Scans', 'Bans', 'Last'),
    rows: offenders.map(({ address, scans, bans, lastMs }) =>
      pick(address, atLeast(scans), atLeast(bans), momentOf(lastMs, local)),
    ),
  }
}

/** What happened, in sentences. */
export const headline = (report: Report, sources: Sources, local: LocalClock): string[] => [
  scanLine(report, sources, local),
  banLine(report, sources),
  ...otherLine(report),
]

const historyRemarks = ({ sinceMs }: Report, { history }: Sources, local: LocalClock): string[] => {
  const { path, files, state, beginMs, isEmptiedAtStart } = history
  if (files.length === 0) return []
  // After a rotation the daemon makes a new one with its next record.
  const rotated = files.filter((file) => file.path !== path).length
  const parts = [
    ...(rotated < files.length ? [path] : []),
    ...(rotated === 0 ? [] : [plural(rotated, 'rotated file')]),
  ]
  const names = parts.join(' and ') + (rotated < files.length ? '' : ` of ${path}`)
  const unread = files.filter(({ note }) => note !== '').map((file) => `${file.path}: ${file.note}.`)
  const others = files.reduce((sum, file) => sum + file.otherLines, 0)
  const range =
    beginMs === null
      ? 'without a record so far'
      : `with records since ${momentOf(beginMs, local)}${beginMs > sinceMs ? '; what was before is not known' : ''}`
  return [
    ...(beginMs === null && state === 'incomplete' ? [] : [`Scans: ${names}, ${range}.`]),
    ...(isEmptiedAtStart
      ? [
          'portsentry 2 empties its history when it starts: what was before its last start is in rotated files at most.',
        ]
      : []),
    ...unread,
    ...(others === 0
      ? []
      : [`Not counted: ${plural(others, 'line')} of the history (not in portsentry's format).`]),
  ]
}

const banRemarks = ({ sinceMs, untilMs }: Report, { database }: Sources): string[] => {
  const { path, state, keeps, keepsMs } = database
  if (state === 'absent') return []
  const missing =
    keepsMs < untilMs - sinceMs
      ? `, and of older ones each host's latest at most: there may have been more`
      : ''
  return [
    `Bans: ${path}. fail2ban keeps bans of the last ${keeps} (dbpurgeage)${missing}. It forgets those of a host that is unbanned by hand.`,
  ]
}

/** What the numbers rest on, and what they do not show. */
export const remarks = (report: Report, sources: Sources, local: LocalClock): string[] => [
  ...historyRemarks(report, sources, local),
  ...banRemarks(report, sources),
  ...(report.totals.scans === 0 ? [] : ['A scan is all that one host does without a pause of ten minutes.']),
  ...(report.isExact
    ? []
    : [
        'There were too many hosts to tell all of them apart: numbers of hosts and scans are approximate, and rather too high.',
      ]),
]
