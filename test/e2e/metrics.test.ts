import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { parseMetrics, valuesIn } from '../metrics/parsers.ts'
import { temporaryDirectory } from '../tree.ts'
import { debianProgram } from './harness/debian-program.ts'
import { DEFAULT_CONFIG } from './harness/floors.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectHeld, portward, provide } from './scenario.ts'

const DIRECTORY = '/var/lib/prometheus/node-exporter'
const FILE = `${DIRECTORY}/portward.prom`
const OTHER = `${DIRECTORY}/other.prom`
const UNITS = '/etc/systemd/system/portward-metrics.service /etc/systemd/system/portward-metrics.timer'

const configWith = (path: string): string => `${DEFAULT_CONFIG}METRICS=${path}\n`

/** node_exporter of this machine, in the network of the server, where it reads files of the directory and is asked once. */
const SCRAPE = `
"$1" --collector.disable-defaults --collector.textfile --collector.textfile.directory="$2" \\
  --web.disable-exporter-metrics --web.listen-address=127.0.0.1:9100 >/dev/null 2>&1 &
trap 'kill $!' EXIT
python3 - <<'END'
import time, urllib.request
for _ in range(100):
    try:
        print(urllib.request.urlopen('http://127.0.0.1:9100/metrics').read().decode())
        break
    except OSError:
        time.sleep(0.1)
END
`

describeServers('metrics on a server', () => {
  let server: Server
  let promtool: string
  let nodeExporter: string

  beforeAll(async () => {
    promtool = await debianProgram('prometheus', '/usr/bin/promtool')
    nodeExporter = await debianProgram('prometheus-node-exporter', '/usr/bin/prometheus-node-exporter')
    server = await startServer({ suite: 'trixie', floor: 'installed' })
    await provide(server, configWith(FILE))
  })
  afterAll(() => server?.stop())

  const read = async (path = FILE): Promise<string> => (await server.run(`cat ${path}`)).stdout
  /** What the timer's service writes now. */
  const written = async (path = FILE) => {
    await server.run('systemctl start portward-metrics.service')
    return Object.fromEntries(valuesIn(await read(path)))
  }
  const scrape = async (): Promise<Map<string, number>> => {
    const directory = `/proc/${server.leader()}/root${DIRECTORY}`
    const inside = ['-t', `${server.leader()}`, '--net', 'sh', '-c', SCRAPE, 'sh', nodeExporter, directory]
    return valuesIn((await execa('nsenter', inside)).stdout)
  }
  const configure = (config: string) => server.write('/root/config.env', config, 0o600)
  const isActive = async () =>
    (await server.run('systemctl is-active portward-metrics.timer', { allowFailure: true })).stdout ===
    'active'

  it('are not planned into a directory that is not there', async () => {
    const { exitCode, stderr } = await server.run('portward plan', { allowFailure: true })
    expect(exitCode).toBe(78)
    expect(stderr).toMatch(
      /^\/root\/config\.env:3: METRICS is in \/var\/lib\/prometheus\/node-exporter, which is not a directory — install prometheus-node-exporter/m,
    )
  })

  it('are written by a timer that apply starts, and verify looks at', async () => {
    // It may belong to the user that node_exporter runs as.
    await server.run(`mkdir -p ${DIRECTORY} && chown nobody ${DIRECTORY}`)
    expect(await portward(server, 'plan', 2)).toContain('start portward-metrics.timer: METRICS asks for it')
    await portward(server, 'apply --yes', 0)
    expect((await server.run(`stat -c '%a %U' ${FILE}; ls ${DIRECTORY}`)).stdout).toBe(
      '644 root\nportward.prom',
    )
    expect(await isActive()).toBe(true)
    await portward(server, 'plan', 0)
    expect(await written()).toMatchObject({
      'portward_daemon_up{daemon="portsentry"}': 1,
      'portward_daemon_up{daemon="fail2ban"}': 1,
      'portward_daemon_working{daemon="portsentry"}': 1,
      'portward_daemon_working{daemon="fail2ban"}': 1,
      'portward_health{state="healthy"}': 1,
      'portward_scans_1h{protocol="tcp"}': 0,
      portward_config_valid: 1,
      portward_banned_hosts: 0,
      portward_new_bans_1h: 0,
      portward_pending_changes: 0,
      portward_last_verify_success: 1,
      'portward_last_verify_checks{result="fail"}': 0,
    })
  })

  it('follow a scan and its ban, and are scraped', async () => {
    await expectBanned(server)
    await expectHeld(server, '203.0.113.9')
    const values = await written()
    expect(values).toMatchObject({
      'portward_scans_1h{protocol="tcp"}': 1,
      'portward_scans_24h{protocol="tcp"}': 1,
      'portward_scans_1h{protocol="udp"}': 0,
      'portward_scanning_hosts_1h{protocol="tcp"}': 1,
      portward_new_bans_1h: 1,
      portward_new_bans_24h: 1,
      portward_banned_hosts: 1,
      portward_partly_banned_hosts: 0,
      'portward_store_hosts{store="fail2ban"}': 1,
      'portward_store_hosts{store="firewall"}': 1,
    })
    expect(values['portward_last_scan_timestamp_seconds']).toBeLessThanOrEqual(
      values['portward_read_timestamp_seconds'] ?? 0,
    )
    const unread = Object.entries(values).filter(
      ([name, value]) => name.includes('source_read') && value !== 1,
    )
    expect(unread).toEqual([])
    const scraped = await scrape()
    expect(scraped.get('node_textfile_scrape_error')).toBe(0)
    expect(Object.fromEntries([...scraped].filter(([name]) => name.startsWith('portward_')))).toEqual(values)
  })

  it('are text of which neither a parser of OpenMetrics nor promtool complains', async () => {
    const text = `${await read()}\n`
    expect(parseMetrics(text, 'OpenMetrics')).toEqual(parseMetrics(text, 'Prometheus 0.0.4'))
    const { stdout, stderr } = await execa(promtool, ['check', 'metrics'], { input: text })
    expect([stdout, stderr]).toEqual(['', ''])
  })

  it('have a dashboard and alerts that promtool accepts', async () => {
    const { panels } = JSON.parse(readFileSync(join(checkout, 'examples/grafana/portward.json'), 'utf8'))
    const expressions = (panels as { targets: { expr: string }[] }[]).flatMap(({ targets }) =>
      targets.map(({ expr }) => expr.replaceAll('$instance', '.+')),
    )
    const alerts = /^```yaml by [^\n]*\n(.*?)^```$/ms.exec(
      readFileSync(join(checkout, 'docs/metrics.md'), 'utf8'),
    )?.[1]
    const rules = expressions.map((expr, index) => ({ record: `portward:panel${index}`, expr }))
    const file = join(temporaryDirectory(), 'rules.json')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'portward', rules }] }))
    const { stdout } = await execa(promtool, ['check', 'rules', file])
    expect(stdout).toContain(`SUCCESS: ${expressions.length} rules found`)
    writeFileSync(file, alerts ?? '')
    expect((await execa(promtool, ['check', 'rules', file])).stdout).toContain('SUCCESS: 6 rules found')
  })

  it('show what is wrong, and verify says that they are stale', async () => {
    await server.run(
      `systemctl stop portward-metrics.timer portward-metrics.service; systemctl stop 'portsentry@*'; touch -d '1 hour ago' ${FILE}`,
    )
    const checks = await portward(server, 'verify', 1)
    expect(checks).toMatch(/^FAIL .*\n? *not running, or not at boot: portward-metrics\.timer/m)
    expect(checks).toMatch(/portward\.prom was written 1h .*ago/)
    expect(await portward(server, 'status', 0)).toMatch(/^verified +.* [3-9] FAILED, \d+ checks passed/m)
    expect(Object.fromEntries(valuesIn(await portward(server, 'metrics', 0)))).toMatchObject({
      'portward_daemon_up{daemon="portsentry"}': 0,
      'portward_daemon_working{daemon="portsentry"}': 0,
      'portward_daemon_up{daemon="fail2ban"}': 1,
      'portward_health{state="unprotected"}': 1,
      portward_banned_hosts: 1,
      portward_pending_changes: 2,
      portward_last_verify_success: 0,
    })
    expect(await portward(server, 'apply --yes', 0)).toContain(
      'start portward-metrics.timer: it is not running',
    )
    expect(Object.fromEntries(valuesIn(await read()))).toMatchObject({
      'portward_daemon_up{daemon="portsentry"}': 1,
    })
  })

  it('are in one file only, whatever METRICS named before', async () => {
    await configure(configWith(OTHER))
    expect(await portward(server, 'apply --yes', 0)).toContain(
      `remove ${FILE}: METRICS does not name it any more`,
    )
    expect((await server.run(`ls ${DIRECTORY}`)).stdout).toBe('other.prom')
    await portward(server, 'rollback --yes', 0)
    expect(await isActive()).toBe(true)
    expect(await written()).toMatchObject({ portward_banned_hosts: 1 })
    expect((await server.run(`ls ${DIRECTORY}`)).stdout).toBe('portward.prom')
  })

  it('go when METRICS goes, and when what wrote them is rolled back', async () => {
    await configure(DEFAULT_CONFIG)
    expect(await portward(server, 'apply --yes', 0)).toContain('disable portward-metrics.timer, and stop it')
    const left = async () =>
      (
        await server.run(
          `ls ${UNITS} ${DIRECTORY} 2>/dev/null; systemctl list-units --all --plain --no-legend 'portward-m*'; systemctl --failed --no-legend`,
          {
            allowFailure: true,
          },
        )
      ).stdout
    expect(await left()).toBe(`${DIRECTORY}:`)
    await portward(server, 'plan', 0)
    await portward(server, 'rollback --yes', 0)
    expect(await isActive()).toBe(true)
    expect(await written()).toMatchObject({ portward_banned_hosts: 1 })
    // The owner of the directory cannot make root write or remove another file, nor keep a rollback from ending.
    await server.run(`ln -sf /etc/fstab ${FILE} && chown -h nobody ${FILE} && echo untouched > /etc/fstab`)
    await server.run('systemctl start portward-metrics.service', { allowFailure: true })
    await portward(server, 'rollback 1 --yes', 0)
    expect(await left()).toBe(`${DIRECTORY}:`)
    expect((await server.run('cat /etc/fstab')).stdout).toBe('untouched')
  })
})
