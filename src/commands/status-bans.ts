import type { Assessment } from '../assessment/assess.ts'
import type { Section } from '../layout.ts'
import { counted } from '../phrases.ts'
import { type BanStore, storesIn } from '../policy/banned.ts'
import { type ScanSummary, summarizeScans } from '../policy/scan-summary.ts'
import { styled } from '../styled.ts'
import { formatTimestamp, isoTimestamp } from '../system/timestamps.ts'
import { describePort, namesOf, notesOn } from './ban-table.ts'
import { bansOf } from './bans.ts'

/** Entries of each list. */
const MOST = 5

/** The part of a status that is about bans and scans. */
export interface BanStatus {
  /** Banned hosts, and how many of these are missing in some store. */
  readonly banned: number
  readonly incomplete: number
  /** Whether every store was read completely. */
  readonly isWhole: boolean
  /** Stores that may have more bans, but could not be read. */
  readonly unread: readonly BanStore[]
  /** Null: the history could not be read. */
  readonly scans: ScanSummary | null
  /** What was not read. */
  readonly notes: readonly string[]
}

export const readBanStatus = async (assessment: Assessment): Promise<BanStatus> => {
  const bans = await bansOf(assessment)
  const { scans } = bans
  return {
    banned: bans.rows.length,
    incomplete: bans.rows.filter(({ missing }) => missing.length > 0).length,
    isWhole: bans.stores.every(({ state }) => state === 'read'),
    unread: storesIn(bans.stores, 'incomplete'),
    scans: scans === null ? null : summarizeScans(scans, Date.now(), MOST),
    notes: notesOn(bans),
  }
}

const describeCount = ({ banned, incomplete, isWhole, unread }: BanStatus): string => {
  const gaps =
    incomplete === 0
      ? ''
      : `, ${styled('red', `${incomplete} of them NOT EVERYWHERE`)} (portward bans shows where)`
  const found = `${counted(banned, 'host')} banned`
  if (unread.length > 0) return `${found} in the stores that were read (not read: ${namesOf(unread)})${gaps}`
  return `${found}${isWhole ? '' : ' in the stores that could be read'}${gaps}`
}

const describeWeek = (scans: ScanSummary | null): string => {
  if (scans === null) return 'the history was not read'
  const reach =
    scans.sinceMs === null
      ? 'no scan that counts is in the history'
      : `the history begins ${formatTimestamp(scans.sinceMs)}`
  return `${counted(scans.hostsThisWeek, 'host')} detected in the last 7 days (${reach})`
}

/** Sections of a status. */
export const describeBanStatus = (status: BanStatus): Section[] => {
  const { scans } = status
  const last = (scans?.lastScans ?? []).map(
    (scan) => `${formatTimestamp(scan.timeMs)} ${scan.host} ${describePort(scan)}`,
  )
  const ports = (scans?.ports ?? []).map((port) => `${describePort(port)} (${port.hosts})`)
  return [
    { topic: 'bans', lines: [`${describeCount(status)}; ${describeWeek(scans)}`] },
    { topic: 'last scans', lines: last },
    {
      topic: 'ports',
      lines: ports.length === 0 ? [] : [`${ports.join(', ')}: most scanned, by how many hosts`],
    },
  ]
}

const scansAsJson = ({ hostsThisWeek, sinceMs, lastScans, ports }: ScanSummary): object => ({
  hostsThisWeek,
  since: isoTimestamp(sinceMs),
  last: lastScans.map(({ timeMs, host, port, protocol, scan }) => {
    return { time: isoTimestamp(timeMs), host, port, protocol, scan }
  }),
  ports,
})

export const banStatusAsJson = ({ banned, incomplete, isWhole, scans, notes }: BanStatus): object => ({
  banned,
  incomplete,
  whole: isWhole,
  notes,
  scans: scans === null ? null : scansAsJson(scans),
})
