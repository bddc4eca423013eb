import { describe, expect, it } from 'vitest'
import { ago, ban, record, reportOf, SINCE, UNTIL } from './server.ts'

const [A, B, C] = ['203.0.113.9', '203.0.113.10', '2001:db8:1::9']
const MINUTE = 1 / 60

describe('scans', () => {
  it('are what one host does without a pause of ten minutes', () => {
    const { totals, timeline } = reportOf([
      record(A, 30),
      record(A, 30 - 9 * MINUTE, { port: 22 }),
      record(B, 30 - 9 * MINUTE),
      record(A, 30 - 18 * MINUTE),
      record(A, 30 - 29 * MINUTE),
      record(A, 2),
    ])
    expect(totals).toMatchObject({
      records: 6,
      scans: 4,
      hosts: 2,
      ports: 2,
      firstMs: ago(30),
      lastMs: ago(2),
    })
    expect(timeline.map(({ scans, newHosts }) => [scans, newHosts])).toEqual([
      ...Array(6).fill([0, 0]),
      [3, 2],
      [1, 0],
    ])
  })

  it('belong to the period, whose begin counts and whose end does not', () => {
    const at = (timeMs: number) => record(A, 0, { timeMs })
    expect(reportOf([at(SINCE - 1), at(SINCE), at(UNTIL - 1), at(UNTIL)]).totals).toMatchObject({
      ...{ records: 2, firstMs: SINCE, lastMs: UNTIL - 1 },
    })
    expect(reportOf([at(SINCE - 1)]).totals).toMatchObject({ records: 0, firstMs: null, lastMs: null })
  })

  it('count once more where the clock went back', () => {
    expect(reportOf([record(A, 1), record(A, 5)]).totals).toMatchObject({ scans: 2, hosts: 1 })
  })

  it('do not count records of ignored hosts, or below the trigger', () => {
    const { totals, ignoredHosts } = reportOf([
      record(A, 3, { isCounted: false, isIgnored: true }),
      record(A, 2, { isCounted: false, isIgnored: true }),
      record(B, 1, { isCounted: false }),
    ])
    expect(totals).toMatchObject({ records: 0, scans: 0, ignored: 2, belowTrigger: 1 })
    expect(ignoredHosts).toEqual([{ address: A, records: { count: 2, missed: 0 }, lastMs: ago(2) }])
  })
})

describe('lists', () => {
  const report = reportOf([
    record(A, 9, { scan: 'TCP SYN/Normal scan' }),
    record(A, 9, { scan: 'TCP NULL scan' }),
    record(A, 5, { port: 161, protocol: 'udp', scan: 'UDP' }),
    record(B, 4),
    record(C, 3, { port: 23, protocol: 'udp', scan: 'x'.repeat(200) }),
  ])

  it('have ports by hosts, with their names', () => {
    expect(report.ports).toEqual([
      { port: 23, protocol: 'tcp', service: 'telnet', hosts: 2, records: 3 },
      { port: 23, protocol: 'udp', service: null, hosts: 1, records: 1 },
      { port: 161, protocol: 'udp', service: null, hosts: 1, records: 1 },
    ])
  })

  it('have networks by hosts', () => {
    const counted = report.networks.map(({ network, hosts, scans }) => [network, hosts.count, scans])
    expect(counted).toEqual([
      ['203.0.113.0/24', 2, 3],
      ['2001:db8:1::/48', 1, 1],
    ])
  })

  it("have kinds of scan in the daemon's words, cut where they cannot be its own", () => {
    expect(report.types.map(({ type, hosts, records }) => [type, hosts, records])).toEqual([
      ['TCP NULL scan', 1, 1],
      ['TCP SYN/Normal scan', 1, 1],
      ['TCP scan, kind not recorded', 1, 1],
      ['UDP', 1, 1],
      [`${'x'.repeat(80)}… (cut)`, 1, 1],
    ])
  })

  it('have at most fifty entries, those with the highest counts', () => {
    const records = Array.from({ length: 300 }, (_, index) =>
      record(`10.0.${index}.1`, 9, { port: index + 1 }),
    )
    const { ports, networks } = reportOf([...records, record('10.0.299.2', 1)].slice(0, 256))
    expect([ports.length, networks.length]).toEqual([50, 50])
  })
})

describe('bans', () => {
  const HOUR = 3_600_000

  it('count by their length, and by the time of their begin', () => {
    const lengths = [600_000, 600_001, HOUR, 24 * HOUR, 30 * 24 * HOUR, 30 * 24 * HOUR + 1, null]
    const { totals, banLengths, timeline } = reportOf(
      [],
      lengths.map((length, index) => ban(`10.0.0.${index}`, 2, length)),
    )
    expect(totals).toMatchObject({ bans: 7, bannedHosts: 4 })
    expect(banLengths.map(({ label, bans }) => [label, bans])).toEqual([
      ['up to 10 minutes', 1],
      ['up to 1 hour', 2],
      ['up to 6 hours', 0],
      ['up to 1 day', 1],
      ['up to 1 week', 0],
      ['up to 30 days', 1],
      ['longer', 1],
      ['permanent', 1],
    ])
    expect(timeline.at(-1)?.bans).toBe(7)
  })

  it('that began before do not count, but their hosts may be banned still', () => {
    expect(reportOf([], [ban(A, 200, null)]).totals).toMatchObject({ bans: 0, bannedHosts: 1 })
    expect(reportOf([], [ban(A, -1, null)]).totals).toMatchObject({ bans: 0, bannedHosts: 0 })
    expect(reportOf([], [{ ...ban(A, 2, null), isLatest: false }]).totals).toMatchObject({
      bans: 1,
      bannedHosts: 0,
    })
  })
})

describe('repeat offenders', () => {
  it('have several scans or bans, those with the most bans first', () => {
    const { offenders } = reportOf(
      [record(A, 9), record(A, 5), record(B, 9), record(B, 8), record(B, 7), record(C, 1)],
      [ban(A, 9, 60_000), ban(A, 5, 60_000), ban(C, 1, 60_000, 4)],
    )
    expect(offenders).toEqual([
      // fail2ban's own count goes back further.
      {
        address: C,
        scans: { count: 1, missed: 0 },
        bans: { count: 4, missed: 0 },
        firstMs: ago(1),
        lastMs: ago(1),
      },
      {
        address: A,
        scans: { count: 2, missed: 0 },
        bans: { count: 2, missed: 0 },
        firstMs: ago(9),
        lastMs: ago(5),
      },
      {
        address: B,
        scans: { count: 3, missed: 0 },
        bans: { count: 0, missed: 0 },
        firstMs: ago(9),
        lastMs: ago(7),
      },
    ])
  })

  it('are none of those who came once', () => {
    expect(reportOf([record(A, 9)], [ban(A, 9, 60_000)]).offenders).toEqual([])
  })
})

describe('more hosts than there is room for', () => {
  const many = Array.from({ length: 2000 }, (_, index) =>
    record(`10.${index >> 8}.${index & 255}.1`, 100 - index / 100),
  )

  it('are approximate, and the report says so', () => {
    const { isExact, totals } = reportOf([...many, ...many.slice(0, 10)], [], 1024)
    expect([isExact, totals.hosts]).toEqual([false, 2010])
  })

  // Hosts, pairs of a host and a port, and of a host and a kind of scan.
  it('are exact below', () => {
    const { isExact, totals } = reportOf([...many, ...many.slice(0, 10)], [], 4096)
    expect([isExact, totals.hosts]).toEqual([true, 2000])
  })
})
