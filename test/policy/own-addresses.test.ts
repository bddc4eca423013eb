import { expect, it } from 'vitest'
import { formatAddress, formatCidr } from '../../src/network.ts'
import { ownHosts, parseGateways, parseIpAddresses } from '../../src/policy/own-addresses.ts'

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
        addr_info: [global6('fd00::10'), global4('192.168.1.10'), global6('fd00::9'), global4('192.168.1.9')],
      },
    ],
    ['192.168.1.9', '192.168.1.10', 'fd00::9', 'fd00::10'],
    ['fd00::/64'],
  ],
  [
    'an interface without a carrier',
    [{ flags: ['NO-CARRIER', 'UP'], operstate: 'DOWN', addr_info: [global4('192.168.1.10')] }],
    ['192.168.1.10'],
    [],
  ],
  ['a temporary address', [{ addr_info: [global6('fd00::abcd', { temporary: true })] }], [], []],
  ['a host without a network', [{ addr_info: [global6('fd00::7', { prefixlen: 128 })] }], ['fd00::7'], []],
]

it.each(CASES)('ip address: %s', (_, interfaces, addresses, links) => {
  const own = parseIpAddresses(JSON.stringify(interfaces))
  expect(own?.addresses.map(({ bytes }) => formatAddress(bytes))).toEqual(addresses)
  expect(own?.links.map(formatCidr)).toEqual(links)
})

it('knows the broadcast address of each IPv4 network that has one', () => {
  const addr_info = [
    ...[global4('192.168.1.10'), global4('192.168.1.9'), global6('fd00::9')],
    { local: '203.0.113.2', prefixlen: 31, scope: 'global' },
    { local: '198.51.100.5', prefixlen: 29, scope: 'global' },
  ]
  const own = parseIpAddresses(JSON.stringify([{ addr_info }]))
  expect(own?.broadcasts.map(formatCidr)).toEqual(['192.168.1.255/32', '198.51.100.7/32'])
})

it.each(['', 'Option "-json" is unknown', '{}'])('knows nothing from %j', (text) => {
  expect(parseIpAddresses(text)).toBeNull()
})

it('takes what the C library says where ip is missing', () => {
  const hosts = ownHosts(['192.168.1.10', '169.254.7.7', '10.0.0.1', '10.0.0.1'])
  expect(hosts.map(formatCidr)).toEqual(['10.0.0.1/32', '192.168.1.10/32'])
})

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
  ['what is no list', {}, []],
]

it.each(ROUTES)('ip route show default: %s', (_, routes, gateways) => {
  expect(parseGateways(JSON.stringify(routes)).map(formatCidr)).toEqual(gateways)
})

it('finds no gateway in what is no JSON', () => {
  expect(parseGateways('')).toEqual([])
})
