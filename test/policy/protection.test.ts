import { expect, test } from 'vitest'
import { type Network, parseNetwork } from '../../src/network.ts'
import { findProtectors } from '../../src/policy/protection.ts'
import { settingsOf } from '../plan/live.ts'

const network = (text: string): Network => {
  const found = parseNetwork(text)
  if (found === null) throw new Error(text)
  return found
}

const SETTINGS = settingsOf(
  'LAN_IP=192.168.1.10\nLAN_NM=24\n\nWHITELIST=198.51.100.7,192.168.1.0/28,2001:db8:7::/48\n',
)
const ALWAYS = ['127.0.0.0/8', '::1', 'fe80::/10'].map(network)
const LIVE = {
  addresses: [network('203.0.113.1'), network('192.168.1.10')],
  gateways: [network('203.0.113.254')],
  resolvers: [network('192.0.2.53')],
  broadcasts: [network('203.0.113.255')],
}

const LAN = 'config.env:1 LAN_IP and LAN_NM: 192.168.1.0/24'

test.each<[string, string[]]>([
  ['203.0.113.9', []],
  ['2001:db8:8::1', []],
  ['192.168.1.200', [LAN]],
  ['192.168.1.3', [LAN, 'config.env:4 WHITELIST: 192.168.1.0/28']],
  ['192.168.1.10', [LAN, 'config.env:4 WHITELIST: 192.168.1.0/28', "- this server's own address"]],
  ['198.51.100.7', ['config.env:4 WHITELIST: 198.51.100.7/32']],
  ['2001:db8:7::1', ['config.env:4 WHITELIST: 2001:db8:7::/48']],
  ['203.0.113.1', ["- this server's own address"]],
  ['203.0.113.254', ["- this server's default gateway"]],
  ['192.0.2.53', ['- a name server of this server']],
  ['203.0.113.255', ['- a broadcast address here']],
  ['127.0.0.2', ['- 127.0.0.0/8, always protected']],
  ['fe80::1', ['- fe80::/10, always protected']],
])('%s', (address, expected) => {
  const shown = findProtectors(network(address), SETTINGS, LIVE, ALWAYS).map(
    ({ entry, at }) => `${at === null ? '-' : `${at.path}:${at.line}`} ${entry}`,
  )
  expect(shown).toEqual(expected)
})
