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

const addAddress = (make: Make, namespace: string, device: string, address: string) =>
  address.includes(':')
    ? make`ip -n ${namespace} address add ${address}/64 dev ${device} nodad`
    : make`ip -n ${namespace} address add ${address}/24 dev ${device}`

/** One cable: `device` in the server's namespace, `eth0` in the peer's. */
const plugIn = async (
  make: Make,
  server: string,
  device: string,
  serverAddresses: string[],
  peer: string,
  peerAddresses: string[],
): Promise<void> => {
  await make`ip -n ${server} link add ${device} type veth peer name eth0 netns ${peer}`
  for (const address of serverAddresses) await addAddress(make, server, device, address)
  for (const address of peerAddresses) await addAddress(make, peer, 'eth0', address)
  await make`ip -n ${server} link set ${device} up`
  await make`ip -n ${peer} link set eth0 up`
}

/** Makes the server's namespace and its cables. There is no default route: nothing leaves the three. */
const addServer = async (make: Make, { server, attacker, lan }: Network): Promise<void> => {
  await make`ip netns add ${server}`
  await make`ip -n ${server} link set lo up`
  const own = addresses.server
  const { v4, other, v6 } = addresses.attacker
  await plugIn(make, server, 'lan0', [own.lan, own.lan6], lan, Object.values(addresses.lan))
  await plugIn(make, server, 'wan0', [own.wan, own.wan6], attacker, [v4, other, v6])
}

/** Lays the namespaces of one server. What tears them down is `teardown.ts`, whatever happens. */
export const createNetwork = async (make: Make, network: Network): Promise<void> => {
  for (const peer of [network.attacker, network.lan]) {
    await make`ip netns add ${peer}`
    await make`ip -n ${peer} link set lo up`
  }
  await addServer(make, network)
}

/**
 * Gives the server a fresh namespace, as a reboot does: firewall, routes and sysctls live in the namespace
 * and would outlive the container. The cables go first, because a namespace is freed some time after its
 * name, and until then the peers' ends of them stay.
 */
export const renewServer = async (make: Make, network: Network): Promise<void> => {
  await make`ip -n ${network.server} link delete lan0`
  await make`ip -n ${network.server} link delete wan0`
  await make`ip netns delete ${network.server}`
  await addServer(make, network)
}
