import { describe, expect, it } from 'vitest'
import { bar, barChart, columnChart } from '../../src/report/charts.ts'
import type { Report, Sources } from '../../src/report/report.ts'
import { renderReport } from '../../src/report/text.ts'
import { asAscii, columnsOf, withoutStyles } from '../../src/styled.ts'
import { clockOf } from './clocks.ts'
import { busyWeek, record, reportOf, SINCE, SOURCES, UTC } from './server.ts'

const at = (columns: number, report: Report, sources = SOURCES, local = UTC): string =>
  withoutStyles(renderReport(report, sources, local, columns))

const widest = (text: string): number => Math.max(...text.split('\n').map(columnsOf))

describe('bars', () => {
  it.each([
    [0, 8, 4, ''],
    [1, 8, 1, '▏'],
    [8, 8, 4, '████'],
    [5, 8, 1, '▋'],
    // Something is not nothing.
    [1, 1_000_000, 10, '▏'],
    [0, 0, 4, ''],
  ])('%i of %i in %i columns', (value, most, columns, expected) => {
    expect(bar(value, most, columns)).toBe(expected)
  })

  it('share a line with their label and number', () => {
    const rows = [
      { label: '23/tcp telnet', text: '1,024', value: 1024 },
      { label: 'a label that is far too long for these columns', text: '1', value: 1 },
    ]
    expect(barChart(rows, 40).map(withoutStyles)).toEqual([
      '23/tcp telnet         ███████████  1,024',
      'a label that is far…  ▏                1',
    ])
  })
})

describe('columns', () => {
  const draw = (values: number[], columns: number) =>
    columnChart({
      ...{ values, columns, rows: 2, unit: 'day' },
      labels: (most) =>
        values.map((_, index) => (index % Math.ceil(values.length / most) === 0 ? `d${index}` : '')),
    }).map(withoutStyles)

  it('stand on an axis with a scale', () => {
    expect(draw([0, 4, 8, 2], 30)).toEqual([
      '8 │            █████',
      '0 │      █████ █████ ▄▄▄▄▄',
      '   d0          d2',
    ])
  })

  it('have several values each where there are too many', () => {
    expect(draw([1, 1, 1, 1, 1, 1, 0, 3], 8)).toEqual([
      '3 │▃▃▃█',
      '0 │████',
      '   d0',
      '   each column: 2 days',
    ])
  })
})

describe('a busy week', () => {
  it('fits 80 columns', () => {
    const text = at(80, busyWeek())
    expect(widest(text)).toBeLessThanOrEqual(80)
    expect(text).toMatchSnapshot()
  })

  it('uses 200', () => {
    const text = at(200, busyWeek())
    expect(widest(text)).toBeLessThanOrEqual(200)
    expect(widest(text)).toBeGreaterThan(180)
    expect(text).toMatchSnapshot()
  })

  it('is ASCII where it has to be', () => {
    expect(asAscii(at(80, busyWeek()))).toMatch(/^[\n -~]*$/)
  })
})

const withHistory = (more: Partial<Sources['history']>): Sources => ({
  ...SOURCES,
  history: { ...SOURCES.history, ...more },
})
const withDatabase = (more: Partial<Sources['database']>): Sources => ({
  ...SOURCES,
  database: { ...SOURCES.database, ...more },
})
const unreadFile = { path: '/h', records: 0, otherLines: 0, note: 'cannot read /h: EACCES' }

describe('what was not seen', () => {
  const nothing = reportOf([])
  const one = reportOf([record('203.0.113.9', 1)])

  it.each<[string, Sources, Report, RegExp]>([
    ['nothing', SOURCES, nothing, /^No scan was recorded since 2026-11-21 12:00\.$/m],
    [
      'no history',
      withHistory({ state: 'absent', files: [], note: '/h does not exist' }),
      nothing,
      /^No scan was recorded: \/h does not exist\.$/m,
    ],
    [
      'no portsentry',
      withHistory({ state: 'unknown', files: [], note: 'portsentry is not installed' }),
      nothing,
      /^Scans: not checked: portsentry is not installed\.$/m,
    ],
    [
      'unreadable',
      withHistory({ state: 'incomplete', files: [unreadFile] }),
      nothing,
      /^Scans: not checked: \/h: cannot read \/h: EACCES\.$/m,
    ],
    [
      'read in part',
      withHistory({ state: 'incomplete', files: [unreadFile, ...SOURCES.history.files] }),
      one,
      /^\/h: cannot read \/h: EACCES\.$/m,
    ],
    [
      'a young history',
      withHistory({ beginMs: SINCE + 3_600_000 }),
      one,
      /records since 2026-11-21 13:00; what was before is not known\.$/m,
    ],
    [
      'rotated files',
      withHistory({
        files: [{ ...unreadFile, note: '', path: '/h.1', records: 1 }, ...SOURCES.history.files],
      }),
      one,
      /^Scans: \/var\/lib\/portsentry\/portsentry\.history and 1 rotated file, with records/m,
    ],
    [
      'rotated files alone',
      withHistory({ files: [{ ...unreadFile, note: '', path: '/h.1', records: 1 }] }),
      one,
      /^Scans: 1 rotated file of \/var\/lib\/portsentry\/portsentry\.history, with records/m,
    ],
    [
      'portsentry 2',
      withHistory({ isEmptiedAtStart: true }),
      one,
      /^portsentry 2 empties its history when it starts: /m,
    ],
    [
      'other lines',
      withHistory({ files: [{ ...unreadFile, note: '', otherLines: 3 }] }),
      one,
      /^Not counted: 3 lines of the history /m,
    ],
    [
      'no database',
      withDatabase({ state: 'absent', note: '/d does not exist' }),
      one,
      /^Bans: not checked: \/d does not exist\.$/m,
    ],
    [
      'a damaged one',
      withDatabase({ state: 'incomplete', note: '/d: malformed' }),
      one,
      /^Bans: not checked: \/d: malformed\.$/m,
    ],
    [
      'one that is damaged at its end',
      withDatabase({ state: 'incomplete', note: '/d: malformed' }),
      { ...one, totals: { ...one.totals, bans: 2 } },
      /^2 bans in this time; 0 hosts still banned at the end of it \(not all were read: \/d: malformed\)\.$/m,
    ],
    [
      'a history of which nothing could be read',
      withHistory({ state: 'incomplete', files: [unreadFile], beginMs: null }),
      nothing,
      /^(?![\s\S]*without a record)/,
    ],
    [
      'nothing to remark',
      { ...withHistory({ state: 'absent', files: [] }), database: { ...SOURCES.database, state: 'absent' } },
      nothing,
      /[^\n]\n$/,
    ],
    [
      'purged bans',
      SOURCES,
      one,
      /fail2ban keeps bans of the last 1d \(dbpurgeage\), and of older ones each host's latest at most/,
    ],
    [
      'all bans',
      withDatabase({ keeps: '30d', keepsMs: 30 * 86_400_000 }),
      one,
      /keeps bans of the last 30d \(dbpurgeage\)\. /,
    ],
    [
      'too many hosts',
      SOURCES,
      { ...one, isExact: false },
      /^about 1 scan by about 1 host .*[\s\S]*^There were too many hosts/m,
    ],
  ])('%s', (_, sources, report, expected) =>
    expect(at(Number.POSITIVE_INFINITY, report, sources)).toMatch(expected),
  )
})

it('has no column for what was not looked at', () => {
  const report = reportOf([record('203.0.113.9', 1), record('203.0.113.9', 5)])
  const without = withDatabase({ state: 'absent', note: '/d does not exist' })
  expect(at(80, report)).toMatch(/^ {2}HOST +SCANS +BANS +LAST$/m)
  expect(at(80, report, without)).toMatch(/^ {2}HOST +SCANS +LAST$/m)
})

it('has local times, and their offset from UTC', () => {
  expect(at(80, busyWeek(), SOURCES, clockOf('Asia/Kolkata'))).toMatch(
    /^2026-11-21 17:30 to 2026-11-28 17:30, local time \(\+0530\)$/m,
  )
})
