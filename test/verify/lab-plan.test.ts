import { describe, expect, it } from 'vitest'
import type { Mode } from '../../src/detector/decision.ts'
import { contains, isWithin, type Network, parseNetwork } from '../../src/network.ts'
import { desire } from '../../src/policy/desired.ts'
import { sysv12 } from '../../src/policy/releases/classic-12.ts'
import { native2 } from '../../src/policy/releases/native-2.ts'
import type { LabDevice, LabSpecification, Role } from '../../src/verify/lab/specification.ts'
import { planLab, type Surroundings, type Watched } from '../../src/verify/lab-plan.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const LAN_DEVICE: LabDevice = { name: 'lan0', addresses: ['192.168.1.10/24'] }
const WAN_DEVICE: LabDevice = { name: 'wan0', addresses: ['203.0.113.1/24'] }
const NO_RULES = { iptables: '', ip6tables: '', nft: '', ipset: '' }
const BELOW_1024 = Array.from({ length: 1023 }, (_, index) => index + 1)

interface Changes {
  /** LAN_IP and LAN_NM, and the rest of config.env. */
  readonly lan?: string
  readonly config?: string
  readonly is2x?: boolean
  readonly modes?: readonly Mode[]
  readonly watched?: Partial<Watched>
  readonly surroundings?: Partial<Surroundings>
  /** The server's own addresses, as its facts have them. */
  readonly addresses?: readonly string[]
  readonly otherJails?: readonly string[]
}

const networkOf = (text: string): Network => parseNetwork(text) ?? { bytes: [], prefix: 0 }

const labOf = (changes: Changes = {}): LabSpecification => {
  const { lan = LAN, config = '', is2x = false, watched = {}, surroundings = {}, otherJails = [] } = changes
  const addresses = (changes.addresses ?? ['192.168.1.10']).map(networkOf)
  const release = is2x ? native2 : sysv12
  const { desired } = desire(settingsOf(lan + config), factsOf({ live: { addresses } }), release)
  return planLab(
    desired,
    changes.modes ?? (is2x ? ['stealth'] : ['atcp', 'audp']),
    { tcp: BELOW_1024, udp: BELOW_1024, trigger: 0, ...watched },
    {
      devices: [LAN_DEVICE],
      interfaces: ['lan0'],
      outside: null,
      inUse: ['tcp 22'],
      reachable: [22],
      firewall: NO_RULES,
      ...surroundings,
    },
    otherJails,
  )
}

const of = (role: Role, { hosts }: LabSpecification) => hosts.filter((host) => host.role === role)

describe('attackers', () => {
  const ALL_TCP = ['TCP connect scan', 'SYN scan', 'FIN scan', 'NULL scan', 'XMAS scan']
  it.each<[what: string, changes: Changes, names: string[]]>([
    ['1.2 in its advanced modes', {}, [...ALL_TCP, 'UDP scan']],
    ['1.2 on lists', { modes: ['stcp', 'sudp'] }, [...ALL_TCP, 'UDP scan']],
    ['1.2 on sockets', { modes: ['tcp', 'udp'] }, ['TCP connect scan', 'UDP scan']],
    ['UDP off', { modes: ['atcp'], watched: { udp: [] } }, ALL_TCP],
    ['TCP off', { modes: ['audp'], watched: { tcp: [] } }, ['UDP scan']],
    ['both off', { modes: [], watched: { tcp: [], udp: [] } }, []],
    ['every port in use', { watched: { tcp: [] } }, ['UDP scan']],
    ['2.x', { is2x: true }, [...ALL_TCP, 'UDP scan', 'SYN scan over IPv6']],
    ['2.x, TCP off', { is2x: true, watched: { tcp: [] } }, ['UDP scan', 'UDP scan over IPv6']],
    [
      '2.x on sockets',
      { is2x: true, modes: ['connect'] },
      ['TCP connect scan', 'UDP scan', 'UDP scan over IPv6'],
    ],
    [
      '2.x on TCP sockets alone',
      { is2x: true, modes: ['connect'], watched: { udp: [] } },
      ['TCP connect scan', 'TCP connect scan over IPv6'],
    ],
  ])('%s', (_what, changes, names) => {
    const lab = labOf({
      surroundings: { devices: [{ ...LAN_DEVICE, addresses: [...LAN_DEVICE.addresses, 'fd00:1::10/64'] }] },
      ...changes,
    })
    expect(of('attacker', lab).map(({ name }) => name)).toEqual(names)
    expect(of('logged', lab)).toHaveLength(1)
  })
})

describe('where attackers come from', () => {
  const rule = (address: string) => ({ ...NO_RULES, iptables: `-A INPUT -s ${address} -j DROP\n` })
  it.each<[what: string, changes: Changes, network: string]>([
    ['nowhere that means anything', {}, '198.51.100.0/24'],
    [
      'the server is in the first network',
      { surroundings: { devices: [LAN_DEVICE, { name: 'wan0', addresses: ['198.51.100.1/24'] }] } },
      '203.0.113.0/24',
    ],
    ['the first is whitelisted', { config: 'WHITELIST=198.51.100.0/24\n' }, '203.0.113.0/24'],
    ['a host of the first is', { config: 'WHITELIST=198.51.100.7\n' }, '203.0.113.0/24'],
    [
      'the firewall speaks of the first',
      { surroundings: { firewall: rule('198.51.100.9/32') } },
      '203.0.113.0/24',
    ],
    [
      'and of the second in a set',
      {
        surroundings: {
          firewall: { ...rule('198.51.100.0/24'), ipset: 'add banned 203.0.113.7' },
        },
      },
      '192.0.2.0/24',
    ],
    [
      'it speaks of all of them',
      {
        surroundings: {
          firewall: { ...NO_RULES, nft: '198.51.100.1 203.0.113.1 192.0.2.1' },
        },
      },
      '198.51.100.0/24',
    ],
  ])('%s', (_what, changes, network) => {
    const lab = labOf(changes)
    const foreign = [...of('attacker', lab), ...of('logged', lab)].map(({ address }) => address)
    expect(foreign).toHaveLength(7)
    expect(new Set(foreign).size).toBe(7)
    for (const address of foreign)
      expect(contains(networkOf(network), networkOf(address)), address).toBe(true)
  })

  it('is nowhere where all of the documentation networks are taken', () => {
    const lab = labOf({ config: 'WHITELIST=198.51.100.0/24,203.0.113.0/24,192.0.2.0/24\n' })
    expect(of('attacker', lab)).toEqual([])
  })

  it('is another network for IPv6, where the first is whitelisted', () => {
    const devices = [{ ...LAN_DEVICE, addresses: [...LAN_DEVICE.addresses, 'fd00:1::10/64'] }]
    const config = 'WHITELIST=2001:db8:bad::/64\n'
    const lab = labOf({ is2x: true, config, surroundings: { devices } })
    expect(of('attacker', lab).at(-1)?.address).toMatch(/^2001:db8:bad:1::/)
  })
})

describe('which way they come', () => {
  /** `device→destination` of attackers over IPv4, of the LAN and of the devices. */
  const ways = (lab: LabSpecification): string[] => {
    const seen = [of('attacker', lab)[0], of('allowlisted', lab)[0]]
    return seen.map((host) => `${host?.device} ${host?.destination}`).concat(lab.outside)
  }
  const second6 = { name: 'wan0', addresses: ['2001:db8::1/64'] }

  const on = (outside: string | null, ...devices: LabDevice[]) => ({ surroundings: { outside, devices } })
  const LAN_ALONE = ['lan0 192.168.1.10', 'lan0 192.168.1.10', 'lan0']
  const LAN_AND_WAN = ['wan0 203.0.113.1', 'lan0 192.168.1.10', 'wan0']

  it.each<[what: string, changes: Changes, expected: string[]]>([
    ['one interface', {}, LAN_ALONE],
    ['one interface with the default route', { surroundings: { outside: 'lan0' } }, LAN_ALONE],
    ['two, the default route on the other', on('wan0', WAN_DEVICE, LAN_DEVICE), LAN_AND_WAN],
    ['two interfaces and no default route', on(null, WAN_DEVICE, LAN_DEVICE), LAN_ALONE],
    ['the default route on an interface without addresses', on('ppp0', LAN_DEVICE), LAN_ALONE],
    [
      'an outside that has IPv6 alone',
      on('wan0', LAN_DEVICE, second6),
      ['wan0 192.168.1.10', 'lan0 192.168.1.10', 'wan0'],
    ],
    [
      'no LAN and no whitelist',
      { lan: '', addresses: ['203.0.113.1'], ...on('wan0', WAN_DEVICE) },
      ['wan0 203.0.113.1', 'undefined undefined', 'wan0'],
    ],
    [
      'no LAN, and a whitelisted network of its own on another interface',
      { lan: '', config: 'WHITELIST=192.168.0.0/16\n', ...on('wan0', WAN_DEVICE, LAN_DEVICE) },
      LAN_AND_WAN,
    ],
    ['LAN_IP on no interface', on('wan0', WAN_DEVICE), ['wan0 203.0.113.1', 'wan0 203.0.113.1', 'wan0']],
    ['no interface at all', on(null), ['lan0 192.0.2.1', 'lan0 192.0.2.1', 'lan0']],
  ])('%s', (_what, changes, expected) => {
    const lab = labOf(changes)
    expect(ways(lab)).toEqual(expected)
    // Every host finds its interface, and the address that it asks for is somewhere on the server.
    const names = lab.devices.map(({ name }) => name)
    const addresses = lab.devices.flatMap((device) => device.addresses.map((cidr) => cidr.split('/')[0]))
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain(lab.outside)
    for (const { device, destination } of lab.hosts) {
      expect(names).toContain(device)
      expect(addresses).toContain(destination)
    }
  })

  it('is none over IPv6 where the server has no IPv6', () => {
    const names = of('attacker', labOf({ is2x: true })).map(({ name }) => name)
    expect(names.filter((name) => name.includes('IPv6'))).toEqual([])
  })
})

describe('allowlisted hosts', () => {
  it.each<[what: string, changes: Changes, names: string[]]>([
    ['the LAN', {}, ['the LAN 192.168.1.0/24']],
    [
      'a network and a host',
      { config: 'WHITELIST=10.20.0.0/16,203.0.113.77\n' },
      ['the LAN 192.168.1.0/24', 'the whitelisted 10.20.0.0/16', 'the whitelisted 203.0.113.77/32'],
    ],
    [
      'what is within the LAN, with the LAN',
      { config: 'WHITELIST=192.168.1.77\n' },
      ['the LAN 192.168.1.0/24'],
    ],
    [
      'the network that the LAN is within',
      { config: 'WHITELIST=192.168.0.0/16\n' },
      ['the whitelisted 192.168.0.0/16'],
    ],
    [
      'one host on each interface in a network',
      {
        config: 'WHITELIST=10.0.0.0/8\n',
        surroundings: {
          devices: [
            LAN_DEVICE,
            ...['1', '2'].map((n) => ({ name: `lan${n}`, addresses: [`10.20.${n}.1/24`] })),
          ],
        },
      },
      ['the LAN 192.168.1.0/24', 'the whitelisted 10.0.0.0/8 on lan1', 'the whitelisted 10.0.0.0/8 on lan2'],
    ],
    [
      'a gateway, which config.env does not speak of',
      { addresses: ['192.168.1.10', '203.0.113.254'] },
      ['the LAN 192.168.1.0/24', 'the protected 203.0.113.254/32'],
    ],
    [
      'never the server itself',
      {
        addresses: ['192.168.1.10', '203.0.113.1'],
        surroundings: { devices: [LAN_DEVICE, WAN_DEVICE], outside: 'wan0' },
      },
      ['the LAN 192.168.1.0/24'],
    ],
    [
      'eight at most',
      {
        config: `WHITELIST=${BELOW_1024.slice(0, 20)
          .map((number) => `10.${number}.0.0/16`)
          .join(',')}\n`,
      },
      [
        'the LAN 192.168.1.0/24',
        ...[1, 2, 3, 4, 5, 6, 7].map((number) => `the whitelisted 10.${number}.0.0/16`),
      ],
    ],
    [
      'IPv6 where there is IPv6',
      {
        is2x: true,
        config: 'WHITELIST=2001:db8:77::/64\n',
        surroundings: { devices: [{ name: 'lan0', addresses: ['192.168.1.10/24', 'fd00:1::10/64'] }] },
      },
      ['the LAN 192.168.1.0/24', 'the whitelisted 2001:db8:77::/64'],
    ],
  ])('%s', (_what, changes, names) => {
    const lab = labOf(changes)
    expect(of('allowlisted', lab).map(({ name }) => name)).toEqual(names)
    const own = lab.devices.flatMap(({ addresses }) => addresses.map((cidr) => cidr.split('/')[0]))
    for (const { name, address } of of('allowlisted', lab)) {
      expect(own).not.toContain(address)
      expect(
        isWithin([networkOf(/[\d.:a-f]+\/\d+/.exec(name)?.[0] ?? '')], networkOf(address)),
        address,
      ).toBe(true)
    }
  })

  it('comes by the interface of its network, to the address there', () => {
    const devices = [LAN_DEVICE, WAN_DEVICE, { name: 'lan1', addresses: ['10.20.0.1/24'] }]
    const lab = labOf({
      config: 'WHITELIST=10.20.0.0/24,10.30.0.0/24\n',
      surroundings: { devices, outside: 'wan0' },
    })
    expect(of('allowlisted', lab).map(({ device, destination }) => `${device} ${destination}`)).toEqual([
      'lan0 192.168.1.10',
      'lan1 10.20.0.1',
      'wan0 203.0.113.1',
    ])
    expect(lab.devices).toEqual(devices)
  })

  it('does every kind of scan', () => {
    const [lan] = of('allowlisted', labOf())
    expect(lan?.probes.map(({ kind }) => kind)).toEqual(['connect', 'syn', 'fin', 'null', 'xmas', 'udp'])
  })

  it('leaves out hosts that 1.2 could not see', () => {
    const addresses = ['192.168.1.10/24', 'fd00:1::10/64']
    const config = 'WHITELIST=2001:db8:77::/64\n'
    const lab = labOf({ config, surroundings: { devices: [{ name: 'lan0', addresses }] } })
    expect(of('allowlisted', lab).filter(({ address }) => address.includes(':'))).toEqual([])
  })
})

describe('what they send', () => {
  it.each<[what: string, trigger: number, packets12: number, packets2: number]>([
    ['no trigger', 0, 1, 1],
    ['the first packet', 1, 1, 1],
    ['the fifth', 5, 5, 5],
    ['the last that 1.2 has room for', 50, 50, 50],
    ['one more than 1.2 has room for', 51, 1, 51],
    ['more than anybody sends', 60_000, 1, 500],
  ])('%s', (_what, trigger, packets12, packets2) => {
    for (const [is2x, packets] of [
      [false, packets12],
      [true, packets2],
    ] as const) {
      for (const { probes } of of('attacker', labOf({ is2x, watched: { trigger } })))
        expect(probes).toHaveLength(packets)
    }
  })

  it.each<[what: string, watched: Partial<Watched>]>([
    ['many ports', {}],
    ['as many as kinds of scans', { tcp: [1, 7, 11, 15, 79], udp: [7] }],
    ['fewer', { tcp: [1, 7], udp: [7, 9] }],
    ['one', { tcp: [111], udp: [69] }],
  ])('goes to ports that are watched: %s', (_what, watched) => {
    const { tcp = BELOW_1024, udp = BELOW_1024 } = watched
    for (const { probes } of labOf({ watched }).hosts) {
      for (const { kind, port } of probes) expect(kind === 'udp' ? udp : tcp).toContain(port)
    }
  })
})

it.each<[what: string, reachable: number[], open: number[]]>([
  ['those of the services', [22, 8080], [22, 8080]],
  ["SSH's where there is no service", [], [22]],
  ['twelve at most', BELOW_1024, BELOW_1024.slice(0, 12)],
])('opens ports: %s', (_what, reachable, open) => {
  expect(labOf({ surroundings: { reachable } }).openPorts).toEqual(open)
})

it('hands on what the lab is a copy of', () => {
  const firewall = { ...NO_RULES, nft: 'table inet filter {\n}\n' }
  const lab = labOf({
    otherJails: ['sshd'],
    surroundings: { firewall, inUse: ['udp 68'], interfaces: ['lan0', 'wg0'] },
  })
  expect(lab).toMatchObject({
    release: 'sysv-1.2',
    modes: ['atcp', 'audp'],
    confPath: '/etc/portsentry/portsentry.conf',
    historyPath: '/var/lib/portsentry/portsentry.history',
    devices: [LAN_DEVICE],
    otherDevices: ['wg0'],
    inUse: ['udp 68'],
    firewall,
    otherJails: ['sshd'],
  })
})
