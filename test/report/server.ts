import type { HistoryEvent } from '../../src/detector/history-reader.ts'
import type { BanRecord } from '../../src/facts/ban-records.ts'
import type { Report, Sources } from '../../src/report/report.ts'
import { createTally } from '../../src/report/tally.ts'
import { clockOf } from './clocks.ts'

export const UTC = clockOf('UTC')
export const UNTIL = Date.UTC(2026, 10, 28, 12)
export const SINCE = UNTIL - 7 * 86_400_000

const HOUR = 3_600_000

/** So many hours before the end of the period. */
export const ago = (hours: number): number => UNTIL - hours * HOUR

export const record = (host: string, hours: number, more: Partial<HistoryEvent> = {}): HistoryEvent => ({
  ...{ host, timeMs: ago(hours), protocol: 'tcp', port: 23, scan: null },
  ...{ isCounted: true, isIgnored: false, isBlocked: true },
  ...more,
})

export const ban = (address: string, hours: number, lengthMs: number | null, count = 1): BanRecord => ({
  address,
  sinceMs: ago(hours),
  untilMs: lengthMs === null ? null : ago(hours) + lengthMs,
  count,
  isLatest: true,
})

const SERVICES: Readonly<Record<string, string>> = { '23/tcp': 'telnet', '22/tcp': 'ssh' }

export const reportOf = (
  records: readonly HistoryEvent[],
  bans: readonly BanRecord[] = [],
  bound?: number,
  sinceMs = SINCE,
): Report => {
  const tally = createTally({
    ...{ sinceMs, untilMs: UNTIL, seed: 1, local: UTC },
    serviceOf: (port, protocol) => SERVICES[`${port}/${protocol}`] ?? null,
    ...(bound === undefined ? {} : { bound }),
  })
  for (const each of records) tally.addRecord(each)
  for (const each of bans) tally.addBan(each)
  return tally.finish()
}

const HISTORY = '/var/lib/portsentry/portsentry.history'

export const SOURCES: Sources = {
  history: {
    path: HISTORY,
    files: [{ path: HISTORY, records: 100, otherLines: 0, note: '' }],
    ...{ state: 'read', note: '', beginMs: SINCE - 5 * HOUR, isEmptiedAtStart: false },
  },
  database: {
    ...{ path: '/var/lib/fail2ban/fail2ban.sqlite3', state: 'read', note: '' },
    ...{ keeps: '1d', keepsMs: 24 * HOUR },
  },
}

/** A week on a server on the internet. */
export const busyWeek = (): Report => {
  const records: HistoryEvent[] = []
  const bans: BanRecord[] = []
  for (let index = 0; index < 600; index += 1) {
    const hours = 167 - (index * 7919) / 600 / 48
    const host = index % 5 === 0 ? `203.0.113.${index % 40}` : `198.51.${index % 100}.${index % 250}`
    const port = [23, 22, 80, 445, 3389, 8080, 5060, 21, 1433, 6379, 25, 110, 143][index % 13] as number
    records.push(record(host, hours, { port, protocol: port === 5060 ? 'udp' : 'tcp' }))
    if (index % 3 === 0)
      bans.push(ban(host, hours, [600_000, HOUR, 24 * HOUR, null][index % 4] as number | null))
  }
  records.push(record('192.168.1.30', 3, { isCounted: false, isIgnored: true }))
  return reportOf(records, bans)
}
