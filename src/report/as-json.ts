import type { AtLeast, Report, Sources } from './report.ts'

const iso = (timeMs: number | null, toIso: (timeMs: number) => string): string | null =>
  timeMs === null ? null : toIso(timeMs)

/** `atMost` is the same number where it is exact. */
const between = ({ count, missed }: AtLeast): object => ({ atLeast: count, atMost: count + missed })

/** The report as one document: times as ISO 8601 in UTC, which `toIso` makes, and numbers of what was counted. */
export const reportAsJson = (
  report: Report,
  { history, database }: Sources,
  toIso: (timeMs: number) => string,
): object => {
  const { path, state, note, beginMs, isEmptiedAtStart, files } = history
  const time = (timeMs: number | null) => iso(timeMs, toIso)
  const { firstMs, lastMs, ignored, belowTrigger, ...totals } = report.totals
  return {
    since: time(report.sinceMs),
    until: time(report.untilMs),
    exact: report.isExact,
    history: { path, state, note, begin: time(beginMs), emptiedAtStart: isEmptiedAtStart, files },
    database: { path: database.path, state: database.state, note: database.note, keeps: database.keeps },
    totals: {
      ...totals,
      ...{ ignoredRecords: ignored, recordsBelowTrigger: belowTrigger },
      ...{ firstScan: time(firstMs), lastScan: time(lastMs) },
    },
    unit: report.unit,
    timeline: report.timeline.map(({ startMs, endMs, scans, newHosts, bans }) => {
      return { start: time(startMs), end: time(endMs), scans, newHosts, bans }
    }),
    ports: report.ports,
    networks: report.networks.map(({ network, hosts, scans }) => ({ network, hosts: between(hosts), scans })),
    scanTypes: report.types,
    banLengths: report.banLengths.map(({ label, mostMs, bans }) => {
      return { label, mostSeconds: mostMs === null ? null : mostMs / 1000, bans }
    }),
    repeatOffenders: report.offenders.map(({ address, scans, bans, firstMs: first, lastMs: last }) => {
      return { address, scans: between(scans), bans: between(bans), first: time(first), last: time(last) }
    }),
    ignoredHosts: report.ignoredHosts.map(({ address, records, lastMs: last }) => {
      return { address, records: between(records), last: time(last) }
    }),
  }
}
