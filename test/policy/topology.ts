import type { Route, Topology } from '../../src/facts/ip.ts'
import { type Network, parseNetwork } from '../../src/network.ts'

/** A network that must be one. */
export const network = (text: string): Network => parseNetwork(text) ?? { bytes: [], prefix: 0 }

/** `lan0 192.168.1.10/24, docker0 172.17.0.1/16` and `default via 203.0.113.254 dev wan0`. */
export const topologyOf = (interfaces: string, ...routes: string[]): Topology => {
  const names = new Map<string, Network[]>()
  for (const item of interfaces.split(', ').filter(Boolean)) {
    const [name = '', address = ''] = item.split(' ')
    names.set(name, [...(names.get(name) ?? []), network(address)])
  }
  return {
    interfaces: [...names].map(([name, addresses]) => ({
      name,
      addresses,
      isVirtual: name.startsWith('docker'),
    })),
    routes: routes.map((text): Route => {
      const [, to = '', via = null, device = ''] = /^(\S+)(?: via (\S+))? dev (\S+)$/.exec(text) ?? []
      return { to: network(to === 'default' ? '0.0.0.0/0' : to), via, device }
    }),
  }
}
