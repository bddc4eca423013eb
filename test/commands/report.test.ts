import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type ReportOptions, reportCommand } from '../../src/commands/report.ts'
import { checkout } from '../checkout.ts'
import { documentOf } from '../documents.ts'
import { BANS } from '../facts/fail2ban-database.ts'
import { A, B, HISTORY, HOUR, line12, NOW_S, scannedServer } from '../report/tree.ts'
import { copyOf, DPKG_2, fixtures, temporaryDirectory, writeInto } from '../tree.ts'
import { createTerminal, portward, type Result } from './in-process.ts'

const line2 = (hoursAgo: number, host: string, type: string, flags: string): string => {
  const time = new Date((NOW_S - hoursAgo * HOUR) * 1000).toISOString().replace('Z', '+0000')
  return `${time} Scan from: [${host}] (${host}) protocol: [TCP] port: [23] type: [${type}] IP opts: [not set] ${flags}\n`
}

const report = (root: string, ...options: string[]): Promise<Result> =>
  portward('--root', root, 'report', ...options)

const readReport = async (root: string, ...options: string[]) =>
  documentOf((await report(root, '--json', ...options)).stdout)

describe('portward report', () => {
  it('puts the rotated history and the bans together', async () => {
    const document = await readReport(scannedServer())
    expect(
      document.history.files.map(({ path, records }: { path: string; records: number }) => [path, records]),
    ).toEqual([
      [`/${HISTORY}.2.gz`, 2],
      [`/${HISTORY}.1`, 2],
      [`/${HISTORY}`, 1],
    ])
    expect(document).toMatchObject({
      ...{ version: 3, command: 'report', exact: true, unit: 'day', html: null },
      history: { state: 'read', begin: new Date((NOW_S - 24 * 40 * HOUR) * 1000).toISOString() },
      database: { state: 'read', path: BANS, keeps: '1d' },
      totals: { records: 4, scans: 4, hosts: 2, ports: 3, bans: 3, bannedHosts: 1 },
      repeatOffenders: [{ address: A, scans: { atLeast: 3, atMost: 3 }, bans: { atLeast: 2, atMost: 2 } }],
    })
    expect(document.ports).toEqual([
      { port: 23, protocol: 'tcp', service: 'telnet', hosts: 1, records: 2 },
      { port: 22, protocol: 'tcp', service: null, hosts: 1, records: 1 },
      { port: 80, protocol: 'tcp', service: null, hosts: 1, records: 1 },
    ])
  })

  it('of a shorter time has less, and its hours', async () => {
    const { totals, unit, timeline } = await readReport(scannedServer(), '--since', '2h')
    expect([totals.scans, totals.bans, unit]).toEqual([1, 1, 'hour'])
    expect([2, 3]).toContain(timeline.length)
    const { totals: before } = await readReport(scannedServer(), '--since', '40d', '--until', '7d')
    expect(before).toMatchObject({ scans: 1, bans: 0, bannedHosts: 0 })
  })

  it('is text for people', async () => {
    const { status, stdout, stderr } = await report(scannedServer())
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^4 scans by 2 hosts on 3 ports, in 4 records; the first .*\.$/m)
    expect(stdout).toMatch(/^3 bans in this time; 1 host still banned at the end of it\.$/m)
    expect(stdout).toMatch(/^ {2}23\/tcp telnet +█+ +1$/m)
  })

  it.each([
    [['--since', 'yesterday'], /^portward: --since "yesterday" is not a time such as 24h/],
    [['--since', '1d', '--until', '2d'], /--since must be before --until/],
    [['--send'], /--send works on the running server only, not with --root/],
    [['--send', '--html', 'x'], /--send.* cannot be used with option '--html <file>'/],
    [['--since', '1970-01-01', '--until', '9999-12-31'], /more than 100 years from --since to --until/],
  ])('%j is wrong usage', async (options, message) => {
    const { status, stderr } = await report(scannedServer(), ...options)
    expect(status).toBe(64)
    expect(stderr).toMatch(message)
  })

  it('works without a usable config.env', async () => {
    const root = scannedServer()
    writeFileSync(join(root, 'root/config.env'), 'LAN_IP=nonsense\n')
    expect((await readReport(root)).totals.scans).toBe(4)
  })
})

describe('what cannot be read', () => {
  it('does not exist before the first scan', async () => {
    const { status, stdout } = await report(copyOf(join(fixtures, 'sample-server')))
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^No scan was recorded: \/var\/lib\/portsentry\/portsentry\.history does not exist/m,
    )
    expect(stdout).toMatch(/^Bans: not checked: .*fail2ban\.sqlite3 does not exist\.$/m)
  })

  it('is not known without portsentry', async () => {
    const { status, stdout } = await report(temporaryDirectory())
    expect(status).toBe(0)
    expect(stdout).toMatch(/^Scans: not checked: portsentry is not installed\.$/m)
  })

  it('is named once', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    mkdirSync(join(root, BANS), { recursive: true })
    expect((await report(root)).stdout).toMatch(/^Bans: not checked: \S+ is not a regular file\.$/m)
  })

  it('is reported, with everything else', async () => {
    const root = scannedServer()
    writeFileSync(join(root, `${HISTORY}.2.gz`), gzipSync(line12(3, A, 1).repeat(5000)).subarray(0, 200))
    writeFileSync(join(root, `${HISTORY}.3.xz`), 'x')
    writeFileSync(join(root, BANS), 'a text, and long enough to be looked at'.repeat(50))
    const { status, stdout } = await report(root)
    expect(status).toBe(1)
    expect(stdout).toMatch(/^\/var\S+history\.3\.xz: it is compressed, and not with gzip\.$/m)
    expect(stdout).toMatch(/^\/var\S+history\.2\.gz: it was read in part only: unexpected end of file\.$/m)
    expect(stdout).toMatch(/^Bans: not checked: \S+: file is not a database\.$/m)
    const document = documentOf((await report(root, '--json')).stdout)
    expect([document.history.state, document.database.state]).toEqual(['incomplete', 'incomplete'])
  })
})

describe('portsentry 2', () => {
  const flags = (ignored: boolean, triggered: string) =>
    `ignored: [${ignored}] triggered: [${triggered}] noblock: [unset] blocked: [unset]`
  const server2 = (): string => {
    const root = temporaryDirectory()
    writeInto(root, {
      ...DPKG_2,
      'etc/portsentry/portsentry.conf': 'TCP_PORTS="23"\nHISTORY_FILE="/var/log/portsentry.log"\n',
      'var/log/portsentry.log':
        line2(5, A, 'TCP SYN/Normal scan', flags(false, 'true')).repeat(7) +
        line2(4, '2001:db8::9', 'TCP NULL scan', flags(false, 'true')) +
        line2(3, '192.168.1.30', 'TCP SYN/Normal scan', flags(true, 'unset')) +
        line2(2, B, 'Connect', flags(false, 'false')) +
        'somebody else wrote this\n',
    })
    return root
  }

  it('has kinds of scan, ignored hosts, and records below the trigger', async () => {
    const document = await readReport(server2())
    expect(document).toMatchObject({
      history: { emptiedAtStart: true, files: [{ records: 10, otherLines: 1 }] },
      totals: { records: 8, scans: 2, hosts: 2, ignoredRecords: 1, recordsBelowTrigger: 1 },
      ignoredHosts: [{ address: '192.168.1.30', records: { atLeast: 1, atMost: 1 } }],
    })
    expect(document.scanTypes).toEqual([
      { type: 'TCP SYN/Normal scan', hosts: 1, records: 7 },
      { type: 'TCP NULL scan', hosts: 1, records: 1 },
    ])
    expect(document.networks.map(({ network }: { network: string }) => network)).toEqual([
      '2001:db8::/48',
      '203.0.113.0/24',
    ])
  })
})

describe('--html', () => {
  const page = (root: string): string => join(root, 'report.html')

  it('writes a page for root alone, and says where', async () => {
    const root = scannedServer()
    const { status, stdout, stderr } = await report(root, '--html', page(root))
    expect([status, stdout, stderr]).toEqual([0, '', `the report is in ${page(root)}\n`])
    expect(statSync(page(root)).mode & 0o777).toBe(0o600)
    expect(readFileSync(page(root), 'utf8')).toMatch(/^<!doctype html>\n<html lang="en">[\s\S]*<\/html>\n$/)
    expect(readdirSync(root).filter((name) => name.includes('.portward'))).toEqual([])
  })

  it('keeps the mode of a page that is there, and prints the document as well', async () => {
    const root = scannedServer()
    writeFileSync(page(root), 'old')
    chmodSync(page(root), 0o640)
    const { status, stdout } = await report(root, '--json', '--html', page(root))
    expect([status, documentOf(stdout).html]).toEqual([0, page(root)])
    expect(statSync(page(root)).mode & 0o777).toBe(0o640)
    expect(readFileSync(page(root), 'utf8')).toContain('<title>Port scans and bans')
  })

  it('fails where it cannot write', async () => {
    const root = scannedServer()
    mkdirSync(page(root))
    const { status, stderr } = await report(root, '--html', page(root))
    expect(status).toBe(1)
    expect(stderr).toMatch(/^portward: .*report\.html is not a regular file/)
  })
})

describe('very many lines', () => {
  /** As many hosts as lines: nothing is counted twice. */
  const WRITE = `
import sys
with open(sys.argv[1], 'w') as history:
    for n in range(200_000):
        host = f'11.{n >> 16}.{n >> 8 & 255}.{n & 255}'
        history.write(f'{int(sys.argv[2]) + n} - 11/21/2026 19:16:32 Host: {host}/{host} Port: {n % 9000 + 1} TCP Blocked\\n')
`

  it('need no more memory than the tables have', () => {
    const root = scannedServer()
    execFileSync('python3', ['-c', WRITE, join(root, HISTORY), `${NOW_S - 500_000}`])
    const main = join(checkout, 'dist/portward/cli.cjs')
    // V8's own heap: the tables of hosts are outside of it, and have a bound in entries. The lines alone would take more.
    const options = ['--max-old-space-size=24', main, '--root', root, 'report', '--json', '--since', '10d']
    const { totals, exact } = documentOf(execFileSync('node', options, { encoding: 'utf8' }))
    expect([totals.hosts, totals.ports, exact]).toEqual([200_002, 9000, true])
  })
})

it('has the bytes of a hostile history only as text', async () => {
  const root = scannedServer()
  const evil = '<script>alert(1)</script>\u001b[31m"\'&'
  writeFileSync(join(root, HISTORY), line12(1, A, 23, evil) + line12(1, B, 23, 'x/198.51.100.1'), 'latin1')
  const { terminal, texts } = createTerminal()
  const options = { terminal, root, color: false } as ReportOptions
  expect(await reportCommand(options)).toBe(0)
  expect(texts().stdout).not.toMatch(/script|\u001b/)
})
