import { expect, it } from 'vitest'
import { renderDigest } from '../../src/report/digest.ts'
import { ago, ban, record, reportOf, SOURCES, UTC } from './server.ts'

it('is a few lines of ASCII', () => {
  const hosts = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
  const report = reportOf(
    [...hosts.map((host) => record(host, 5)), record('192.0.2.1', 2, { port: 22 })],
    [ban('192.0.2.1', 5, 3_600_000), ban('192.0.2.1', 2, 86_400_000, 2), ban('192.0.2.2', 5, 86_400_000)],
    undefined,
    ago(24),
  )
  expect(renderDigest(report, SOURCES, UTC, 'web1.example.org')).toMatchInlineSnapshot(`
    {
      "subject": "portward on web1.example.org: 4 scans, 3 bans",
      "text": "web1.example.org, 2026-11-27 12:00 to 2026-11-28 12:00 (+0000)

    4 scans by 3 hosts on 2 ports, in 4 records; the first 2026-11-28 07:00, the last 2026-11-28 10:00.
    3 bans in this time; 2 hosts still banned at the end of it.

    Ports, by how many hosts scanned them:
      23/tcp telnet: 3 hosts
      22/tcp ssh: 1 host

    Repeat offenders:
      192.0.2.1: scans 2, bans 2

    portward report shows more.
    ",
    }
  `)
})

it('says what could not be read, and that nothing happened', () => {
  const history = { ...SOURCES.history, state: 'absent', files: [], note: 'there is none' } as const
  const database = { ...SOURCES.database, state: 'absent', note: 'there is none' } as const
  const report = reportOf([], [], undefined, ago(24))
  expect(renderDigest(report, SOURCES, UTC, 'web1').subject).toBe('portward on web1: 0 scans, 0 bans')
  const unread = renderDigest(report, { history, database }, UTC, 'web1')
  expect(unread.subject).toBe('portward on web1: scans and bans not checked')
  expect(unread.text).toContain('Bans: not checked: there is none.')
})
