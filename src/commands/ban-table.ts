import { type BanRow, isRead, type PlaceName, type PlaceReading, unreadPlaces } from '../policy/ban-view.ts'
import { formatTimestamp, isoTimestamp } from './timestamps.ts'

/** The places in the words of an administrator. */
export const PLACE_TITLES: Readonly<Record<PlaceName, string>> = {
  fail2ban: 'fail2ban',
  'blocked-file': 'blocked file',
  'hosts.deny': 'hosts.deny',
  firewall: 'firewall',
}

/** Each once, in the order given: a host may be banned twice in one place. */
export const titlesOf = (places: readonly PlaceName[]): string =>
  [...new Set(places)].map((place) => PLACE_TITLES[place]).join(', ')

export const describePort = ({ port, protocol }: Pick<BanRow, 'port' | 'protocol'>): string =>
  port === null ? '?' : protocol === null ? `${port}` : `${port}/${protocol}`

/** A history may hold whatever a resolver gave; the daemon's own words alone are shown, and these on one line. */
export const describeSource = ({ source, mode, reason }: BanRow): string => {
  if (source === 'by hand') return source
  const what = [...(mode === null ? [] : [mode]), ...(reason === null ? [] : [reason])].join(', ')
  return what === '' ? source : `${source} (${what})`
}

const describePlaces = ({ places, missing, protectedBy }: BanRow): string =>
  [
    titlesOf(places.map(({ place }) => place)),
    ...(missing.length > 0 ? [`MISSING in ${titlesOf(missing)}`] : []),
    ...(protectedBy === null ? [] : [`PROTECTED by ${protectedBy}`]),
  ].join('; ')

const HEAD = ['ADDRESS', 'SINCE', 'UNTIL', 'PORT', 'SOURCE', 'PLACES']

/** Places that may hold more bans, each with why it could not be read; '' where there are none. */
const describeUnread = (readings: readonly PlaceReading[]): string => {
  const unread = unreadPlaces(readings).map(({ place, remark }) => `${PLACE_TITLES[place]} (${remark})`)
  return unread.length === 0 ? '' : `not read: ${unread.join(', ')}\n`
}

/** One line a ban, columns under their heads; the last is free. Then what could not be read. */
export const renderBanTable = (rows: readonly BanRow[], readings: readonly PlaceReading[]): string => {
  const unread = describeUnread(readings)
  if (rows.length === 0) {
    const read = titlesOf(readings.filter(isRead).map(({ place }) => place))
    if (readings.every(isRead)) return 'nobody is banned\n'
    const found = read === '' ? 'whether anybody is banned is not known' : `no ban found in ${read}`
    return unread === '' ? `${found}\n` : `${found}; ${unread}`
  }
  const cells = rows.map((row) => [
    row.address,
    formatTimestamp(row.sinceMs),
    row.untilMs === 'for ever' ? row.untilMs : formatTimestamp(row.untilMs),
    describePort(row),
    describeSource(row),
    describePlaces(row),
  ])
  const widths = HEAD.map((head, column) =>
    cells.reduce((most, line) => Math.max(most, line[column]?.length ?? 0), head.length),
  )
  return [HEAD, ...cells]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
    .concat(unread)
}

export const banAsJson = ({ sinceMs, untilMs, places, ...row }: BanRow): object => ({
  ...row,
  since: isoTimestamp(sinceMs),
  until: untilMs === 'for ever' ? untilMs : isoTimestamp(untilMs),
  places: places.map(({ sinceMs: began, untilMs: ends, ...place }) => ({
    ...place,
    since: isoTimestamp(began),
    until: isoTimestamp(ends),
  })),
})

/** What could not be looked at, and what else there is to say, a line each. */
export const remarksOn = (readings: readonly PlaceReading[]): string[] =>
  readings
    .filter(({ remark }) => remark !== '')
    .map(({ place, bans, remark }) =>
      bans === null
        ? `${PLACE_TITLES[place]} was not looked at: ${remark}`
        : `${PLACE_TITLES[place]}: ${remark}`,
    )

export const placesAsJson = (readings: readonly PlaceReading[]): object[] =>
  readings.map(({ place, bans, isExpected, isUnknown, remark }) => ({
    place,
    lookedAt: bans !== null && isUnknown !== true,
    expected: isExpected,
    bans: bans?.length ?? null,
    remark,
  }))
