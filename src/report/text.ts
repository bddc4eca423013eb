import { columnsOf, padEnd, styled, wrap } from '../styled.ts'
import type { LocalClock } from './buckets.ts'
import { barChart, columnChart } from './charts.ts'
import { axisLabels, momentOf, offsetOf } from './moments.ts'
import type { Report, Sources } from './report.ts'
import { atLeast, count, headline, offenderTable, portName, remarks } from './wording.ts'

/** Entries of each list. */
const MOST = 10
/** From so many columns on two charts stand side by side. */
const BROAD = 120
const CHART_COLUMNS = 80
const GAP = 4
const INDENT = 2

interface Panel {
  readonly title: string
  readonly draw: (columns: number) => string[]
}

const heading = (title: string): string => styled('bold', title)

const panelLines = ({ title, draw }: Panel, columns: number): string[] => [
  heading(title),
  ...draw(columns - INDENT).map((line) => `${' '.repeat(INDENT)}${line}`),
]

const beside = (left: readonly string[], right: readonly string[], width: number): string[] =>
  Array.from({ length: Math.max(left.length, right.length) }, (_, index) =>
    `${padEnd(left[index] ?? '', width + GAP)}${right[index] ?? ''}`.trimEnd(),
  )

/** Panels one below the other, or in pairs where the screen is broad. */
const layOut = (panels: readonly Panel[], columns: number): string[] => {
  if (columns < BROAD) return panels.flatMap((panel) => ['', ...panelLines(panel, columns)])
  const width = Math.floor((columns - GAP) / 2)
  const lines: string[] = []
  for (let index = 0; index < panels.length; index += 2) {
    const [left, right] = panels.slice(index, index + 2).map((panel) => panelLines(panel, width))
    lines.push('', ...beside(left ?? [], right ?? [], width))
  }
  return lines
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => columnsOf(row[column] ?? ''))),
  )
  // Numbers to the right, the first column to the left.
  const lineOf = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
  return [styled('dim', lineOf(head.map((word) => word.toUpperCase()))), ...rows.map(lineOf)]
}

const timelinePanels = ({ timeline, unit, totals }: Report, local: LocalClock): Panel[] => {
  const starts = timeline.map(({ startMs }) => startMs)
  const labels = (most: number) => axisLabels(starts, unit, local, most)
  const panel = (title: string, values: readonly number[]): Panel => ({
    title,
    draw: (columns) => columnChart({ values, unit, labels, columns, rows: 4 }),
  })
  return [
    ...(totals.scans === 0
      ? []
      : [
          panel(
            `Scans per ${unit}`,
            timeline.map(({ scans }) => scans),
          ),
        ]),
    ...(totals.bans === 0
      ? []
      : [
          panel(
            `Bans per ${unit}`,
            timeline.map(({ bans }) => bans),
          ),
        ]),
  ]
}

const listPanels = ({ ports, networks, types, banLengths, totals }: Report): Panel[] => {
  const panel = (
    title: string,
    rows: readonly { readonly label: string; readonly text: string; readonly value: number }[],
  ): Panel[] => (rows.length === 0 ? [] : [{ title, draw: (columns) => barChart(rows, columns) }])
  const lengths = banLengths.filter(({ bans }) => bans > 0)
  return [
    ...panel(
      'Ports, by how many hosts scanned them',
      ports
        .slice(0, MOST)
        .map((port) => ({ label: portName(port), text: count(port.hosts), value: port.hosts })),
    ),
    ...panel(
      'Networks, by how many of their hosts scanned',
      networks.slice(0, MOST).map(({ network, hosts }) => {
        return { label: network, text: atLeast(hosts), value: hosts.count }
      }),
    ),
    ...panel(
      'Kinds of scan, by hosts',
      types.slice(0, MOST).map(({ type, hosts }) => ({ label: type, text: count(hosts), value: hosts })),
    ),
    ...(totals.bans === 0
      ? []
      : panel(
          'Length of bans',
          lengths.map(({ label, bans }) => ({ label, text: count(bans), value: bans })),
        )),
  ]
}

const tablePanels = ({ offenders, ignoredHosts }: Report, sources: Sources, local: LocalClock): Panel[] => {
  const repeated = offenderTable(offenders.slice(0, MOST), sources, local)
  const ignored = ignoredHosts
    .slice(0, MOST)
    .map(({ address, records, lastMs }) => [address, atLeast(records), momentOf(lastMs, local)])
  const panel = (title: string, head: readonly string[], rows: readonly (readonly string[])[]): Panel[] =>
    rows.length === 0 ? [] : [{ title, draw: () => table(head, rows) }]
  return [
    ...panel('Repeat offenders', repeated.head, repeated.rows),
    ...panel('Noticed, but ignored as portsentry is configured', ['Host', 'Records', 'Last'], ignored),
  ]
}

/** The report for a screen so many columns wide; with Infinity columns sentences are not wrapped, and charts have 80. */
export const renderReport = (
  report: Report,
  sources: Sources,
  local: LocalClock,
  columns: number,
): string => {
  const { sinceMs, untilMs } = report
  const title = `${momentOf(sinceMs, local)} to ${momentOf(untilMs, local)}, local time (${offsetOf(untilMs, local)})`
  const head = [heading(title), ...headline(report, sources, local)].map((line) =>
    wrap(line, columns, INDENT),
  )
  const panels = [
    ...timelinePanels(report, local),
    ...listPanels(report),
    ...tablePanels(report, sources, local),
  ]
  const notes = remarks(report, sources, local).map((line) => wrap(line, columns, INDENT))
  const charts = layOut(panels, Number.isFinite(columns) ? columns : CHART_COLUMNS)
  const end = notes.length === 0 ? [] : ['', ...notes]
  return `${[...head, ...charts, ...end].join('\n')}\n`
}
