import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { type Family, renderMetrics } from '../../src/metrics/format.ts'
import { familiesOf, METRICS, type Observation } from '../../src/metrics/metrics.ts'
import { describeWith } from '../ansible/requirements.ts'
import { checkout } from '../checkout.ts'
import { type Format, PARSERS, parseMetrics, valuesIn } from './parsers.ts'

const NOTHING: Observation = {
  version: '0.1.0',
  nowMs: 1_795_888_334_123,
  sources: new Map(),
  isConfigValid: false,
  health: null,
  daemons: [],
  banned: null,
  partlyBanned: null,
  stores: new Map(),
  lastHour: { scans: null, newBans: null },
  lastDay: { scans: null, newBans: null },
  lastScanMs: null,
  pendingChanges: null,
  lastVerify: null,
}

/** Everything was looked at. */
const ALL: Observation = {
  ...NOTHING,
  sources: new Map([
    ['config', true],
    ['history', false],
  ]),
  isConfigValid: true,
  health: 'attention',
  daemons: [
    { name: 'portsentry', running: true, working: false },
    { name: 'fail2ban', running: true, working: null },
  ],
  banned: 2,
  partlyBanned: 1,
  stores: new Map([['hosts.deny', 2]]),
  lastHour: { scans: { tcp: { scans: 1, hosts: 1 }, udp: { scans: 0, hosts: 0 } }, newBans: 0 },
  lastDay: { scans: { tcp: { scans: 5, hosts: 3 }, udp: { scans: 2, hosts: 1 } }, newBans: 4 },
  lastScanMs: 1_795_888_000_000,
  pendingChanges: 0,
  lastVerify: { timeMs: 1_795_880_000_000, results: { pass: 20, warn: 1, fail: 0, skip: 2 } },
}

const valuesOf = (seen: Observation) => Object.fromEntries(valuesIn(renderMetrics(familiesOf(seen))))

describe('the metrics of a server', () => {
  it('have a number for all that was looked at', () => {
    expect(valuesOf(ALL)).toEqual({
      'portward_build_info{version="0.1.0"}': 1,
      portward_read_timestamp_seconds: 1_795_888_334.123,
      'portward_source_read{source="config"}': 1,
      'portward_source_read{source="history"}': 0,
      portward_config_valid: 1,
      'portward_health{state="healthy"}': 0,
      'portward_health{state="attention"}': 1,
      'portward_health{state="unprotected"}': 0,
      'portward_health{state="unchecked"}': 0,
      'portward_daemon_up{daemon="portsentry"}': 1,
      'portward_daemon_up{daemon="fail2ban"}': 1,
      'portward_daemon_working{daemon="portsentry"}': 0,
      portward_banned_hosts: 2,
      portward_partly_banned_hosts: 1,
      'portward_store_hosts{store="hosts.deny"}': 2,
      portward_new_bans_1h: 0,
      portward_new_bans_24h: 4,
      'portward_scans_1h{protocol="tcp"}': 1,
      'portward_scans_1h{protocol="udp"}': 0,
      'portward_scans_24h{protocol="tcp"}': 5,
      'portward_scans_24h{protocol="udp"}': 2,
      'portward_scanning_hosts_1h{protocol="tcp"}': 1,
      'portward_scanning_hosts_1h{protocol="udp"}': 0,
      'portward_scanning_hosts_24h{protocol="tcp"}': 3,
      'portward_scanning_hosts_24h{protocol="udp"}': 1,
      portward_last_scan_timestamp_seconds: 1_795_888_000,
      portward_pending_changes: 0,
      portward_last_verify_timestamp_seconds: 1_795_880_000,
      portward_last_verify_success: 1,
      'portward_last_verify_checks{result="pass"}': 20,
      'portward_last_verify_checks{result="warn"}': 1,
      'portward_last_verify_checks{result="fail"}': 0,
      'portward_last_verify_checks{result="skip"}': 2,
    })
  })

  it('have no number for what was not looked at', () => {
    expect(valuesOf(NOTHING)).toEqual({
      'portward_build_info{version="0.1.0"}': 1,
      portward_read_timestamp_seconds: 1_795_888_334.123,
      portward_config_valid: 0,
    })
  })

  it('say that a check failed', () => {
    const lastVerify = { timeMs: 0, results: { pass: 20, warn: 0, fail: 1, skip: 0 } }
    expect(valuesOf({ ...ALL, lastVerify })).toMatchObject({ portward_last_verify_success: 0 })
  })
})

test('names are those of Prometheus: units at the end, a word for what is counted, help that is a sentence', () => {
  for (const { name, help } of METRICS) {
    expect(name).toMatch(/^portward(?:_[a-z0-9]+)+$/)
    expect(name).not.toMatch(/_(?:total|count|sum|bucket|created)$/)
    expect(help).toMatch(/^[A-Z1].*\.$/)
    expect(help).not.toMatch(/[\\\n]/)
  }
})

test('each has at most one label, and its row in docs/metrics.md', () => {
  const page = readFileSync(join(checkout, 'docs/metrics.md'), 'utf8')
  for (const { name, label, help, samplesOf } of METRICS) {
    expect(page).toContain(`| \`${name}\` | ${label === undefined ? '' : `\`${label}\``} | ${help} |\n`)
    for (const { labels = {} } of samplesOf(ALL))
      expect(Object.keys(labels)).toEqual(label === undefined ? [] : [label])
  }
  expect(page.match(/^\| `portward_/gm)).toHaveLength(METRICS.length)
})

const LABEL: Family = { name: 'a', help: 'One.', samples: [{ labels: { b: 'c"d\\e\nf' }, value: 1.5 }] }

describeWith(PARSERS, 'the text', () => {
  describe.each<Format>(['OpenMetrics', 'Prometheus 0.0.4'])('as %s', (format) => {
    it('is what was observed', () => {
      const families = familiesOf(ALL)
      const parsed = parseMetrics(renderMetrics(families), format)
      expect(parsed).toEqual(
        families.map(({ name, help, samples }) => ({
          ...{ name, help, type: 'gauge' },
          samples: samples.map(({ labels = {}, value }) => [name, labels, value]),
        })),
      )
    })

    it('keeps any text in a label', () => {
      expect(parseMetrics(renderMetrics([LABEL]), format)[0]?.samples).toEqual([
        ['a', { b: 'c"d\\e\nf' }, 1.5],
      ])
    })

    it('may have no metric at all', () => {
      expect(parseMetrics(renderMetrics([]), format)).toEqual([])
    })
  })

  it('would not be OpenMetrics without its end, or with a counter as the older format names it', () => {
    const text = renderMetrics([LABEL])
    expect(() => parseMetrics(text.replace('# EOF\n', ''), 'OpenMetrics')).toThrow('EOF')
    const counter = '# HELP a_total One.\n# TYPE a_total counter\na_total 1\n# EOF\n'
    expect(() => parseMetrics(counter, 'OpenMetrics')).toThrow('Clashing name')
  })
})
