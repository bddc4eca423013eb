import { describe, expect, it } from 'vitest'
import type { Topology } from '../../src/facts/ip.ts'
import { plan } from '../../src/plan/planner.ts'
import { renderProblem } from '../../src/problem.ts'
import { factsOf, settingsOf } from '../plan/live.ts'
import { topologyOf } from './topology.ts'

const CODES = ['lan-elsewhere', 'lan-routed', 'lan-internet', 'lan-wide', 'unprotected-network']

const found = (config: string, topology: Topology | null) => {
  const result = plan(settingsOf(config), factsOf({ live: { topology, addresses: [] } }))
  return result.problems.filter(({ code }) => CODES.includes(code))
}

/** `line code`, errors marked with an exclamation mark. */
const troubleOf = (config: string, topology: Topology | null): string[] =>
  found(config, topology).map(
    ({ at, code, severity }) => `${at.line ?? '-'} ${code}${severity === 'error' ? '!' : ''}`,
  )

const lan = (address: string, mask: string | number, more = '') =>
  `LAN_IP=${address}\nLAN_NM=${mask}\n${more}`

const HOME = topologyOf('lan0 192.168.1.10/24', 'default via 192.168.1.1 dev lan0', '192.168.1.0/24 dev lan0')
const GATEWAY = topologyOf(
  'lan0 192.168.1.10/24, wan0 203.0.113.1/24',
  'default via 203.0.113.254 dev wan0',
  '192.168.1.0/24 dev lan0',
  '203.0.113.0/24 dev wan0',
)
const ROUTED = topologyOf(
  'lan0 192.168.1.10/24, wan0 203.0.113.1/24',
  'default via 203.0.113.254 dev wan0',
  '10.30.0.0/16 via 192.168.1.1 dev lan0',
)
const TWO = topologyOf('lan0 192.168.1.10/24, lan1 10.20.0.1/24', 'default via 192.168.1.1 dev lan0')
const VPS = topologyOf('ens3 203.0.113.1/24', 'default via 203.0.113.254 dev ens3')
/** One address without a network, and a router that is in none. */
const CLOUD = topologyOf(
  'eth0 203.0.113.1/32, ens10 10.0.0.2/32',
  'default via 172.31.1.1 dev eth0',
  '172.31.1.1/32 dev eth0',
  '10.0.0.0/16 via 10.0.0.1 dev ens10',
)
const NAT_VPS = topologyOf('ens4 10.128.0.2/32', 'default via 10.128.0.1 dev ens4', '10.128.0.1/32 dev ens4')
/** The default route's network and a block of its own on one interface. */
const OWN_BLOCK = topologyOf(
  'eth0 203.0.113.5/24, eth0 198.51.100.1/28',
  'default via 203.0.113.254 dev eth0',
)
const VPN = topologyOf(
  'eth0 203.0.113.5/24, tun0 10.8.0.2/24',
  '0.0.0.0/1 via 10.8.0.1 dev tun0',
  '128.0.0.0/1 via 10.8.0.1 dev tun0',
)
const SHARED = topologyOf('eth0 100.64.3.7/16', 'default via 100.64.0.1 dev eth0')
const DOCKER = topologyOf('eth0 203.0.113.5/24, docker0 172.17.0.1/16', 'default via 203.0.113.254 dev eth0')

describe('LAN_IP and LAN_NM beside the interfaces', () => {
  it.each<[what: string, config: string, topology: Topology | null, trouble: string[]]>([
    ['its address', lan('192.168.1.10', 24), GATEWAY, []],
    ["its network's own address", lan('192.168.1.0', 24), GATEWAY, []],
    ["a neighbour's address", lan('192.168.1.77', 24), GATEWAY, []],
    ['behind NAT, where the Internet comes that way too', lan('192.168.1.10', 24), HOME, []],
    ['none, on a VPS', '', VPS, []],
    ['one address of its own', lan('203.0.113.1', 32), VPS, []],
    ['one address of its own in a private network', lan('192.168.1.10', 32), HOME, []],

    ['another network', lan('192.168.2.10', 24), GATEWAY, ['1 lan-elsewhere!']],
    ['another network, behind NAT', lan('192.168.2.10', 24), HOME, ['1 lan-elsewhere!']],
    ['another host', lan('192.168.2.10', 32), GATEWAY, ['1 lan-elsewhere!']],
    ['a LAN on a VPS', lan('192.168.1.10', 24), VPS, ['1 lan-elsewhere!']],

    ['a routed network', lan('10.30.0.5', 16), ROUTED, ['1 lan-routed', '- unprotected-network']],
    ['a part of a routed one', lan('10.30.7.0', 24), ROUTED, ['1 lan-routed', '- unprotected-network']],
    ['more than a routed one', lan('10.0.0.0', 8), ROUTED, ['1 lan-routed', '- unprotected-network']],
    ['said otherwise', lan('192.168.1.10', 24, 'WHITELIST=10.30.0.0/16\n'), ROUTED, []],
    ['a network in the cloud', lan('10.0.0.2', 16), CLOUD, []],
    ['a network in the cloud behind NAT', lan('10.128.0.2', 20), NAT_VPS, []],

    ['the Internet', lan('203.0.113.1', 24), GATEWAY, ['1 lan-internet', '- unprotected-network']],
    ['the only network of a VPS', lan('203.0.113.1', 24), VPS, ['1 lan-internet']],
    ['a part of it', lan('203.0.113.0', 28), VPS, ['1 lan-internet']],
    ['more than it', lan('203.0.113.1', 16), VPS, ['1 lan-internet']],
    ['the Internet, by an address without a network', lan('203.0.113.1', 24), CLOUD, ['1 lan-internet']],
    ["the provider's, shared by its customers", lan('100.64.3.7', 16), SHARED, ['1 lan-internet']],
    ['a public block that no default route is in', lan('198.51.100.1', 28), OWN_BLOCK, []],
    ['the Internet beside such a block', lan('203.0.113.5', 24), OWN_BLOCK, ['1 lan-internet']],
    ['a VPN that all goes through', lan('10.8.0.2', 24), VPN, []],
    ['a public network beside it', lan('203.0.113.5', 24), VPN, ['- unprotected-network']],

    ['a wider mask', lan('192.168.1.10', 16), GATEWAY, ['1 lan-wide']],
    ['a wider mask, and a route to all of it', lan('10.0.0.2', 16), CLOUD, []],
    ['a wider mask over two networks', lan('10.0.0.0', 8, 'UNTRUSTED=192.168.1.0/24\n'), TWO, ['1 lan-wide']],
    ['a narrower mask', lan('192.168.1.10', 28), GATEWAY, ['2 unprotected-network']],
    ['a narrower mask, on purpose', lan('192.168.1.10', 28, 'UNTRUSTED=192.168.1.0/24\n'), GATEWAY, []],

    ['a second private network', lan('192.168.1.10', 24), TWO, ['- unprotected-network']],
    ['protected', lan('192.168.1.10', 24, 'WHITELIST=10.20.0.0/24\n'), TWO, []],
    ['protected by a wider one', lan('192.168.1.10', 24, 'WHITELIST=10.0.0.0/8\n'), TWO, []],
    ['a part of it protected', lan('192.168.1.10', 24, 'WHITELIST=10.20.0.7\n'), TWO, ['3 unprotected-network']],
    ['not to be protected', lan('192.168.1.10', 24, 'UNTRUSTED=10.20.0.0/16\n'), TWO, []],
    ['nobody is banned', lan('192.168.1.10', 24, 'OBSERVE_ONLY=1\n'), TWO, []],
    ['no LAN where there are two', '', TWO, ['- unprotected-network', '- unprotected-network']],
    ['no LAN where there is one', 'WHITELIST=192.168.1.0/24\n', HOME, []],
    ["containers' networks", '', DOCKER, []],
    ["containers' network as the LAN", lan('172.17.0.1', 16), DOCKER, []],

    ['no address yet', lan('192.168.2.10', 24), topologyOf('', 'default dev ppp0'), []],
    ['IPv6 alone', lan('192.168.2.10', 24), topologyOf('lan0 fd00:1::10/64'), []],
    ['a tree, or no ip to ask', lan('192.168.2.10', 24), null, []],
  ])('%s', (_what, config, topology, trouble) => {
    expect(troubleOf(config, topology)).toEqual(trouble)
  }) // biome-ignore format: a table

  it.each<[config: string, topology: Topology, text: string]>([
    [
      lan('192.168.2.10', '255.255.255.0'),
      GATEWAY,
      'config.env:1: LAN_IP and LAN_NM name 192.168.2.0/24, but this server is not in it: it has lan0 192.168.1.10/24, wan0 203.0.113.1/24 — name one of these networks; if 192.168.2.0/24 is to be protected as well, put it into WHITELIST',
    ],
    [
      lan('10.30.0.5', '16', 'UNTRUSTED=192.168.1.0/24\n'),
      ROUTED,
      'config.env:1: warning: LAN_IP and LAN_NM name 10.30.0.0/16, but this server is not in it: it reaches it through the route 10.30.0.0/16 via 192.168.1.1 dev lan0 — put 10.30.0.0/16 into WHITELIST instead; LAN_IP and LAN_NM are for a network that this server is on, and may be left out',
    ],
    [
      lan('203.0.113.1', 24),
      VPS,
      'config.env:1: warning: LAN_IP and LAN_NM name 203.0.113.0/24, but the default route uses 203.0.113.0/24 (ens3): hosts of others there would never be banned — name your LAN, or leave out both LAN_IP and LAN_NM if there is none; if all of 203.0.113.0/24 is yours, put it into WHITELIST instead',
    ],
    [
      lan('192.168.1.10', 16),
      HOME,
      'config.env:1: warning: LAN_IP and LAN_NM name 192.168.0.0/16, which is wider than 192.168.1.0/24 (lan0), the network of this server — set LAN_NM=24; if all of 192.168.0.0/16 is to be protected, put it into WHITELIST',
    ],
    [
      lan('192.168.1.10', 28),
      HOME,
      'config.env:2: warning: this server is on 192.168.1.0/24 (lan0), of which only 192.168.1.0/28 is protected: a host there that scans is banned — set LAN_NM=24, or add 192.168.1.0/24 to UNTRUSTED if its hosts are to be banned like any other',
    ],
    [
      '# nothing\n',
      HOME,
      'config.env: warning: this server is on 192.168.1.0/24 (lan0), which is not protected: a host there that scans is banned — set LAN_IP=192.168.1.10 and LAN_NM=24, or add 192.168.1.0/24 to UNTRUSTED if its hosts are to be banned like any other',
    ],
    [
      lan('192.168.1.10', 24),
      TWO,
      'config.env: warning: this server is on 10.20.0.0/24 (lan1), which is not protected: a host there that scans is banned — add 10.20.0.0/24 to WHITELIST, or add 10.20.0.0/24 to UNTRUSTED if its hosts are to be banned like any other',
    ],
  ])('says what is there and what to do: %j', (config, topology, text) => {
    expect(found(config, topology).map(renderProblem)).toEqual([text])
  })

  it('lists eight addresses at most', () => {
    const many = Array.from({ length: 20 }, (_, index) => `vlan${index} 10.${index}.0.1/24`).join(', ')
    const [problem] = found(lan('192.168.2.10', 24), topologyOf(many))
    expect(problem?.message).toMatch(/: it has vlan0 10\.0\.0\.1\/24, .*, vlan7 10\.7\.0\.1\/24 and 12 more$/)
  })
})
