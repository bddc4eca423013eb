import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { describeJails, describeModes } from '../../src/commands/status.ts'
import { type BanStatus, describeBanStatus } from '../../src/commands/status-bans.ts'
import { renderSections } from '../../src/layout.ts'
import type { LiveFacts } from '../../src/policy/facts.ts'
import { sysv12 } from '../../src/policy/releases/classic-12.ts'
import { native2 } from '../../src/policy/releases/native-2.ts'
import { withoutStyles } from '../../src/styled.ts'
import { documentOf } from '../documents.ts'
import { factsOf } from '../plan/live.ts'
import { setTimeZone } from '../time-zone.ts'
import { copyOf, fixtures } from '../tree.ts'
import { portward } from './in-process.ts'

test.each<[string, string[] | null, boolean, string]>([
  ['are listed', ['sshd', 'portsentry'], true, 'sshd, portsentry'],
  ['are none', [], true, 'no jail loaded'],
  ['are not told by a fail2ban that hangs', null, true, 'DOES NOT ANSWER'],
  ['are not told to others than root', null, false, 'jails unknown: only root can ask fail2ban'],
])('the jails of a fail2ban that runs %s', (_, jails, asRoot, expected) =>
  expect(withoutStyles(describeJails(jails, asRoot))).toBe(expected),
)

test.each<[string, typeof native2, LiveFacts | null, string]>([
  ['of 2.x, which has its own names', native2, null, 'wanted: atcp, audp (stealth in portsentry 2.x)'],
  ['of a portsentry that is down', sysv12, factsOf({ live: { daemons: [] } }).live, 'wanted: atcp, audp'],
  ['that run', sysv12, factsOf().live, 'atcp, audp, as config.env asks'],
])('tells the modes %s', (_, release, live, expected) =>
  expect(describeModes(release, { tcpMode: 'atcp', udpMode: 'audp' }, live)).toBe(expected),
)

const NOTHING: BanStatus = {
  banned: 0,
  incomplete: 0,
  isWhole: true,
  unread: [],
  scans: { hostsThisWeek: 0, lastScans: [], ports: [], sinceMs: null },
  notes: [],
}

const EVENING = Date.parse('2026-11-21T19:16:32Z')
const LONG = '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'

test.each<[string, Partial<BanStatus>, number, string[]]>([
  [
    'only scans that were ignored',
    {},
    Infinity,
    [
      'bans        0 hosts banned; 0 hosts detected in the last 7 days (no scan that counts is in the history)',
    ],
  ],
  ['no history', { scans: null }, Infinity, ['bans        0 hosts banned; the history was not read']],
  [
    'a store that was not read',
    { scans: null, unread: ['firewall'] },
    Infinity,
    [
      'bans        0 hosts banned in the stores that were read (not read: firewall); the history was not read',
    ],
  ],
  [
    'all there is, on a narrow screen',
    {
      banned: 1,
      incomplete: 1,
      scans: {
        hostsThisWeek: 1,
        lastScans: [
          { timeMs: EVENING, host: LONG, port: 65535, protocol: 'tcp', scan: null },
          { timeMs: EVENING - 1000, host: '203.0.113.9', port: 7, protocol: 'udp', scan: null },
        ],
        ports: [{ port: 65535, protocol: 'tcp', hosts: 1 }],
        sinceMs: EVENING,
      },
    },
    80,
    [
      'bans        1 host banned, 1 of them NOT EVERYWHERE (portward bans shows where);',
      '              1 host detected in the last 7 days (the history begins 2026-11-21',
      '              20:16:32 +0100)',
      `last scans  2026-11-21 20:16:32 +0100 ${LONG}`,
      '              65535/tcp',
      '            2026-11-21 20:16:31 +0100 203.0.113.9 7/udp',
      'ports       65535/tcp (1): most scanned, by how many hosts',
    ],
  ],
])('tells of %s', (_, more, columns, expected) => {
  setTimeZone('Europe/Berlin')
  const text = renderSections(describeBanStatus({ ...NOTHING, ...more }), columns)
  expect(withoutStyles(text).trimEnd().split('\n')).toEqual(expected)
})

describe('status --check of a tree', () => {
  const sample = (): string => copyOf(join(fixtures, 'sample-server'))
  const check = (root: string, ...more: string[]) => portward('status', '--check', '--root', root, ...more)
  const UNCHECKED = 'not checked: the daemons, since nothing runs in a tree\n'

  it('exits 2 on drift, with one line', async () => {
    const root = sample()
    const expected = { status: 2, stdout: `needs attention: drift: 17 changes; ${UNCHECKED}` }
    expect(await check(root)).toMatchObject(expected)
    expect(await check(root, '--quiet')).toMatchObject({ ...expected, stderr: '' })
    expect((await portward('status', '--root', root)).status).toBe(0)
  })

  it('exits 0 in sync, without a word with --quiet', async () => {
    const root = sample()
    expect((await portward('apply', '--yes', '--root', root)).status).toBe(0)
    const line = `nothing wrong found; ${UNCHECKED}`
    expect(await check(root)).toMatchObject({ status: 0, stdout: line })
    expect(await check(root, '--quiet')).toEqual({ status: 0, stdout: '', bytes: '', stderr: '' })
    const { health, inSync } = documentOf((await check(root, '--json')).stdout)
    expect({ health, inSync }).toMatchObject({
      health: { state: 'unchecked', summary: line.trimEnd(), faults: [] },
      inSync: true,
    })
  })

  it('exits 78 where config.env is wrong, and says so with --quiet', async () => {
    const root = sample()
    writeFileSync(join(root, 'root/config.env'), 'LAN_IP=x\n')
    expect(await check(root, '--quiet')).toMatchObject({
      status: 78,
      stdout: '',
      stderr: expect.stringMatching(/config\.env:1/),
    })
    expect(documentOf((await check(root, '--json')).stdout).health).toBeNull()
  })
})
