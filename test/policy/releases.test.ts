import { expect, it } from 'vitest'
import { native2, portRanges } from '../../src/policy/releases/native-2.ts'
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
  ['', { TCP_PORTS: '1-112,114-138,140-1023', UDP_PORTS: '1-66,68-136,139-519,521-1023' }],
  [
    'ADVANCED_PORTS_TCP=100\nADVANCED_EXCLUDE_TCP=80\n',
    { TCP_PORTS: '1-79,81-99', UDP_PORTS: '1-66,68-136,139-519,521-1023' },
  ],
  ['TCP_MODE=stcp\nUDP_MODE=\n', { UDP_PORTS: null }],
  ['TCP_MODE=tcp\nUDP_MODE=udp\n', {}],
])('portsentry 2.x says the modes of %j as lists', (config, expected) => {
  expect(Object.fromEntries(native2.portKeys(settingsOf(LAN + config)))).toEqual(expected)
})

it.each([
  ['', ['']],
  ['TCP_MODE=tcp\nUDP_MODE=udp\n', ['--connect']],
  ['TCP_MODE=stcp\nUDP_MODE=\n', ['']],
])('portsentry 2.x runs for %j as %j', (config, expected) => {
  expect(native2.daemonArguments(settingsOf(LAN + config))).toEqual(expected)
})
