import { expect, it } from 'vitest'
import type { Topology } from '../../src/facts/ip.ts'
import { type Network, parseNetwork } from '../../src/network.ts'
import { plan } from '../../src/plan/planner.ts'
import { desire } from '../../src/policy/desired.ts'
import { sysv12 } from '../../src/policy/releases/classic-12.ts'
import { checkNetworks } from '../../src/verify/networks-check.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const on = (...interfaces: readonly (readonly [name: string, ...addresses: string[]])[]): Topology => ({
  interfaces: interfaces.map(([name, ...addresses]) => ({
    name,
    addresses: addresses.map((address): Network => parseNetwork(address) ?? { bytes: [], prefix: 0 }),
    isVirtual: false,
  })),
  routes: [{ to: { bytes: [0, 0, 0, 0], prefix: 0 }, via: '203.0.113.254', device: 'wan0' }],
})

const LAN0 = ['lan0', '192.168.1.10/24'] as const
const WAN0 = ['wan0', '203.0.113.1/24'] as const
const LAN1 = ['lan1', '10.20.0.1/24'] as const

const check = (config: string, topology: Topology | null): string => {
  const settings = settingsOf(config)
  const facts = factsOf({ live: { topology, addresses: [] } })
  const { desired } = desire(settings, facts, sysv12)
  const { result, message, hint } = checkNetworks(desired, topology, plan(settings, facts).problems)
  return `${result} ${message}${hint === '' ? '' : ` → ${hint}`}`
}

it.each<[what: string, config: string, topology: Topology | null, expected: string | RegExp]>([
  ['the LAN', LAN, on(LAN0, WAN0), 'pass protected: 192.168.1.0/24 (lan0); not protected: 203.0.113.0/24 (wan0)'],
  [
    'all private networks',
    `${LAN}WHITELIST=10.0.0.0/8\n`,
    on(LAN0, LAN1, WAN0),
    'pass protected: 192.168.1.0/24 (lan0), 10.20.0.0/24 (lan1); not protected: 203.0.113.0/24 (wan0)',
  ],
  [
    'one that is not to be',
    `${LAN}UNTRUSTED=10.20.0.0/24\n`,
    on(LAN0, LAN1),
    'pass protected: 192.168.1.0/24 (lan0); not protected: 10.20.0.0/24 (lan1)',
  ],
  ['a VPS', '', on(WAN0), 'pass not protected: 203.0.113.0/24 (wan0)'],
  ['nobody is banned', 'OBSERVE_ONLY=1\n', on(LAN0), 'pass not needed: config.env turns banning off'],
  ['a LAN of nowhere, and nobody is banned', 'OBSERVE_ONLY=1\nLAN_IP=192.168.2.10\nLAN_NM=24\n', on(LAN0, WAN0), /^fail /],
  ['IPv6', LAN, on([...LAN0, 'fd00:1::10/64']), 'pass protected: 192.168.1.0/24 (lan0); not protected: fd00:1::/64 (lan0)'],
  ['an address without neighbours', '', on(['eth0', '203.0.113.1/32']), 'pass this server is not on a network with other hosts'],
  ['another LAN', 'LAN_IP=192.168.2.10\nLAN_NM=24\n', on(LAN0, WAN0), /^fail .*it has lan0 192\.168\.1\.10\/24, wan0 203/],
  ['a second network', LAN, on(LAN0, LAN1, WAN0), /^fail this server is on 10\.20\.0\.0\/24 \(lan1\).* → add 10\.20\.0\.0\/24 to WHITELIST, or/],
  ['no LAN beside one', '', on(LAN0), /^fail this server is on 192\.168\.1\.0\/24 .* → set LAN_IP=192\.168\.1\.10 and LAN_NM=24/],
  ['the Internet as the LAN', 'LAN_IP=203.0.113.1\nLAN_NM=24\n', on(WAN0), /^warn .*hosts of others there would never be banned → /],
  ['that, and a network left out', 'LAN_IP=203.0.113.1\nLAN_NM=24\n', on(WAN0, LAN1), /^fail .*hosts of others.*; this server is on 10\.20\.0\.0\/24 .* → add /],
  ['no address', LAN, on(), 'skip not checked: no interface has an IPv4 address'],
  ['no ip to ask', LAN, null, 'skip not checked: ip (iproute2) does not list interfaces and routes'],
])('%s', (_what, config, topology, expected) => {
  expect(check(config, topology)).toMatch(expected)
}) // biome-ignore format: a table
