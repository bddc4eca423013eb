import type { LocalClock } from '../buckets.ts'
import { axisLabels, intervalName, momentOf } from '../moments.ts'
import type { Report, Sources } from '../report.ts'
import { atLeast, count, offenderTable, portName } from '../wording.ts'
import type { Figure } from './figures.ts'
import type { Table } from './tables.ts'

/** A part of the page: a figure and its numbers, or a table only. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly lead: string
  readonly figure: Figure | null
  readonly table: Table
}

/** Bars of a figure; the table has more. */
const MOST = 12

type Bars = Pick<Figure, 'color' | 'axis' | 'data'>

const section = (id: string, title: string, lead: string, table: Table, bars: Bars | null): Section[] =>
  table.rows.length === 0
    ? []
    : [
        {
          ...{ id, title, lead, table },
          figure: bars && { ...bars, id, title, description: describe(lead, bars) },
        },
      ]

/** The figure in words: its largest values. */
const describe = (lead: string, { data }: Bars): string => {
  const largest = [...data].filter(({ value }) => value > 0).sort((a, b) => b.value - a.value)
  const words = largest.slice(0, 3).map(({ label, value }) => `${label}: ${count(value)}`)
  return `${lead} ${words.length === 0 ? 'All are 0.' : `The largest: ${words.join(', ')}.`}`
}

const overTime = ({ timeline, unit, totals }: Report, local: LocalClock): Section[] => {
  const starts = timeline.map(({ startMs }) => startMs)
  const bars = (color: Figure['color'], value: (index: number) => number): Bars => ({
    color,
    axis: { labelLetters: unit === 'week' ? 10 : 5, labels: (most) => axisLabels(starts, unit, local, most) },
    data: timeline.map(({ startMs }, index) => ({
      label: intervalName(startMs, unit, local),
      value: value(index),
    })),
  })
  const names = timeline.map(({ startMs }) => intervalName(startMs, unit, local))
  const first = unit === 'week' ? 'Week from' : unit === 'day' ? 'Day' : 'Hour from'
  return [
    ...(totals.scans === 0
      ? []
      : section(
          'scans',
          'Scans over time',
          `Scans per ${unit}.`,
          {
            caption: `Scans per ${unit}, and hosts that had not scanned before`,
            head: [first, 'Scans', 'New hosts'],
            rows: timeline.map(({ scans, newHosts }, index) => [
              names[index] ?? '',
              count(scans),
              count(newHosts),
            ]),
          },
          bars('scans', (index) => timeline[index]?.scans ?? 0),
        )),
    ...(totals.bans === 0
      ? []
      : section(
          'bans',
          'Bans over time',
          `Bans per ${unit}, by when they began.`,
          {
            caption: `Bans per ${unit}`,
            head: [first, 'Bans'],
            rows: timeline.map(({ bans }, index) => [names[index] ?? '', count(bans)]),
          },
          bars('bans', (index) => timeline[index]?.bans ?? 0),
        )),
  ]
}

const lists = ({ ports, networks, types, banLengths, totals }: Report): Section[] => {
  const bars = (color: Figure['color'], data: Figure['data']): Bars => ({
    ...{ color, axis: null, data: data.slice(0, MOST) },
  })
  return [
    ...section(
      'ports',
      'Ports',
      'By how many hosts scanned them.',
      {
        caption: 'Ports by how many hosts scanned them',
        head: ['Port', 'Hosts', 'Records'],
        rows: ports.map((port) => [portName(port), count(port.hosts), count(port.records)]),
      },
      bars(
        'scans',
        ports.map((port) => ({ label: portName(port), value: port.hosts })),
      ),
    ),
    ...section(
      'networks',
      'Networks',
      'IPv4 /24 and IPv6 /48 networks, by how many of their hosts scanned.',
      {
        caption: 'Networks by how many of their hosts scanned',
        head: ['Network', 'Hosts', 'Scans'],
        rows: networks.map(({ network, hosts, scans }) => [network, atLeast(hosts), count(scans)]),
      },
      bars(
        'scans',
        networks.map(({ network, hosts }) => ({ label: network, value: hosts.count })),
      ),
    ),
    ...section(
      'types',
      'Kinds of scan',
      'By how many hosts used them.',
      {
        caption: 'Kinds of scan by how many hosts used them',
        head: ['Kind', 'Hosts', 'Records'],
        rows: types.map(({ type, hosts, records }) => [type, count(hosts), count(records)]),
      },
      bars(
        'scans',
        types.map(({ type, hosts }) => ({ label: type, value: hosts })),
      ),
    ),
    ...(totals.bans === 0
      ? []
      : section(
          'lengths',
          'Length of bans',
          'For how long hosts were banned.',
          {
            caption: 'Bans by their length',
            head: ['Length', 'Bans'],
            rows: banLengths.map(({ label, bans }) => [label, count(bans)]),
          },
          bars(
            'bans',
            banLengths.map(({ label, bans }) => ({ label, value: bans })),
          ),
        )),
  ]
}

const hosts = ({ offenders, ignoredHosts }: Report, sources: Sources, local: LocalClock): Section[] => [
  ...section(
    'offenders',
    'Repeat offenders',
    'Hosts that came back: with more than one scan, or more than one ban by the count of fail2ban.',
    { caption: 'Hosts with more than one scan or ban', ...offenderTable(offenders, sources, local) },
    null,
  ),
  ...section(
    'ignored',
    'Noticed, but ignored',
    'Hosts that portsentry noticed and left alone, as its ignore file says.',
    {
      caption: 'Hosts that portsentry noticed and ignored',
      head: ['Host', 'Records', 'Last'],
      rows: ignoredHosts.map(({ address, records, lastMs }) => [
        address,
        atLeast(records),
        momentOf(lastMs, local),
      ]),
    },
    null,
  ),
]

export const sectionsOf = (report: Report, sources: Sources, local: LocalClock): Section[] => [
  ...overTime(report, local),
  ...lists(report),
  ...hosts(report, sources, local),
]
