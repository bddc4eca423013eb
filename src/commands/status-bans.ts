import { isRead, type PlaceName, unreadPlaces, viewBans } from '../policy/ban-view.ts'
import { type ScanSummary, summarizeScans } from '../policy/scan-summary.ts'
import type { Assessment } from './assess.ts'
import { type BanState, readBanState } from './ban-state.ts'
import { describePort, remarksOn, titlesOf } from './ban-table.ts'
import { formatTimestamp, isoTimestamp } from './timestamps.ts'

/** Entries of each list. */
const MOST = 5

/** The part of a status that is about bans and scans. */
export interface BanStatus {
  /** Hosts that are banned somewhere, and how many of these some place lacks. */
  readonly banned: number
  readonly incomplete: number
  /** Whether every place could be looked at. */
  readonly isWhole: boolean
  /** Places that may hold more bans, but could not be read. */
  readonly unread: readonly PlaceName[]
  /** Null: there is no history that can be read. */
  readonly scans: ScanSummary | null
  /** What was not looked at. */
  readonly remarks: readonly string[]
}

const describe = ({ readings, history }: BanState, nowMs: number): BanStatus => {
  const scans = history.events?.filter(({ isCounted }) => isCounted) ?? null
  const rows = viewBans(readings, scans, () => null)
  return {
    banned: rows.length,
    incomplete: rows.filter(({ missing }) => missing.length > 0).length,
    isWhole: readings.every(isRead),
    unread: unreadPlaces(readings).map(({ place }) => place),
    scans: scans === null ? null : summarizeScans(scans, nowMs, MOST),
    remarks: [
      ...remarksOn(readings),
      ...(history.remark === '' ? [] : [`the history was not read: ${history.remark}`]),
    ],
  }
}

export const readBanStatus = async (assessment: Assessment): Promise<BanStatus> =>
  describe(await readBanState(assessment), Date.now())

const describeWeek = (scans: ScanSummary | null): string => {
  if (scans === null) return 'the history was not read'
  const reach =
    scans.sinceMs === null
      ? 'the history holds no scan that counts'
      : `history since ${formatTimestamp(scans.sinceMs)}`
  return `${scans.hostsThisWeek} noticed this week (${reach})`
}

/** Lines of a status, each with its topic. */
export const renderBanStatus = ({
  banned,
  incomplete,
  isWhole,
  unread,
  scans,
}: BanStatus): (readonly [string, string])[] => {
  const gaps = incomplete === 0 ? '' : `, ${incomplete} NOT IN EVERY PLACE (portward bans)`
  const last = (scans?.lastScans ?? []).map(
    (scan) => `${formatTimestamp(scan.timeMs)} ${scan.host} ${describePort(scan)}`,
  )
  const ports = (scans?.ports ?? []).map((port) => `${describePort(port)} (${port.hosts})`)
  return [
    [
      'bans',
      `${banned} ${unread.length > 0 ? `found, but not read: ${titlesOf(unread)}` : `now${isWhole ? '' : ', of the places that could be looked at'}`}${gaps}; ${describeWeek(scans)}`,
    ],
    ...last.map((text, index) => [index === 0 ? 'last scans' : '', text] as const),
    ...(ports.length === 0
      ? []
      : [['ports', `${ports.join(', ')}: most scanned, by how many hosts`] as const]),
  ]
}

export const banStatusAsJson = ({ banned, incomplete, isWhole, scans, remarks }: BanStatus): object => ({
  banned,
  incomplete,
  whole: isWhole,
  remarks,
  scans:
    scans === null
      ? null
      : {
          hostsThisWeek: scans.hostsThisWeek,
          since: isoTimestamp(scans.sinceMs),
          last: scans.lastScans.map(({ timeMs, host, port, protocol, scan }) => ({
            time: isoTimestamp(timeMs),
            host,
            port,
            protocol,
            scan,
          })),
          ports: scans.ports,
        },
})
