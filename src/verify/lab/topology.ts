import connectScript from '../../../templates/lab-connect.py?raw'
import probeScript from '../../../templates/lab-probe.py?raw'
import { HostError } from '../../system/host-error.ts'
import { run, tryRun } from '../../system/process.ts'
import type { LabDevice, LabHost } from './specification.ts'

const HINT = 'portward verify needs iproute2 and a kernel with network namespaces'

/** The network namespace of all hosts behind one of the server's interfaces. */
const namespaceBehind = (device: string): string => `behind-${device}`

const isIPv6 = (address: string): boolean => address.includes(':')

const addAddress = (address: string, device: string): string =>
  `address add ${address} dev ${device}${isIPv6(address) ? ' nodad' : ''}`

/**
 * Lines for `ip -batch`. Hosts that are not on one of the server's networks are behind `outside`, directly on the link: routers
 * are not needed here.
 */
const serverLines = ({ name, addresses }: LabDevice, isOutside: boolean): string[] => [
  `link add ${name} type veth peer name eth0 netns ${namespaceBehind(name)}`,
  ...addresses.map((address) => addAddress(address, name)),
  `link set ${name} up`,
  ...(isOutside ? [`route add default dev ${name}`] : []),
]

const hostLines = (hosts: readonly LabHost[]): string[] => [
  'link set lo up',
  ...hosts.map(({ address }) => addAddress(`${address}/${isIPv6(address) ? 128 : 32}`, 'eth0')),
  'link set eth0 up',
  'route add default dev eth0',
]

const batch = async (lines: readonly string[], ...options: string[]): Promise<void> => {
  await run('ip', [...options, '-batch', '-'], HINT, { input: `${lines.join('\n')}\n` })
}

/** Adds interfaces that are not connected: nft refuses rules with an interface that does not exist. */
const addOthers = async (names: readonly string[]): Promise<void> => {
  const lines = names.map((name, index) => `link add ${name} type veth peer name nowhere${index}`)
  // If one cannot be created, the rules that name it are reported as gaps.
  if (lines.length > 0) await tryRun('ip', ['-force', '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

/**
 * Connects the namespaces of all hosts to this one with veth pairs. Returns whether IPv6 works, too: a kernel may be configured
 * without it. Throws HostError.
 */
export const createTopology = async (
  devices: readonly LabDevice[],
  hosts: readonly LabHost[],
  outside: string,
  others: readonly string[],
): Promise<{ hasIPv6: boolean }> => {
  await addOthers(others)
  for (const { name } of devices) await run('ip', ['netns', 'add', namespaceBehind(name)], HINT)
  const only = (lines: readonly string[], wants6: boolean) =>
    lines.filter((line) => /^address add \S*:/.test(line) === wants6)
  const ends = devices.map((device) => ({
    server: serverLines(device, device.name === outside),
    behind: hostLines(hosts.filter((host) => host.device === device.name)),
    namespace: namespaceBehind(device.name),
  }))
  for (const { server } of ends) await batch(only(server, false))
  await Promise.all(ends.map(({ behind, namespace }) => batch(only(behind, false), '-n', namespace)))
  try {
    await batch([...ends.flatMap(({ server }) => only(server, true)), `route add ::/0 dev ${outside}`])
    for (const { behind, namespace } of ends)
      await batch([...only(behind, true), 'route add ::/0 dev eth0'], '-n', namespace)
    return { hasIPv6: true }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { hasIPv6: false }
  }
}

interface Attempt {
  readonly source: string
  readonly destination: string
  readonly port: number
}

/** Runs a Python program in the network behind a device. */
const runBehind = (device: string, program: string, input: readonly object[]): Promise<string> =>
  run(
    'nsenter',
    [`--net=/run/netns/${namespaceBehind(device)}`, 'python3', '-I', '-S', '-c', program],
    'portward verify sends its probes with python3',
    { input: JSON.stringify(input), timeoutMs: 20_000 },
  )

/** Sends the probes of the hosts behind a device. */
export const sendProbes = async (
  device: string,
  probes: readonly (Attempt & { readonly kind: string })[],
): Promise<void> => {
  if (probes.length > 0) await runBehind(device, probeScript, probes)
}

/** Tries connections of hosts behind a device, each with this timeout. Returns for each whether the greeting was read. */
export const tryConnects = async (
  device: string,
  connects: readonly Attempt[],
  seconds: number,
): Promise<boolean[]> => {
  if (connects.length === 0) return []
  const attempts = connects.map((attempt) => ({ ...attempt, seconds }))
  return JSON.parse(await runBehind(device, connectScript, attempts))
}

/** The programs that the lab needs and this machine does not have. */
export const missingPrograms = async (): Promise<string[]> => {
  const programs = ['ip', 'nsenter', 'unshare', 'setpriv', 'python3']
  const found = await Promise.all(
    programs.map((program) => tryRun(program, ['--help'], { timeoutMs: 10_000 })),
  )
  return programs.filter((_, index) => found[index]?.exitCode === 127)
}
