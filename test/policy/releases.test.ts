import { expect, it } from 'vitest'
import { isNearlyAll, listPorts, portRanges } from '../../src/policy/ports.ts'
import type { Release } from '../../src/policy/release.ts'
import { sysv12 } from '../../src/policy/releases/classic-12.ts'
import { native2 } from '../../src/policy/releases/native-2.ts'
import { LAN, settingsOf } from '../plan/live.ts'

it.each([
  [1024, [113, 139], '1-112,114-138,140-1023'],
  [1024, [], '1-1023'],
  [10, [1, 2, 9], '3-8'],
  [10, [2, 4], '1,3,5-9'],
  [10, [0, 10, 11], '1-9'],
  [4, [3, 3], '1-2'],
  [2, [], '1'],
  [2, [1], ''],
])('ports below %i but %j are %s', (count, exclude, expected) => {
  expect(portRanges(count, exclude)).toBe(expected)
})

it.each([
  ['1,7,20-23', [1, 7, 20, 21, 22, 23]],
  ['9-9', [9]],
  ['0', [0]],
  ['11, 12,abc,9-x,,65535-99999999999', [11, 12, 0, 65535]],
])('%s lists %j', (list, expected) => {
  expect(listPorts(list)).toEqual(expected)
})

it.each([
  ['1-112,114-138,140-1023', true],
  ['1-21,23-1023', true],
  ['2-1023', true],
  ['1-99', true],
  ['1-9', false],
  ['1,7,11', false],
  ['8000-8100', false],
  ['1,11,15,79,111,32771-32774,54320', false],
])('%s means all ports but some: %s', (list, expected) => {
  expect(isNearlyAll(list)).toBe(expected)
})

const LISTED = {
  TCP_PORTS: expect.stringMatching(/^1,7,[\d,-]+$/),
  UDP_PORTS: expect.stringMatching(/^1,7,[\d,-]+$/),
}
const OWN = { TCP_PORTS: '11,12', UDP_PORTS: '7' }
const RANGES = { TCP_PORTS: '1-112,114-138,140-1023', UDP_PORTS: '1-66,68-136,139-519,521-1023' }

const PORT_KEYS: [string, Record<string, string>, object][] = [
  ['', OWN, RANGES],
  ['ADVANCED_PORTS_TCP=100\nADVANCED_EXCLUDE_TCP=80\n', {}, { ...RANGES, TCP_PORTS: '1-79,81-99' }],
  ['ADVANCED_EXCLUDE_UDP=67,137-138,520\n', {}, RANGES],
  ['TCP_MODE=stcp\nUDP_MODE=\n', OWN, { UDP_PORTS: null }],
  ['TCP_MODE=tcp\nUDP_MODE=udp\n', OWN, {}],
  ['TCP_MODE=tcp\nUDP_MODE=udp\n', RANGES, LISTED],
  ['TCP_MODE=stcp\nUDP_MODE=sudp\n', {}, LISTED],
  ['TCP_MODE=stcp\nTCP_PORTS=1-1023\n', RANGES, { UDP_PORTS: RANGES.UDP_PORTS }],
]

it.each(PORT_KEYS)(
  'portsentry 2.x says the modes of %j as lists, before: %j',
  (config, present, expected) => {
    const keys = native2.portKeys(settingsOf(LAN + config), (key) => present[key])
    expect(Object.fromEntries(keys)).toEqual(expected)
  },
)

it('keeps the list that it chose', () => {
  const settings = settingsOf(`${LAN}TCP_MODE=stcp\nUDP_MODE=sudp\n`)
  const chosen = native2.portKeys(settings, () => undefined)
  expect(native2.portKeys(settings, (key) => chosen.get(key) ?? undefined)).toEqual(new Map())
})

const many = (count: number) => Array.from({ length: count }, (_, index) => 3 * index + 3).join(',')

const RELEASES: Record<string, Release> = { '1.2': sysv12, '2.x': native2 }
const IMPOSSIBLE: [keyof typeof RELEASES, string, RegExp[]][] = [
  ['1.2', '', []],
  ['1.2', 'TCP_PORTS=1,20-25\n', [/^TCP_PORTS has the range 20-25, .* as 20 alone$/]],
  ['1.2', 'ADVANCED_EXCLUDE_UDP=137-138\n', [/^ADVANCED_EXCLUDE_UDP has the range 137-138/]],
  ['1.2', `UDP_PORTS=${many(64)}\n`, []],
  ['1.2', `UDP_PORTS=${many(65)}\n`, [/^UDP_PORTS has 65 ports, of which .* reads 64$/]],
  ['1.2', `ADVANCED_EXCLUDE_TCP=${many(65)}\n`, [/^ADVANCED_EXCLUDE_TCP has 65 ports/]],
  ['2.x', 'TCP_MODE=stcp\nTCP_PORTS=1,20-25\nADVANCED_EXCLUDE_UDP=137-138\n', []],
  ['2.x', 'ADVANCED_EXCLUDE_TCP=1-1023\n', [/^ADVANCED_EXCLUDE_TCP leaves no port to watch$/]],
  ['2.x', `ADVANCED_EXCLUDE_TCP=${many(200)}\n`, [/^ADVANCED_EXCLUDE_TCP leaves a list of \d+ bytes/]],
]

it.each(IMPOSSIBLE)('%s cannot do %j', (name, config, expected) => {
  const messages = (RELEASES[name] as Release)
    .impossible(settingsOf(LAN + config))
    .map(({ message }) => message)
  expect(messages).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
})

it.each([
  ['', ['']],
  ['TCP_MODE=tcp\nUDP_MODE=udp\n', ['--connect']],
  ['TCP_MODE=stcp\nUDP_MODE=\n', ['']],
])('portsentry 2.x runs for %j as %j', (config, expected) => {
  expect(native2.daemonArguments(settingsOf(LAN + config))).toEqual(expected)
})
