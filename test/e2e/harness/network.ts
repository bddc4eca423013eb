import { $ } from 'zx'

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

const addAddress = (namespace: string, device: string, address: string) =>
  address.includes(':')
    ? $`ip -n ${namespace} address add ${address}/64 dev ${device} nodad`
    : $`ip -n ${namespace} address add ${address}/24 dev ${device}`

/** One cable: `device` in the server's namespace, `eth0` in the peer's. */
const plugIn = async (
  server: string,
  device: string,
  serverAddresses: string[],
  peer: string,
  peerAddresses: string[],
): Promise<void> => {
  await $`ip -n ${server} link add ${device} type veth peer name eth0 netns ${peer}`
  for (const address of serverAddresses) await addAddress(server, device, address)
  for (const address of peerAddresses) await addAddress(peer, 'eth0', address)
  await $`ip -n ${server} link set ${device} up`
  await $`ip -n ${peer} link set eth0 up`
}

/** Makes the server's namespace and its cables. There is no default route: nothing leaves the three. */
const addServer = async ({ server, attacker, lan }: Network): Promise<void> => {
  await $`ip netns add ${server}`
  await $`ip -n ${server} link set lo up`
  const own = addresses.server
  const { v4, other, v6 } = addresses.attacker
  await plugIn(server, 'lan0', [own.lan, own.lan6], lan, Object.values(addresses.lan))
  await plugIn(server, 'wan0', [own.wan, own.wan6], attacker, [v4, other, v6])
}

/** Lays the namespaces of one server. What tears them down is `teardown.ts`, whatever happens. */
export const createNetwork = async (network: Network): Promise<void> => {
  for (const peer of [network.attacker, network.lan]) {
    await $`ip netns add ${peer}`
    await $`ip -n ${peer} link set lo up`
  }
  await addServer(network)
}

/**
 * Gives the server a fresh namespace, as a reboot does: firewall, routes and sysctls live in the namespace
 * and would outlive the container. The cables go first, because a namespace is freed some time after its
 * name, and until then the peers' ends of them stay.
 */
export const renewServer = async (network: Network): Promise<void> => {
  await $`ip -n ${network.server} link delete lan0`
  await $`ip -n ${network.server} link delete wan0`
  await $`ip netns delete ${network.server}`
  await addServer(network)
}
