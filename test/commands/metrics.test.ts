import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeWith } from '../ansible/requirements.ts'
import { PARSERS, parseMetrics, valuesIn } from '../metrics/parsers.ts'
import { HISTORY, scannedServer } from '../report/tree.ts'
import { copyOf, fixtures, temporaryDirectory, writeInto } from '../tree.ts'
import { portward } from './in-process.ts'

const metricsOf = async (root: string) => {
  const { status, stdout } = await portward('metrics', '--root', root)
  expect(status).toBe(0)
  return Object.fromEntries(valuesIn(stdout))
}

const SOURCE = (name: string) => `portward_source_read{source="${name}"}`

describe('portward metrics', () => {
  it('counts what happened in the last day', async () => {
    expect(await metricsOf(scannedServer())).toMatchObject({
      'portward_scans_24h{protocol="tcp"}': 1,
      'portward_scans_24h{protocol="udp"}': 0,
      'portward_scanning_hosts_24h{protocol="tcp"}': 1,
      portward_new_bans_24h: 1,
      [SOURCE('history')]: 1,
      [SOURCE('ban-records')]: 1,
    })
  })

  it('has no number for what a tree does not have, or fail2ban no longer knows', async () => {
    const root = scannedServer()
    writeInto(root, { 'etc/fail2ban/fail2ban.local': '[Definition]\ndbpurgeage = 2h\n' })
    const values = await metricsOf(root)
    expect(values).toHaveProperty('portward_new_bans_1h')
    for (const name of [
      'portward_new_bans_24h',
      'portward_banned_hosts',
      'portward_daemon_up{daemon="portsentry"}',
      'portward_last_verify_success',
      SOURCE('firewall'),
    ])
      expect(values).not.toHaveProperty([name])
    expect(values).toMatchObject({ 'portward_health{state="attention"}': 1, portward_pending_changes: 16 })
  })

  it('has no number of scans where the history cannot be read', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    writeInto(root, { [`${HISTORY}/file`]: '' })
    const values = await metricsOf(root)
    expect(values).toMatchObject({ [SOURCE('history')]: 0 })
    expect(Object.keys(values).filter((name) => name.includes('scan'))).toEqual([])
  })

  it('says that config.env is wrong, and has numbers that do not depend on it', async () => {
    const root = scannedServer()
    writeInto(root, { 'root/config.env': 'TCP_MODE=all\n' })
    const { status, stdout, stderr } = await portward('metrics', '--root', root)
    expect([status, stderr]).toEqual([0, expect.stringContaining('TCP_MODE is "all"')])
    const values = Object.fromEntries(valuesIn(stdout))
    expect(values).toMatchObject({ portward_config_valid: 0, [SOURCE('plan')]: 0, portward_new_bans_24h: 1 })
    expect(values).not.toHaveProperty('portward_pending_changes')
  })

  it('has no JSON', async () => {
    const { status, stderr } = await portward('metrics', '--json')
    expect([status, stderr]).toEqual([64, expect.stringMatching(/^portward: --json cannot be used/)])
  })
})

describe('portward metrics --output', () => {
  const write = (file: string) => portward('metrics', '--root', scannedServer(), '--output', file)

  it('replaces a file that others may read', async () => {
    const directory = temporaryDirectory()
    const file = join(directory, 'portward.prom')
    expect(await write(file)).toMatchObject({ status: 0, stdout: '', stderr: '' })
    const { ino, mode } = statSync(file)
    expect(mode & 0o777).toBe(0o644)
    expect(readFileSync(file, 'utf8')).toMatch(/^# HELP portward_build_info .*\n# EOF\n$/s)
    expect(await write(file)).toMatchObject({ status: 0 })
    expect(statSync(file).ino).not.toBe(ino)
    expect(readdirSync(directory)).toEqual(['portward.prom'])
  })

  it('makes no directory', async () => {
    const directory = join(temporaryDirectory(), 'node-exporter')
    const { status, stdout, stderr } = await write(join(directory, 'portward.prom'))
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      `portward: ${directory} is not a directory — make it, or name the one that node_exporter's --collector.textfile.directory names\n`,
    )
  })

  it('does not follow a link that somebody else made', async () => {
    const directory = temporaryDirectory()
    const target = join(directory, 'target')
    writeFileSync(target, 'as it was\n')
    symlinkSync(target, join(directory, 'portward.prom'))
    if (process.getuid?.() !== 0) return
    const { lchownSync } = await import('node:fs')
    lchownSync(join(directory, 'portward.prom'), 65_534, 65_534)
    expect(await write(join(directory, 'portward.prom'))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('root does not follow it'),
    })
    expect(readFileSync(target, 'utf8')).toBe('as it was\n')
  })
})

describeWith(PARSERS, 'the metrics of a tree', () => {
  it('parse as both formats', async () => {
    const { stdout } = await portward('metrics', '--root', scannedServer())
    const names = parseMetrics(stdout, 'OpenMetrics').map(({ name }) => name)
    expect(names.length).toBeGreaterThan(10)
    expect(parseMetrics(stdout, 'Prometheus 0.0.4').map(({ name }) => name)).toEqual(names)
  })
})
