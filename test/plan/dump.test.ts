import { expect, it } from 'vitest'
import { missingFromDump } from '../../src/plan/dump.ts'

const DUMP = [
  "['add', 'portsentry', 'polling']",
  "['set', 'portsentry', 'addlogpath', '/var/lib/portsentry/portsentry.history', 'head']",
  "['set', 'portsentry', 'maxretry', 1]",
  "['set', 'portsentry', 'bantime', '1d']",
  "['set', 'portsentry', 'addignoreip', '127.0.0.0/8', '192.168.1.0/24']",
  "['set', 'portsentry', 'addaction', 'iptables-allports']",
  "['multi-set', 'portsentry', 'action', 'iptables-allports', [['actionstart', \"it's\"]]]",
  "['start', 'portsentry']",
  '2026-11-21 12:00:00,000 fail2ban WARNING something',
]

const missing = (options: Record<string, string>) =>
  missingFromDump(DUMP, new Map([['portsentry', new Map(Object.entries(options))]]))

it.each([
  [{ enabled: 'true', backend: 'polling', bantime: '1d', maxretry: '1' }, []],
  [
    {
      enabled: 'true',
      ignoreip: '127.0.0.0/8 192.168.1.0/24',
      logpath: '/var/lib/portsentry/portsentry.history',
    },
    [],
  ],
  [{ banaction: 'iptables-allports[blocktype=DROP]' }, []],
  [{ banaction: 'nftables-allports' }, ['portsentry: banaction = nftables-allports']],
  [{ bantime: '1w' }, ['portsentry: bantime = 1w']],
  [{ ignoreip: '10.0.0.0/8' }, ['portsentry: ignoreip = 10.0.0.0/8']],
  [{ enabled: 'false', bantime: '9' }, ['portsentry: enabled = false']],
])('%j', (options, expected) => {
  expect(missing(options as Record<string, string>)).toEqual(expected)
})
