import { HostError } from '../../system/host-error.ts'
import { runAll } from '../../system/query.ts'
import { type Peer, startPeer } from './peer.ts'
import type { LabDevice, LabHost, LabSpecification } from './specification.ts'

const HINT = 'portward verify needs iproute2 and a kernel with network namespaces'

/** Names of interfaces have no colon. */
const isOfIPv6 = (line: string): boolean => line.includes(':')

const addAddress = (cidr: string, device: string): string =>
  `address add ${cidr} dev ${device}${cidr.includes(':') ? ' nodad' : ''}`

const addDefaultRoutes = (device: string): string[] => [
  `route add default dev ${device}`,
  `route add ::/0 dev ${device}`,
]

/**
 * Lines for `ip -batch`. Hosts that are not on one of the server's networks are behind `outside`, directly on the link: routers
 * are not needed here. `pid`: a process in the namespace of the hosts behind the device.
 */
const serverLines = ({ name, addresses }: LabDevice, pid: number, isOutside: boolean): string[] => [
  `link add ${name} type veth peer name eth0 netns ${pid}`,
  ...addresses.map((address) => addAddress(address, name)),
  `link set ${name} up`,
  ...(isOutside ? addDefaultRoutes(name) : []),
]

const hostLines = (hosts: readonly LabHost[]): string[] => [
  'link set lo up',
  ...hosts.map(({ address }) => addAddress(`${address}/${address.includes(':') ? 128 : 32}`, 'eth0')),
  'link set eth0 up',
  ...addDefaultRoutes('eth0'),
]

/** Interfaces that are not connected: nft refuses rules with an interface that does not exist. */
const otherLines = (names: readonly string[]): string[] =>
  names.map((name, index) => `link add ${name} type veth peer name nowhere${index}`)

/** Lines for `ip` in this namespace, or in that of a process. */
interface Batch {
  readonly lines: readonly string[]
  readonly isOptional: (line: string) => boolean
  readonly pid?: number
}

/** Runs all lines. Returns those that failed, which have to be optional. Throws HostError. */
const runBatches = async (batches: readonly Batch[]): Promise<string[]> => {
  const ip = ['ip', '-force', '-batch', '-'] as const
  const results = await runAll(
    batches.map(({ lines, pid }) => {
      const [program, ...args] =
        pid === undefined ? ip : (['nsenter', `--net=/proc/${pid}/ns/net`, ...ip] as const)
      return { program, args, input: lines.map((line) => `${line}\n`).join('') }
    }),
  )
  return batches.flatMap(({ lines, isOptional }, index) => {
    const { exitCode = 1, stderr = '' } = results[index] ?? {}
    if (exitCode === 0) return []
    const failed = [...stderr.matchAll(/^Command failed -:(\d+)/gm)].map(
      ([, at]) => lines[Number(at) - 1] ?? '',
    )
    const fatal = failed.find((line) => !isOptional(line))
    if (failed.length > 0 && fatal === undefined) return failed
    throw new HostError(`ip ${fatal ?? '-batch'} failed: ${stderr.trim().split('\n', 1)[0]}`, HINT)
  })
}

/** The network around the lab's server. */
export interface Topology {
  /** By the server's interface. */
  readonly peers: ReadonlyMap<string, Peer>
  /** A kernel may be configured without it. */
  readonly hasIPv6: boolean
}

/** Connects this namespace with one for the hosts behind each interface, by veth pairs. Throws HostError. */
export const createTopology = async ({
  devices,
  hosts,
  outside,
  otherDevices,
}: LabSpecification): Promise<Topology> => {
  const ends = await Promise.all(devices.map(async (device) => ({ device, peer: await startPeer() })))
  // If one of these cannot be created, the rules that name it are reported as gaps.
  const others = otherLines(otherDevices)
  const lines = ends.flatMap(({ device, peer }) => serverLines(device, peer.pid, device.name === outside))
  const failed = await runBatches([
    { lines: [...others, ...lines], isOptional: (line) => isOfIPv6(line) || others.includes(line) },
    ...ends.map(({ device, peer: { pid } }) => {
      const behind = hosts.filter((host) => host.device === device.name)
      return { lines: hostLines(behind), isOptional: isOfIPv6, pid }
    }),
  ])
  return {
    peers: new Map(ends.map(({ device, peer }) => [device.name, peer])),
    hasIPv6: !failed.some(isOfIPv6),
  }
}
