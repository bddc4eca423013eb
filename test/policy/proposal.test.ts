import { describe, expect, it } from 'vitest'
import type { Socket } from '../../src/facts/procfs.ts'
import { formatAddress, formatCidr, type Network, parseNetwork } from '../../src/network.ts'
import type { LiveFacts } from '../../src/policy/facts.ts'
import { type Answers, type Proposal, propose } from '../../src/policy/proposal.ts'
import { factsOf, openSocket, settingsOf } from '../plan/live.ts'
import { topologyOf } from './topology.ts'

const networks = (text: string): Network[] =>
  text.split(' ').flatMap((item) => (item === '' ? [] : (parseNetwork(item) ?? [])))

/** An SSH connection that is open. */
const open = (client: string): Socket => ({
  ...openSocket('tcp', 22),
  peer: networks(client)[0]?.bytes ?? [],
  state: 'established',
})

/** A server with these interfaces and routes, and an SSH session from `client` that runs this command. */
const server = (
  interfaces: string,
  routes: readonly string[] = [],
  client: string | null = null,
  more: Partial<LiveFacts> = {},
): Partial<LiveFacts> => ({
  topology: topologyOf(interfaces, ...routes),
  addresses: [],
  sshSession: client,
  sshClients: client === null ? [] : [client],
  sockets: client === null ? [] : [open(client)],
  ...more,
})

const shown = ({ lan, choices }: Proposal): string => {
  const named = (variable: string | null) =>
    choices
      .filter((choice) => choice.variable === variable)
      .map(({ network, device }) => `${device === null ? formatAddress(network.bytes) : formatCidr(network)}`)
  const lists = { whitelist: named('WHITELIST'), untrusted: named('UNTRUSTED'), neither: named(null) }
  return [
    lan === undefined ? '?' : lan === null ? 'no LAN' : formatCidr(lan),
    ...Object.entries(lists).flatMap(([name, found]) =>
      found.length === 0 ? [] : [`${name} ${found.join(' ')}`],
    ),
  ].join('; ')
}

const of = (live: Partial<LiveFacts> | null, config: string | null = null, answers: Answers = {}) =>
  propose(factsOf({ live }), config === null ? null : settingsOf(config), answers)

const HOME = server('eth0 192.168.1.10/24', ['default via 192.168.1.1 dev eth0', '192.168.1.0/24 dev eth0'])
const TWO = ['default via 192.168.1.1 dev lan0', '192.168.1.0/24 dev lan0', '10.20.0.0/24 dev lan1']
const TWO_LANS = 'lan0 192.168.1.10/24, lan1 10.20.0.1/24'
const PUBLIC = ['default via 203.0.113.254 dev eth0']

describe('what is proposed', () => {
  it.each<[what: string, live: Partial<LiveFacts> | null, proposed: string]>([
    ['a LAN behind NAT', HOME, '192.168.1.10/24'],
    ['a router with a public address', server('lan0 192.168.1.10/24, wan0 203.0.113.1/24', ['default via 203.0.113.254 dev wan0']), '192.168.1.10/24'],
    ['a VPS with a public address only', server('eth0 203.0.113.5/24', PUBLIC), 'no LAN'],
    ['a VPS with a public address and global IPv6', server('eth0 203.0.113.5/24, eth0 2001:db8:1::5/64', PUBLIC), 'no LAN'],
    ['a VPS with one address without a network', server('eth0 203.0.113.5/32, ens10 10.0.0.2/32', ['default via 172.31.1.1 dev eth0', '10.0.0.0/16 via 10.0.0.1 dev ens10']), 'no LAN'],
    ['a VPS with a private network of its own', server('eth0 203.0.113.5/24, eth1 10.114.0.2/20', PUBLIC), '10.114.0.2/20'],
    ["a VPS with a provider's private network on its one interface", server('eth0 203.0.113.5/24, eth0 192.168.130.7/17', PUBLIC), 'no LAN; untrusted 192.168.128.0/17'],
    ['a VPS behind the NAT of a provider', server('eth0 100.64.3.7/16', ['default via 100.64.0.1 dev eth0']), 'no LAN'],
    ['a VPS with IPv6 only', server('eth0 2001:db8:1::5/64', [], null, { outside: 'eth0' }), 'no LAN; untrusted 2001:db8:1::/64'],
    ['an instance of a cloud, in a network of its own', server('ens5 172.31.5.6/20', ['default via 172.31.0.1 dev ens5']), '172.31.5.6/20'],
    ['two LANs', server(TWO_LANS, TWO), '192.168.1.10/24; whitelist 10.20.0.0/24'],
    ['two LANs, the session in the other one', server(TWO_LANS, TWO, '10.20.0.7'), '10.20.0.1/24; whitelist 192.168.1.0/24'],
    ['a LAN and containers', server('eth0 192.168.1.10/24, docker0 172.17.0.1/16', ['default via 192.168.1.1 dev eth0']), '192.168.1.10/24'],
    ['a VPS with containers', server('eth0 203.0.113.5/24, docker0 172.17.0.1/16', PUBLIC), 'no LAN'],
    ['unique local IPv6 in the LAN', server('eth0 192.168.1.10/24, eth0 fd00:1::10/64', ['default via 192.168.1.1 dev eth0']), '192.168.1.10/24; whitelist fd00:1::/64'],
    ['global IPv6 in the LAN', server('eth0 192.168.1.10/24, eth0 2001:db8:1::10/64', ['default via 192.168.1.1 dev eth0'], null, { outside: 'eth0' }), '192.168.1.10/24; whitelist 2001:db8:1::/64'],
    ['a container without a network', server(''), '?'],
    ['an interface without an address', { topology: { interfaces: [{ name: 'eth0', addresses: [], isVirtual: false }], routes: [] } }, '?'],
    ['no ip', { topology: null }, '?'],
    ['a tree', null, '?'],
    ['a LAN and WireGuard', server('eth0 192.168.1.10/24, wg0 10.8.0.1/24', ['default via 192.168.1.1 dev eth0']), '192.168.1.10/24; whitelist 10.8.0.0/24'],
    ['a VPS with WireGuard, and the session in it', server('eth0 203.0.113.5/24, wg0 10.8.0.1/24, wg0 fd08::1/64', PUBLIC, '10.8.0.2'), 'no LAN; whitelist 10.8.0.0/24 fd08::/64'],
    ['a VPN to the Internet', server('eth0 203.0.113.5/24, tun0 10.8.0.2/24', ['0.0.0.0/1 via 10.8.0.1 dev tun0', '128.0.0.0/1 via 10.8.0.1 dev tun0']), 'no LAN; untrusted 10.8.0.0/24'],
    ['a session from the LAN', { ...HOME, ...server('eth0 192.168.1.10/24', ['default via 192.168.1.1 dev eth0'], '192.168.1.50') }, '192.168.1.10/24'],
    ['a session from the Internet', server('eth0 203.0.113.5/24', PUBLIC, '198.51.100.7'), 'no LAN; whitelist 198.51.100.7'],
    ['a session from IPv6', server('eth0 203.0.113.5/24', PUBLIC, '2001:db8:9::7'), 'no LAN; whitelist 2001:db8:9::7'],
    ['a session through the gateway', server('eth0 203.0.113.5/24', PUBLIC, '203.0.113.254', { gateways: networks('203.0.113.254') }), 'no LAN'],
    ['a session that is not open any more', server('eth0 203.0.113.5/24', PUBLIC, '198.51.100.7', { sockets: [open('198.51.100.9')], sshClients: ['198.51.100.7', '198.51.100.9'] }), 'no LAN; neither 198.51.100.7 198.51.100.9'],
    ['a console, and a connection of somebody', server('eth0 203.0.113.5/24', PUBLIC, null, { sshClients: ['198.51.100.7'], sockets: [open('198.51.100.7')] }), 'no LAN; neither 198.51.100.7'],
  ])('%s', (_, live, proposed) => expect(shown(of(live))).toBe(proposed)) // biome-ignore format: a table

  it('names the hosts that the server depends on by address', () => {
    const texts = { '/etc/ntp.conf': 'server 198.51.100.20\nserver 192.168.1.5\nserver ntp.example.com\n' }
    const facts = factsOf({ live: HOME, texts })
    const { choices } = propose(facts, null)
    expect(choices.map(({ network, reason }) => `${formatAddress(network.bytes)}: ${reason}`)).toEqual([
      '198.51.100.20: this server depends on it (NTP, /etc/ntp.conf:1)',
    ])
  })
})

const LAN1 = 'LAN_IP=192.168.1.10\nLAN_NM=24\n'

describe('what config.env says is kept', () => {
  it.each<[what: string, live: Partial<LiveFacts> | null, config: string, proposed: string]>([
    ['all of it', HOME, `${LAN1}WHITELIST=198.51.100.7\nUNTRUSTED=10.9.0.0/16\n`, '192.168.1.0/24; whitelist 198.51.100.7; untrusted 10.9.0.0'],
    ['a LAN that is not the likeliest', server(TWO_LANS, TWO), 'LAN_IP=10.20.0.1\nLAN_NM=24\n', '10.20.0.0/24; whitelist 192.168.1.0/24'],
    ['a LAN of a tree', null, LAN1, '192.168.1.0/24'],
    ['no LAN of a tree', null, 'WHITELIST=198.51.100.7\n', 'no LAN; whitelist 198.51.100.7'],
    ['a network that is to be banned', server(TWO_LANS, TWO), `${LAN1}UNTRUSTED=10.20.0.0/24\n`, '192.168.1.0/24; untrusted 10.20.0.0'],
    ['a private network in WHITELIST', HOME, 'WHITELIST=192.168.0.0/16\n', 'no LAN; whitelist 192.168.0.0'],
    ['not a LAN that this server has left', HOME, 'LAN_IP=10.1.1.1\nLAN_NM=24\n', '192.168.1.10/24'],
    ['with a new session', server('eth0 203.0.113.5/24', PUBLIC, '198.51.100.8'), 'WHITELIST=198.51.100.7\n', 'no LAN; whitelist 198.51.100.7 198.51.100.8'],
  ])('%s', (_, live, config, proposed) => expect(shown(of(live, config))).toBe(proposed)) // biome-ignore format: a table
})

it('asks for a LAN of which config.env says something wrong', () => {
  const existing = { lan: undefined, whitelist: networks('198.51.100.7'), whitelistNames: [], untrusted: [] }
  expect(shown(propose(factsOf({ live: null }), existing))).toBe('?; whitelist 198.51.100.7')
  expect(shown(propose(factsOf({ live: HOME }), existing))).toBe('192.168.1.10/24; whitelist 198.51.100.7')
})

describe('answers count first', () => {
  const [, second = null] = networks('192.168.1.10/24 10.20.0.1/24')
  it.each<[what: string, live: Partial<LiveFacts> | null, answers: Answers, proposed: string]>([
    ['another LAN', server(TWO_LANS, TWO), { lan: second }, '10.20.0.1/24; whitelist 192.168.1.0/24'],
    ['no LAN', server(TWO_LANS, TWO), { lan: null }, 'no LAN; untrusted 192.168.1.0/24 10.20.0.0/24'],
    ['no LAN, but a VPN', server('eth0 192.168.1.10/24, wg0 10.8.0.1/24', []), { lan: null }, 'no LAN; whitelist 10.8.0.0/24; untrusted 192.168.1.0/24'],
    ['a LAN of a tree', null, { lan: second }, '10.20.0.1/24'],
    ['WHITELIST, which then lacks the session', server('eth0 203.0.113.5/24', PUBLIC, '198.51.100.7'), { whitelist: networks('198.51.100.9') }, 'no LAN; whitelist 198.51.100.9; neither 198.51.100.7'],
    ['UNTRUSTED', server(TWO_LANS, TWO), { untrusted: networks('10.20.0.0/24') }, '192.168.1.10/24; untrusted 10.20.0.0'],
    ["the provider's network is not untrusted if it is in WHITELIST", server('eth0 203.0.113.5/24, eth0 192.168.130.7/17', PUBLIC), { whitelist: networks('192.168.128.0/17') }, 'no LAN; whitelist 192.168.128.0'],
  ])('%s', (_, live, answers, proposed) => expect(shown(of(live, null, answers))).toBe(proposed)) // biome-ignore format: a table
})

const PROVIDER = 'shared with other customers'

describe('why', () => {
  it.each<[what: string, live: Partial<LiveFacts> | null, reasons: RegExp[]]>([
    ['a LAN behind NAT', HOME, [/^private, with the router of the default route$/]],
    ['a VPS', server('eth0 203.0.113.5/24', PUBLIC), [/a public address and no private network of its own, as a VPS/]],
    ['shared addresses', server('eth0 100.64.3.7/16', ['default via 100.64.0.1 dev eth0']), [/shares among customers/]],
    ['a tree', null, [/^a tree does not show/]],
    ["a provider's network", server('eth0 203.0.113.5/24, eth0 192.168.130.7/17', PUBLIC), [/VPS/, new RegExp(PROVIDER)]],
    ['a session from the Internet', server('eth0 203.0.113.5/24', PUBLIC, '198.51.100.7'), [/VPS/, /^your SSH session comes from there, from outside \(eth0\)$/]],
    ['a session from behind a router', server('eth0 192.168.1.10/24', ['default via 192.168.1.1 dev eth0', '10.7.0.0/16 via 192.168.1.2 dev eth0'], '10.7.0.9'), [/^private/, /comes from there, through 192\.168\.1\.2 \(eth0\)$/]],
  ])('%s', (_, live, reasons) => {
    const { lanReason, choices } = of(live)
    const found = [lanReason, ...choices.map(({ reason }) => reason)]
    expect(found).toEqual(reasons.map((reason) => expect.stringMatching(reason)))
  }) // biome-ignore format: a table
})

const service = (table: 'tcp' | 'udp', number: number, address = [0, 0, 0, 0]): Socket => ({
  ...openSocket(table, number),
  address,
  state: table === 'tcp' ? 'listening' : 'unconnected',
})
const managers = (changes: object): Partial<LiveFacts> => ({
  ...HOME,
  firewallManagers: { ufw: null, firewalld: false, docker: false, ...changes },
})

describe('remarks', () => {
  it.each<[what: string, live: Partial<LiveFacts> | null, remarks: RegExp[]]>([
    ['a console', HOME, [/^SSH: this command does not run in/]],
    ['a session in the LAN', server('eth0 192.168.1.10/24', [], '192.168.1.50'), [/^SSH: .* 192\.168\.1\.50, in the LAN$/]],
    ['a session through the gateway', server('eth0 203.0.113.5/24', PUBLIC, '203.0.113.254', { gateways: networks('203.0.113.254') }), [/^SSH: .*through the gateway 203\.0\.113\.254, which is always protected/]],
    ['a session in a VPN', server('eth0 203.0.113.5/24, wg0 10.8.0.1/24', PUBLIC, '10.8.0.2'), [/^SSH: .*10\.8\.0\.2, in 10\.8\.0\.0\/24$/]],
    ['a session that a choice names', server('eth0 203.0.113.5/24', PUBLIC, '198.51.100.7'), []],
    ['a session that is not open any more', server('eth0 203.0.113.5/24', PUBLIC, '198.51.100.7', { sockets: [] }), []],
    ['services', { ...HOME, sockets: [service('tcp', 80), service('tcp', 22), service('tcp', 22), service('tcp', 25, [127, 0, 0, 1]), service('udp', 53), service('tcp', 8080)] }, [/^SSH/, /^services: 22\/tcp, 53\/udp, 80\/tcp in use: /]],
    ['ufw', managers({ ufw: { drops: true, emptiesInput: false } }), [/^SSH/, /^ufw: active/]],
    ['firewalld', managers({ firewalld: true }), [/^SSH/, /^firewalld: active/]],
    ['docker', { ...managers({ docker: true }), topology: topologyOf('docker0 172.17.0.1/16') }, [/^SSH/, /^docker/, /^containers: 172\.17\.0\.0\/16 \(docker0\)/]],
    ['a tree', null, [/^tree: its server's interfaces/]],
  ])('%s', (_, live, remarks) => {
    const found = of(live).remarks.map(({ topic, text }) => `${topic}: ${text}`)
    expect(found).toEqual(remarks.map((remark) => expect.stringMatching(remark)))
  }) // biome-ignore format: a table
})
