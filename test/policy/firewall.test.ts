import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { parseNetwork } from '../../src/network.ts'
import {
  FIREWALL,
  FIREWALL_CONF,
  FIREWALL_FILES,
  FIREWALL_PATHS,
  firewallFiles,
  presentTarget,
  secondsOf,
} from '../../src/policy/firewall.ts'
import { sysv12 } from '../../src/policy/releases/classic-12.ts'
import { LAN, settingsOf } from '../plan/live.ts'

const filesOf = (config: string, blockedPath = '/var/lib/portsentry/portsentry.blocked') =>
  firewallFiles({
    settings: settingsOf(LAN + config),
    release: sysv12,
    modes: { tcpMode: 'atcp', udpMode: '' },
    target: 'DROP',
    protectedNetworks: ['127.0.0.0/8', 'fd00::/64'].flatMap((text) => parseNetwork(text) ?? []),
    historyPath: '/var/lib/portsentry/portsentry.history',
    blockedPath,
  })

it.each([
  ['1d', 86_400],
  ['90', 90],
  ['1d 12h', 129_600],
  ['1h30m', 5400],
  ['2 w', 1_209_600],
  ['1mo', 2_629_800],
  ['1y', 31_557_600],
  ['-1', -1],
])('%s is %d seconds, as for fail2ban', (time, seconds) => {
  expect(secondsOf(time)).toBe(seconds)
})

/** What a shell makes of the configuration. */
const sourced = (text: string, name: string): string =>
  execFileSync('sh', ['-c', `${text}\nprintf %s "$${name}"`], { encoding: 'utf8' })

it.each([
  ['', 'BACKEND', 'iptables'],
  ['BAN_BACKEND=nft\n', 'BACKEND', 'nft'],
  ['', 'ALLOWED', '127.0.0.0/8 fd00::/64'],
  ['BANTIME=-1\n', 'BANTIME', '-1'],
  ['BANTIME=2h\n', 'BANTIME', '7200'],
  ['', 'DENY', '1'],
  ["KILL_HOSTS_DENY='ALL: $TARGET$'\n", 'DENY', '0'],
  ['', 'MODES', 'atcp'],
])('%j: %s is %s', (config, name, expected) => {
  expect(sourced(filesOf(config).get(FIREWALL_CONF) ?? '', name)).toBe(expected)
})

it('is sourced as it was meant, whatever portsentry.conf says', () => {
  const path = "/var/lib/a'b$(touch x)`"
  expect(sourced(filesOf('', path).get(FIREWALL_CONF) ?? '', 'BLOCKED_FILE')).toBe(path)
})

it.each(['BAN_BACKEND=none\n', 'OBSERVE_ONLY=1\n'])('%j leaves none of the files', (config) => {
  const files = filesOf(config)
  expect([...files.keys()].sort()).toEqual([...FIREWALL_PATHS].sort())
  expect([...files.values()].every((text) => text === null)).toBe(true)
})

it('is a script that sh can read', () => {
  execFileSync('sh', ['-n'], { input: FIREWALL_FILES.get(FIREWALL) })
})

it.each([
  [undefined, undefined],
  ['BACKEND=iptables\nTARGET=CHAOS\n', 'CHAOS'],
  ['BACKEND=iptables\n', undefined],
])('%j: the target is %s', (text, target) => {
  expect(presentTarget(text)).toBe(target)
})
