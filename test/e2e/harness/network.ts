import type { Shell } from 'zx'

/** Runs the programs that lay the namespaces. */
export type Make = Shell

/** The servers' world, from the documentation ranges. Both attacker addresses belong to one machine. */
export const addresses = {
  server: { lan: '192.168.1.10', wan: '203.0.113.1', lan6: 'fd00:1::10', wan6: '2001:db8::1' },
  lan: { v4: '192.168.1.20', v6: 'fd00:1::20' },
  attacker: { v4: '203.0.113.9', other: '203.0.113.77', v6: '2001:db8::9' },
} as const

/** Names of the three network namespaces around one server. */
export interface Network {
  server: string
  attacker: string
  lan: string
}

export const networkOf = (name: string): Network => ({
  server: `${name}-server`,
  attacker: `${name}-attacker`,
  lan: `${name}-lan`,
})

const addAddress = (namespace: string, device: string, address: string): string =>
  `ip -n ${namespace} address add dev ${device} ${address}${address.includes(':') ? '/64 nodad' : '/24'}`

/** One cable: `device` in the server's namespace, `eth0` in the peer's. */
const plugIn = (
  server: string,
  device: string,
  serverAddresses: readonly string[],
  peer: string,
  peerAddresses: readonly string[],
): string[] => [
  `ip -n ${server} link add ${device} type veth peer name eth0 netns ${peer}`,
  ...serverAddresses.map((address) => addAddress(server, device, address)),
  ...peerAddresses.map((address) => addAddress(peer, 'eth0', address)),
  `ip -n ${server} link set ${device} up`,
  `ip -n ${peer} link set eth0 up`,
]

/** Makes the server's namespace and its cables. There is no default route: nothing leaves the three. */
const addServer = ({ server, attacker, lan }: Network): string[] => {
  const own = addresses.server
  const { v4, other, v6 } = addresses.attacker
  return [
    `ip netns add ${server}`,
    `ip -n ${server} link set lo up`,
    ...plugIn(server, 'lan0', [own.lan, own.lan6], lan, Object.values(addresses.lan)),
    ...plugIn(server, 'wan0', [own.wan, own.wan6], attacker, [v4, other, v6]),
  ]
}

const runAll = async (make: Make, commands: readonly string[]): Promise<void> => {
  await make`sh -c ${commands.join(' &&\n')}`
}

/** Lays the namespaces of one server. What tears them down is `teardown.ts`, whatever happens. */
export const createNetwork = (make: Make, network: Network): Promise<void> => {
  const peers = [network.attacker, network.lan]
  const addPeers = peers.flatMap((peer) => [`ip netns add ${peer}`, `ip -n ${peer} link set lo up`])
  return runAll(make, [...addPeers, ...addServer(network)])
}

/**
 * Gives the server a fresh namespace, as a reboot does: firewall, routes and sysctls live in the namespace
 * and would outlive the container. The cables go first, because a namespace is freed some time after its
 * name, and until then the peers' ends of them stay.
 */
export const renewServer = (make: Make, network: Network): Promise<void> =>
  runAll(make, [
    `ip -n ${network.server} link delete lan0`,
    `ip -n ${network.server} link delete wan0`,
    `ip netns delete ${network.server}`,
    ...addServer(network),
  ])
