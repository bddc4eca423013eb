import { expect, it } from 'vitest'
import { lastingHosts, ownNetworks, parseInterfaces, parseRoutes } from '../../src/facts/ip.ts'
import { onLink } from '../../src/policy/on-link.ts'

const NO_ROUTES = { ipv4: [], ipv6: [] }

import { formatAddress, formatCidr } from '../../src/network.ts'

const global4 = (local: string) => ({ family: 'inet', local, prefixlen: 24, scope: 'global' })
const global6 = (local: string, rest: object = {}) => ({
  ...{ family: 'inet6', local, prefixlen: 64, scope: 'global' },
  ...rest,
})

const CASES: [string, object[], string[], string[]][] = [
  ['nothing', [], [], []],
  [
    'loopback and link-local ones',
    [
      { addr_info: [{ local: '127.0.0.1', prefixlen: 8, scope: 'host' }, {}] },
      { addr_info: [{ local: 'fe80::1', prefixlen: 64, scope: 'link' }] },
      { addr_info: [{ local: '169.254.1.2', prefixlen: 16, scope: 'global' }] },
      {},
    ],
    [],
    [],
  ],
  [
    'both families, in a stable order, and each network once',
    [
      {
        ifname: 'lan0',
        addr_info: [global6('fd00::10'), global4('192.168.1.10'), global6('fd00::9'), global4('192.168.1.9')],
      },
    ],
    ['192.168.1.9', '192.168.1.10', 'fd00::9', 'fd00::10'],
    ['lan0 fd00::/64', 'lan0 192.168.1.0/24'],
  ],
  [
    'an interface without a carrier',
    [
      {
        ...{ ifname: 'eth1', flags: ['NO-CARRIER', 'UP'], operstate: 'DOWN' },
        addr_info: [global4('192.168.1.10')],
      },
    ],
    ['192.168.1.10'],
    ['eth1 192.168.1.0/24'],
  ],
  ['a temporary address', [{ addr_info: [global6('fd00::abcd', { temporary: true })] }], [], []],
  [
    'a bridge of containers',
    [{ ifname: 'docker0', addr_info: [{ ...global4('172.17.0.1'), prefixlen: 16 }] }],
    [],
    [],
  ],
  ['a host without a network', [{ addr_info: [global6('fd00::7', { prefixlen: 128 })] }], ['fd00::7'], []],
]

it.each(CASES)('ip address: %s', (_, interfaces, addresses, links) => {
  const own = ownNetworks(parseInterfaces(JSON.stringify(interfaces)), NO_ROUTES)
  expect(own.addresses.map(({ bytes }) => formatAddress(bytes))).toEqual(addresses)
  const networks = onLink(own.topology)
  expect(networks.map(({ network, device }) => `${device} ${formatCidr(network)}`)).toEqual(links)
})

it('knows the broadcast address of each IPv4 network that has one', () => {
  const addr_info = [
    ...[global4('192.168.1.10'), global4('192.168.1.9'), global6('fd00::9')],
    { local: '203.0.113.2', prefixlen: 31, scope: 'global' },
    { local: '198.51.100.5', prefixlen: 29, scope: 'global' },
  ]
  const own = ownNetworks(parseInterfaces(JSON.stringify([{ addr_info }])), NO_ROUTES)
  expect(own.broadcasts.map(formatCidr)).toEqual(['192.168.1.255/32', '198.51.100.7/32'])
})

it.each(['', 'Option "-json" is unknown', '{}'])('knows nothing from %j', (text) => {
  expect(parseInterfaces(text)).toBeNull()
  expect(parseRoutes(text)).toEqual({ ipv4: null, ipv6: null })
})

it('takes what the C library says where ip is missing', () => {
  const byLibrary = () => lastingHosts(['192.168.1.10', '169.254.7.7', '10.0.0.1', '10.0.0.1'])
  const { addresses, topology } = ownNetworks(null, NO_ROUTES, byLibrary)
  expect(topology).toBeNull()
  expect(addresses.map(formatCidr)).toEqual(['10.0.0.1/32', '192.168.1.10/32'])
})

/** Routes of IPv6 as `ip -json route show table all` prints them, among those of IPv4. */
const ofIPv6 = (routes: unknown) =>
  Array.isArray(routes) ? routes.map((route) => ({ ...route, pref: 'medium' })) : routes

/** What `ip -json route show table all` prints makes of these. */
const withRoutes = (routes: unknown, family: 'ipv4' | 'ipv6' = 'ipv4') =>
  ownNetworks([], parseRoutes(JSON.stringify(family === 'ipv4' ? routes : ofIPv6(routes))))

const ROUTES: [string, unknown, string[]][] = [
  ['no route', [], []],
  ['one', [{ dst: 'default', gateway: '192.168.1.1', dev: 'eth0', flags: [] }], ['192.168.1.1/32']],
  [
    'several',
    [{ gateway: '203.0.113.254' }, { gateway: '192.168.1.1', metric: 100 }],
    ['192.168.1.1/32', '203.0.113.254/32'],
  ],
  [
    'several next hops of one',
    [{ dst: 'default', nexthops: [{ gateway: '192.168.1.1', weight: 1 }, { gateway: '192.168.1.2' }] }],
    ['192.168.1.1/32', '192.168.1.2/32'],
  ],
  ['one of the other family', [{ via: { family: 'inet6', host: '2001:db8::1' } }], ['2001:db8::1/128']],
  ['a link-local one', [{ gateway: 'fe80::1' }, { via: { host: 'fe80::1' } }], []],
  ['a cable without a router', [{ dst: 'default', dev: 'ppp0' }], []],
  ['not a list', {}, []],
]

it.each(ROUTES)('gateways: %s', (_, routes, gateways) => {
  expect(withRoutes(routes).gateways.map(formatCidr)).toEqual(gateways)
  expect(withRoutes(routes, 'ipv6').gateways.map(formatCidr)).toEqual(gateways)
})

const OTHER_ROUTES: [string, unknown, string[] | null][] = [
  ['none', [], []],
  [
    'the default route, the link and a private network',
    [
      { dst: 'default', gateway: '203.0.113.254', dev: 'wan0', flags: [] },
      { dst: '192.168.1.0/24', dev: 'lan0', protocol: 'kernel', scope: 'link', prefsrc: '192.168.1.10' },
      { dst: '10.30.0.0/16', gateway: '192.168.1.1', dev: 'lan0' },
      { dst: '10.40.0.7', dev: 'wg0', scope: 'link' },
    ],
    [
      '0.0.0.0/0 203.0.113.254 wan0',
      '192.168.1.0/24 null lan0',
      '10.30.0.0/16 192.168.1.1 lan0',
      '10.40.0.7/32 null wg0',
    ],
  ],
  [
    'several next hops',
    [
      {
        dst: 'default',
        nexthops: [
          { gateway: '10.0.0.1', dev: 'a' },
          { via: { host: 'fe80::1' }, dev: 'b' },
        ],
      },
    ],
    ['0.0.0.0/0 10.0.0.1 a', '0.0.0.0/0 fe80::1 b'],
  ],
  ['one that leads nowhere', [{ type: 'blackhole', dst: '203.0.113.9', dev: 'lo' }], []],
  ['not a list', {}, null],
]

it.each(OTHER_ROUTES)('ip route show: %s', (_, routes, expected) => {
  const shown = withRoutes(routes).topology?.routes.map(
    ({ to, via, device }) => `${formatCidr(to)} ${via} ${device}`,
  )
  expect(shown ?? null).toEqual(expected)
})

it('takes routes of other tables for none of its own', () => {
  const routes = [{ dst: 'default', gateway: '192.0.2.1', dev: 'wg0', table: '51820' }]
  expect(withRoutes(routes)).toMatchObject({ gateways: [], outside: null, topology: { routes: [] } })
})

it('takes no other route for a default route', () => {
  const routes = [
    { dst: '10.0.0.0/8', gateway: '192.168.1.1', dev: 'lan0' },
    { type: 'unreachable', dst: 'default', dev: 'lo', metric: 4294967295 },
  ]
  expect(withRoutes(routes)).toMatchObject({ gateways: [], outside: null })
})

it.each<[string, unknown, unknown, string | null]>([
  [
    'the default route',
    [
      { dst: '10.0.0.0/8', dev: 'lan0' },
      { dst: 'default', dev: 'wan0' },
    ],
    [],
    'wan0',
  ],
  ['that of IPv4 first', [{ dst: 'default', dev: 'wan0' }], [{ dst: 'default', dev: 'tun0' }], 'wan0'],
  ['that of IPv6 otherwise', [], [{ dst: 'default', dev: 'tun0' }], 'tun0'],
  ['the first next hop', [{ dst: 'default', nexthops: [{ dev: 'a' }, { dev: 'b' }] }], [], 'a'],
  ['none', [], [], null],
])('the interface to the outside: %s', (_, ipv4, ipv6, expected) => {
  const routes = [ipv4, ofIPv6(ipv6)].flat()
  expect(ownNetworks([], parseRoutes(JSON.stringify(routes))).outside).toBe(expected)
})
