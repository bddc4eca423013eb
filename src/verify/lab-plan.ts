import type { Mode } from '../detector/decision.ts'
import {
  contains,
  formatAddress,
  formatCidr,
  isHost,
  type Network,
  networkOf,
  overlap,
  parseNetwork,
} from '../network.ts'
import type { Desired } from '../policy/desired.ts'
import { isNotice } from '../policy/notifications.ts'
import { sees } from '../policy/release.ts'
import type { LabDevice, LabHost, LabSpecification, Probe, ProbeKind } from './lab/specification.ts'

const addressOf = (cidr: string): string => cidr.split('/', 1)[0] ?? ''
const UNREADABLE: Network = { bytes: [], prefix: 0 }
/** The network of an address, and the address as a host. */
const networkIn = (cidr: string): Network => networkOf(parseNetwork(cidr) ?? UNREADABLE)
const hostOf = (cidr: string): Network => parseNetwork(addressOf(cidr)) ?? UNREADABLE
const isOfFamily =
  (isV4: boolean) =>
  (address: string): boolean =>
    address.includes(':') !== isV4

/** The parts of the live server that the lab copies. */
export interface Surroundings {
  readonly devices: readonly LabDevice[]
  /** Names of all interfaces but loopback. */
  readonly interfaces: readonly string[]
  /** The interface of the default route; null if there is none. */
  readonly outside: string | null
  /** Ports of services: `tcp 22`. `reachable`: TCP ports that other machines can reach. */
  readonly inUse: readonly string[]
  readonly reachable: readonly number[]
  readonly firewall: LabSpecification['firewall']
}

/** Ports that the daemon watches and that are not in use by a service, in ascending order. */
export interface Watched {
  readonly tcp: readonly number[]
  readonly udp: readonly number[]
  /** SCAN_TRIGGER: the number of packets before it acts. */
  readonly trigger: number
}

/** Networks for documentation (RFC 5737, RFC 3849): attackers come from the first that is not in use here. */
const FOREIGN_4 = ['198.51.100.0/24', '203.0.113.0/24', '192.0.2.0/24']
const FOREIGN_6 = ['2001:db8:bad::/64', '2001:db8:bad:1::/64']

/** If no service listens, the lab tries this port: the one that an administrator needs most. */
const SSH = 22
const MAX_OPEN_PORTS = 12
const MAX_ALLOWLISTED = 8
/** For a server without addresses. */
const PLACEHOLDER_DEVICE: LabDevice = { name: 'lan0', addresses: ['192.0.2.1/24'] }

/** 1.2 remembers the last 50 packets; with a higher SCAN_TRIGGER it acts at once. */
const MAX_TRIGGER_12 = 50
/** 2.x has no limit; a trigger above this is hardly ever reached. */
const MAX_PACKETS = 500

const NAMES: Readonly<Record<ProbeKind, string>> = {
  connect: 'TCP connect scan',
  syn: 'SYN scan',
  fin: 'FIN scan',
  null: 'NULL scan',
  xmas: 'XMAS scan',
  udp: 'UDP scan',
}

/** The kinds of scans that the modes of this server can notice. */
const kindsOf = (modes: readonly Mode[], watched: Watched): ProbeKind[] => {
  const isStealthy = modes.some((mode) => ['stcp', 'atcp', 'stealth'].includes(mode))
  const connects: ProbeKind[] = ['connect']
  const tcp = isStealthy ? connects.concat('syn', 'fin', 'null', 'xmas') : connects
  return [...(watched.tcp.length > 0 ? tcp : []), ...(watched.udp.length > 0 ? (['udp'] as const) : [])]
}

/** The port for the scan with this index: the scans are spread over the watched ports. */
const spread = (ports: readonly number[], index: number, count: number): number =>
  ports[Math.floor((index * ports.length) / count)] ?? 0

/** Usable host addresses of a network, the last ones first: gateways tend to have the first. */
const hostAddresses = (network: Network): string[] => {
  if (isHost(network)) return [formatAddress(network.bytes)]
  const { bytes, prefix } = networkOf(network)
  const room = Math.min(8, bytes.length * 8 - prefix)
  const last = bytes.length - 1
  return Array.from({ length: 2 ** room }, (_, index) => 2 ** room - 1 - index)
    .filter((low) => low > 0 && (low < 2 ** room - 1 || room < 2))
    .map((low) => formatAddress(bytes.map((byte, at) => (at === last ? byte | low : byte))))
}

const overlaps = (network: Network, others: readonly Network[]): boolean =>
  others.some((other) => overlap(other, network))

/** Host addresses of the first candidate that neither the server's configuration nor its firewall mentions. */
const foreignAddresses = (
  candidates: readonly string[],
  taken: readonly Network[],
  firewall: LabSpecification['firewall'],
): string[] => {
  const rules = Object.values(firewall).join('\n')
  const free = candidates
    .flatMap((text) => parseNetwork(text) ?? [])
    .filter((network) => !overlaps(network, taken))
  const unnamed = free.find(
    (network) => !rules.includes(formatAddress(network.bytes).replace(/[.:]*0?$/, '')),
  )
  const chosen = unnamed ?? free[0]
  return chosen === undefined ? [] : hostAddresses(chosen)
}

/**
 * Networks whose hosts must not be banned and may connect, without loopback and link-local addresses, and without hosts that
 * this portsentry cannot see.
 */
const allowlistedNetworks = ({ hostsAllowNetworks, release }: Desired): Network[] =>
  hostsAllowNetworks.filter((network) => {
    const text = formatCidr(network)
    return sees(release, network) && text !== '127.0.0.0/8' && text !== '::1/128' && text !== 'fe80::/10'
  })

interface Part {
  readonly part: Network
  readonly device: string | null
}

/** The networks of the server within a protected one, each with its interface; if there is none, the protected one. */
const partsOf = (network: Network, devices: readonly LabDevice[]): Part[] => {
  const parts = devices.flatMap(({ name, addresses }) =>
    addresses
      .map(networkIn)
      .filter((link) => !isHost(link) && contains(network, link))
      .map((part) => [formatCidr(part), { part, device: name }] as const),
  )
  return parts.length > 0 ? [...new Map(parts).values()] : [{ part: network, device: null }]
}

const kindOf = (network: Network, { lan, whitelist }: Desired): string => {
  const isSame = (other: Network) => contains(other, network) && contains(network, other)
  if (whitelist.some(isSame)) return 'the whitelisted'
  return lan !== null && isSame(lan) ? 'the LAN' : 'the protected'
}

/** Nobody is told about hosts that are banned in the lab. */
const quietAction = ({ notices, jails }: Desired): string | null => {
  const action = jails.get('portsentry')?.get('action')
  if (action === undefined || notices.length === 0) return null
  return action
    .split('\n')
    .filter((line) => !isNotice(line))
    .join('\n')
}

/**
 * The specification of the lab: the server's interfaces, an attacker for each kind of scan that its modes notice, one host
 * that is only in the history, and one host of each allowlisted network, on each interface of the server in that network.
 * Pure.
 */
export const planLab = (
  desired: Desired,
  modes: readonly Mode[],
  watched: Watched,
  surroundings: Surroundings,
  otherJails: readonly string[],
): LabSpecification => {
  const present = surroundings.devices.length > 0 ? surroundings.devices : [PLACEHOLDER_DEVICE]
  const own = present.flatMap(({ addresses }) => addresses.map(addressOf))
  const { lan } = desired
  const lanDevice = present.find(({ addresses }) =>
    addresses.some((cidr) => lan !== null && contains(lan, hostOf(cidr))),
  )
  const outside =
    present.find(({ name }) => name === surroundings.outside) ?? lanDevice ?? (present[0] as LabDevice)

  const kinds = kindsOf(modes, watched)
  const actsAtOnce = desired.release.dialect === '1.2' && watched.trigger > MAX_TRIGGER_12
  const times = actsAtOnce ? 1 : Math.min(Math.max(1, watched.trigger), MAX_PACKETS)
  const probesFor = (kind: ProbeKind, index: number): Probe[] => {
    const port = spread(kind === 'udp' ? watched.udp : watched.tcp, index, kinds.length)
    return Array.from({ length: times }, () => ({ kind, port }))
  }
  const taken = [...desired.protectedNetworks, ...own.flatMap((address) => parseNetwork(address) ?? [])]
  const foreign4 = foreignAddresses(FOREIGN_4, taken, surroundings.firewall)
  const foreign6 = foreignAddresses(FOREIGN_6, taken, surroundings.firewall)

  const hosts: LabHost[] = []
  const add = (
    name: string,
    role: LabHost['role'],
    address: string | undefined,
    probes: readonly Probe[],
  ) => {
    if (address === undefined) return
    const isV4 = !address.includes(':')
    const isNear = (cidr: string) => contains(networkIn(cidr), hostOf(address))
    const near = present.find(({ addresses }) => addresses.some(isNear))
    const device = near ?? outside
    const destination =
      near === undefined
        ? [outside, ...present].flatMap(({ addresses }) => addresses.map(addressOf)).find(isOfFamily(isV4))
        : addressOf(near.addresses.find(isNear) ?? '')
    if (destination === undefined) return
    hosts.push({ name, role, address, device: device.name, destination, probes })
  }
  for (const [index, kind] of kinds.entries()) {
    add(NAMES[kind], 'attacker', foreign4[index], probesFor(kind, index))
  }
  const kind6 = kinds.find((kind) => kind !== 'connect') ?? kinds[0]
  if (desired.release.seesIPv6 && kind6 !== undefined) {
    add(`${NAMES[kind6]} over IPv6`, 'attacker', foreign6[0], probesFor(kind6, 0))
  }
  add('a host that is only in the history', 'logged', foreign4[kinds.length], [])
  for (const network of allowlistedNetworks(desired)) {
    const probes = kinds.flatMap(probesFor)
    const room = MAX_ALLOWLISTED - hosts.filter(({ role }) => role === 'allowlisted').length
    const parts = partsOf(network, present).slice(0, room)
    for (const { part, device } of parts) {
      const address = hostAddresses(part).find((candidate) => !own.includes(candidate))
      const where = parts.length > 1 ? ` on ${device}` : ''
      add(
        `${kindOf(network, desired)} ${formatCidr(networkOf(network))}${where}`,
        'allowlisted',
        address,
        probes,
      )
    }
  }
  const devices = present.filter(
    ({ name }) => name === outside.name || hosts.some(({ device }) => device === name),
  )
  const openPorts = surroundings.reachable.slice(0, MAX_OPEN_PORTS)
  return {
    release: desired.release.name,
    modes,
    confPath: desired.release.confPath,
    devices,
    otherDevices: surroundings.interfaces.filter((name) => !devices.some((device) => device.name === name)),
    hosts,
    outside: outside.name,
    historyPath: desired.historyPath,
    openPorts: openPorts.length > 0 ? openPorts : [SSH],
    inUse: surroundings.inUse,
    firewall: surroundings.firewall,
    libwrapDaemons: desired.libwrapDaemons,
    otherJails,
    quietAction: quietAction(desired),
  }
}
