import type { BansRead } from '../bans/read-bans.ts'
import { renderTable } from '../layout.ts'
import { type BanRow, type BanStore, type StoredBan, type StoreReading, storesIn } from '../policy/banned.ts'
import { styled } from '../styled.ts'
import { formatTimestamp, isoTimestamp } from '../system/timestamps.ts'

const nameOf = (store: BanStore): string => (store === 'blocked-file' ? 'blocked file' : store)

/** Without duplicates, in the given order: a host may be banned twice in one store. */
export const namesOf = (stores: readonly BanStore[]): string => [...new Set(stores)].map(nameOf).join(', ')

export const describePort = ({ port, protocol }: Pick<BanRow, 'port' | 'protocol'>): string =>
  port === null ? '?' : protocol === null ? `${port}` : `${port}/${protocol}`

/** When a ban ends, for people. */
export const describeEnd = (untilMs: BanRow['untilMs']): string =>
  untilMs === 'permanent' ? untilMs : formatTimestamp(untilMs)

/** What banned a host, in a sentence: `by hand`, `by portsentry (atcp)`. */
export const describeBanner = (row: BanRow): string =>
  row.source === 'by hand'
    ? describeSource(row)
    : row.source === 'unknown'
      ? 'by an unknown source'
      : `by ${describeSource(row)}`

/** A history may contain any text that a resolver returned: only the daemon's own words are shown, on one line. */
const describeSource = ({ source, from, mode, reason }: BanRow): string => {
  const isDetected = source === 'portsentry' || source === 'unknown'
  const what = [isDetected ? mode : null, reason].filter((word) => word !== null).join(', ')
  return what === '' ? (from ?? source) : `${from ?? source} (${what})`
}

const describeWhere = ({ where, missing, protectedBy }: BanRow): string =>
  [
    namesOf(where.map(({ store }) => store)),
    ...(missing.length > 0 ? [styled('red', `MISSING in ${namesOf(missing)}`)] : []),
    ...(protectedBy === null ? [] : [styled('red', `PROTECTED by ${protectedBy}`)]),
  ].join('; ')

const cellsOf = (row: BanRow): string[] => [
  row.address,
  formatTimestamp(row.sinceMs),
  describeEnd(row.untilMs),
  row.port === null && (row.source === 'by hand' || row.from !== null) ? '-' : describePort(row),
  describeSource(row),
  describeWhere(row),
]

const HEAD = ['ADDRESS', 'SINCE', 'UNTIL', 'PORT', 'SOURCE', 'WHERE']

/** Stores that may have more bans, each with the reason why it could not be read; '' if there are none. */
const describeIncomplete = (readings: readonly StoreReading[]): string => {
  const incomplete = readings.filter(({ state }) => state === 'incomplete')
  const reasons = incomplete.map(({ store, note }) => `${nameOf(store)} (${note})`)
  return reasons.length === 0 ? '' : `not read: ${reasons.join(', ')}\n`
}

const describeNone = (readings: readonly StoreReading[], incomplete: string): string => {
  const read = namesOf(storesIn(readings, 'read'))
  if (readings.every(({ state }) => state === 'read')) return 'no host is banned\n'
  const found = read === '' ? 'cannot determine whether a host is banned' : `no ban found in ${read}`
  return incomplete === '' ? `${found}\n` : `${found}; ${incomplete}`
}

/** The bans, in columns; then what could not be read. */
export const renderBanTable = (
  rows: readonly BanRow[],
  readings: readonly StoreReading[],
  columns: number,
): string => {
  const incomplete = describeIncomplete(readings)
  if (rows.length === 0) return describeNone(readings, incomplete)
  return renderTable(HEAD, rows.map(cellsOf), columns) + incomplete
}

const recordAsJson = ({ store, detail, sinceMs, untilMs, port, protocol, mode }: StoredBan): object => {
  const [since, until] = [isoTimestamp(sinceMs), isoTimestamp(untilMs)]
  return { store, detail, port, protocol, mode, since, until }
}

/** A ban with each store's record of it; times as ISO 8601. */
export const banAsJson = (row: BanRow): object => {
  const { address, source, from, mode, port, protocol, reason, missing, protectedBy } = row
  const where = row.where.map(recordAsJson)
  const since = isoTimestamp(row.sinceMs)
  const until = row.untilMs === 'permanent' ? row.untilMs : isoTimestamp(row.untilMs)
  return { address, source, from, mode, port, protocol, reason, where, missing, protectedBy, since, until }
}

/** What could not be read, and other remarks, one a line. */
export const notesOn = ({ stores, historyUnread }: Pick<BansRead, 'stores' | 'historyUnread'>): string[] => [
  ...stores
    .filter(({ note }) => note !== '')
    .map(({ store, state, note }) => `${nameOf(store)}${state === 'read' ? '' : ' was not read'}: ${note}`),
  ...(historyUnread === '' ? [] : [`the history was not read: ${historyUnread}`]),
]

export const storesAsJson = (readings: readonly StoreReading[]): object[] =>
  readings.map(({ store, state, bans, isExpected, note }) => ({
    store,
    state,
    expected: isExpected,
    bans: bans.length,
    note,
  }))
