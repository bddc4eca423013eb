import { expect, it } from 'vitest'
import type { Scan } from '../../src/policy/banned.ts'
import { summarizeScans } from '../../src/policy/scan-summary.ts'

const NOW = 1_795_288_592_000
const DAY = 24 * 3_600_000

const scan = (daysAgo: number, host: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Scan => ({
  timeMs: NOW - daysAgo * DAY,
  host,
  port,
  protocol,
  scan: null,
})

const SCANS = [
  scan(9, '192.0.2.1', 23),
  scan(8, '192.0.2.2', 23),
  scan(6, '192.0.2.3', 23),
  scan(5, '192.0.2.4', 7, 'udp'),
  scan(5, '192.0.2.5', 7, 'udp'),
  scan(2, '192.0.2.4', 7, 'udp'),
  scan(1, '192.0.2.4', 1),
]

it('counts hosts, and not packets', () => {
  const { hostsThisWeek, ports } = summarizeScans(SCANS, NOW, 5)
  expect(hostsThisWeek).toBe(3)
  expect(ports.map(({ port, protocol, hosts }) => `${port}/${protocol} ${hosts}`)).toEqual([
    '23/tcp 3',
    '7/udp 2',
    '1/tcp 1',
  ])
})

it('bounds its lists, and has the latest scan first', () => {
  const { lastScans, ports } = summarizeScans(SCANS, NOW, 2)
  expect(lastScans.map(({ host, port }) => `${host} ${port}`)).toEqual(['192.0.2.4 1', '192.0.2.4 7'])
  expect(ports).toHaveLength(2)
})

it('says how far the history reaches', () => {
  expect(summarizeScans(SCANS, NOW, 5).sinceMs).toBe(NOW - 9 * DAY)
  expect(summarizeScans([], NOW, 5)).toEqual({ hostsThisWeek: 0, lastScans: [], ports: [], sinceMs: null })
})
